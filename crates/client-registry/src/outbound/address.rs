//! Which addresses may be called. Whoever may set an address must not reach through us what only we can reach: so a name is
//! resolved here, and the connection goes to an address that was checked, not to what the name means a moment later.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use latchkey_platform::network::Network;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// IPv4 networks that are not the public Internet (RFC 6890), and multicast.
const NOT_PUBLIC_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];
/// The public part of IPv6 (RFC 4291 section 2.4), and what of it is not: Teredo and other special uses, documentation, and 6to4, which
/// holds IPv4 addresses.
const PUBLIC_V6: &str = "2000::/3";
const NOT_PUBLIC_V6: &[&str] = &["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/// The addresses that are allowed: public ones, and those of the settings.
pub(super) struct AddressPolicy {
    allowed: Vec<Network>,
    public_v6: Network,
    not_public: Vec<Network>,
}

/// A name means no address that is allowed.
#[derive(Debug, thiserror::Error)]
#[error("the address is private and not allowed by the settings")]
pub(super) struct AddressRefused;

impl AddressPolicy {
    /// With networks that are allowed although they are not public.
    pub(super) fn new(allowed: Vec<Network>) -> Self {
        let network = |text: &&str| text.parse().expect("a network in this file is well formed");
        let not_public = NOT_PUBLIC_V4.iter().chain(NOT_PUBLIC_V6).map(network).collect();
        Self { allowed, public_v6: network(&PUBLIC_V6), not_public }
    }

    pub(super) fn permits(&self, address: IpAddr) -> bool {
        // An IPv4 address that is written as an IPv6 one is what it is.
        let address = address.to_canonical();
        let holds = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        let public = (address.is_ipv4() || self.public_v6.contains(address)) && !holds(&self.not_public);
        public || holds(&self.allowed)
    }
}

/// Resolves names to allowed addresses alone.
pub(super) struct CheckedResolver(pub(super) Arc<AddressPolicy>);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> = found.filter(|address| policy.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(AddressRefused.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_refused_in_every_form() {
        let policy = AddressPolicy::new(Vec::new());
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
        ] {
            assert!(!policy.permits(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "172.32.0.1", "::ffff:1.1.1.1", "2606:4700::1111", "2a00::1"] {
            assert!(policy.permits(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_settings_open_what_they_name_and_no_more() {
        let policy = AddressPolicy::new(vec!["10.96.0.0/12".parse().unwrap(), "::1".parse().unwrap()]);
        for (address, permitted) in [
            ("10.96.0.1", true),
            ("::ffff:10.96.0.1", true),
            ("10.0.0.1", false),
            ("::1", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(policy.permits(address.parse().unwrap()), permitted, "{address}");
        }
    }
}
