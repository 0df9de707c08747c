//! Whose forwarding headers are believed.

use latchkey_platform::network::Network;
use serde::Deserialize;
use std::net::IpAddr;

/// Networks of proxies; empty for none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a peer is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The address of the client: the last one of an `X-Forwarded-For` list that isn't a trusted proxy's itself, when the peer is
    /// one; else the peer's. A client can put anything before it, hence the last.
    #[must_use]
    pub fn client(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        if self.0.is_empty() || !self.contains(peer) {
            return peer;
        }
        let mut nearest = peer;
        for hop in forwarded_for.unwrap_or_default().rsplit(',') {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            nearest = address;
            if !self.contains(address) {
                break;
            }
        }
        nearest
    }
}

impl FromIterator<Network> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        networks.iter().map(|text| text.parse::<Network>().unwrap()).collect()
    }

    #[test]
    fn networks_hold_their_addresses() {
        let trusted = proxies(&["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
        for (address, inside) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8:1::1", true),
            ("::1", false),
        ] {
            assert_eq!(trusted.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(proxies(&["0.0.0.0/0"]).contains("203.0.113.1".parse().unwrap()));
    }

    #[test]
    fn only_a_trusted_peer_may_name_the_client() {
        let trusted = proxies(&["10.0.0.0/8"]);
        let from = |peer: &str, header| trusted.client(peer.parse().unwrap(), header).to_string();
        assert_eq!(from("203.0.113.9", Some("198.51.100.1")), "203.0.113.9");
        assert_eq!(from("10.0.0.1", Some("198.51.100.1")), "198.51.100.1");
        assert_eq!(from("10.0.0.1", Some("6.6.6.6, 198.51.100.1, 10.0.0.2")), "198.51.100.1");
        assert_eq!(from("10.0.0.1", Some("garbage")), "10.0.0.1");
        assert_eq!(from("10.0.0.1", None), "10.0.0.1");
    }
}
