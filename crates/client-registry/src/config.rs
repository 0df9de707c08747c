//! Settings of client-registry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use latchkey_platform::config::Setting;
use latchkey_platform::network::Network;
use reqwest::Certificate;
use serde::Deserialize;

use crate::error::Error;
use crate::outside_authenticator::AuthenticatorSettings;

/// `[client_registry]`: settings beside those that every service has.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// About how many bytes of realms are kept in memory. One takes about 4 KiB.
    pub realm_cache_bytes: u64,
    /// About how many bytes of clients are kept in memory. One takes about 2 KiB.
    pub client_cache_bytes: u64,
    /// About how many bytes of identity providers, and of the subjects that they vouch for, are kept in memory.
    pub issuer_cache_bytes: u64,
    /// Networks where key servers and clients' admin URLs may be although they are private.
    pub allowed_key_server_networks: Vec<Network>,
    /// A file of certificates (PEM) that key servers and admin URLs may be vouched for by, beside those of the system.
    pub key_server_ca_file: Option<PathBuf>,
    /// Services of one's own that decide about clients whose authenticator is `custom:<name>`, by name.
    pub authenticators: BTreeMap<String, AuthenticatorSettings>,
    /// The shortest interval (seconds) at which a realm may have its keys rotated.
    pub shortest_key_rotation_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            realm_cache_bytes: 16 << 20,
            client_cache_bytes: 32 << 20,
            issuer_cache_bytes: 8 << 20,
            allowed_key_server_networks: Vec::new(),
            key_server_ca_file: None,
            authenticators: BTreeMap::new(),
            shortest_key_rotation_s: 60 * 60,
        }
    }
}

impl Config {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "realm_cache_bytes",
            default: "16777216",
            text: "About how many bytes of realms are kept in memory. One takes about 4 KiB.",
        },
        Setting {
            name: "client_cache_bytes",
            default: "33554432",
            text: "About how many bytes of clients are kept in memory. One takes about 2 KiB.",
        },
        Setting {
            name: "issuer_cache_bytes",
            default: "8388608",
            text: "About how many bytes of identity providers, and of the subjects that they vouch for, are kept in memory.",
        },
        Setting {
            name: "allowed_key_server_networks",
            default: "none",
            text: "Networks where key servers and clients' admin URLs may be although they are private: `[\"10.0.0.0/8\"]`.",
        },
        Setting {
            name: "key_server_ca_file",
            default: "none",
            text: "A file of certificates (PEM) that key servers and admin URLs may be vouched for by, beside those of the system.",
        },
        Setting {
            name: "authenticators.NAME.url",
            default: "none",
            text: "`https://HOST:PORT` of a service of one's own that decides about clients whose authenticator is `custom:NAME` (`a-z`, `0-9`, `-`, `_`): [custom-authenticators.md](custom-authenticators.md).",
        },
        Setting {
            name: "authenticators.NAME.ca_file",
            default: "required",
            text: "The certificate authority (PEM) that vouches for it.",
        },
        Setting {
            name: "authenticators.NAME.cert_file",
            default: "none",
            text: "The certificate chain (PEM) by which it knows us.",
        },
        Setting { name: "authenticators.NAME.key_file", default: "none", text: "Its private key (PEM)." },
        Setting {
            name: "authenticators.NAME.plaintext",
            default: "false",
            text: "Speak without TLS, to an `http://` address. Whoever is on the way then reads what clients present, and answers in its place: for trusted networks that encrypt by themselves.",
        },
        Setting {
            name: "authenticators.NAME.timeout_ms",
            default: "1000",
            text: "For how long its answer is waited for, in milliseconds; 4000 at the most.",
        },
        Setting {
            name: "authenticators.NAME.failures",
            default: "5",
            text: "After how many failures in a row (not reached, or no answer in time) a realm's calls are refused at once.",
        },
        Setting {
            name: "authenticators.NAME.open_ms",
            default: "10000",
            text: "For how long, in milliseconds, until one call tries whether it is back.",
        },
        Setting {
            name: "authenticators.NAME.max_calls",
            default: "64",
            text: "How many calls of one realm may be under way. What is more is refused at once.",
        },
        Setting {
            name: "shortest_key_rotation_s",
            default: "3600",
            text: "The shortest interval (seconds) at which a realm may have its keys rotated (realm attribute `latchkey.key-rotation.interval`).",
        },
    ];

    /// The certificates that key servers may be vouched for by, beside those of the system.
    pub(crate) fn key_server_roots(&self) -> Result<Vec<Certificate>, Error> {
        let Some(file) = &self.key_server_ca_file else { return Ok(Vec::new()) };
        let unreadable = |cause: String| Error::KeyServerCertificates { file: file.clone(), cause };
        let pem = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
        let roots = Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error.to_string()))?;
        if roots.is_empty() { Err(unreadable("it holds none".to_owned())) } else { Ok(roots) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_cannot_be_read_are_told_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let config = |name: &str, content: Option<&str>| {
            let file = folder.path().join(name);
            if let Some(content) = content {
                std::fs::write(&file, content).unwrap();
            }
            Config { key_server_ca_file: Some(file), ..Config::default() }
        };
        let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        for (name, content) in [("missing", None), ("empty", Some("")), ("broken", Some(broken))] {
            let told = config(name, content).key_server_roots().unwrap_err().to_string();
            assert!(told.contains(name), "{told}");
        }
        let pair = rcgen::KeyPair::generate().unwrap();
        let good = rcgen::CertificateParams::default().self_signed(&pair).unwrap().pem();
        assert_eq!(config("good", Some(&good)).key_server_roots().unwrap().len(), 1);
        assert!(Config::default().key_server_roots().unwrap().is_empty());
    }
}
