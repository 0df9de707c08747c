//! Settings of client-registry.

use latchkey_platform::config::Setting;
use serde::Deserialize;

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
}

impl Default for Config {
    fn default() -> Self {
        Self { realm_cache_bytes: 16 << 20, client_cache_bytes: 32 << 20, issuer_cache_bytes: 8 << 20 }
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
    ];
}
