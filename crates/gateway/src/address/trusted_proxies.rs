//! Whose forwarding headers are believed.

use serde::{Deserialize, Deserializer, de::Error as _};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Networks of proxies; empty for none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
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

/// An address, or a network in CIDR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    // Of the address mapped into IPv6.
    prefix: u32,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let shift = 128 - self.prefix;
        shift == 128 || bits(address) >> shift == self.address >> shift
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The text is neither an address nor a network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither an IP address nor a network such as 10.0.0.0/8")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (width, offset) = match address {
            IpAddr::V4(_) => (Ipv4Addr::BITS, Ipv6Addr::BITS - Ipv4Addr::BITS),
            IpAddr::V6(_) => (Ipv6Addr::BITS, 0),
        };
        let prefix = prefix.map_or(Ok(width), |prefix| prefix.parse::<u32>().map_err(|_| wrong()))?;
        if prefix > width {
            return Err(wrong());
        }
        Ok(Self { address: bits(address), prefix: prefix + offset })
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv6Addr::from(self.address), self.prefix)
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
    fn a_mistyped_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "example.org", "10.0.0.0/-1", "::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
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
