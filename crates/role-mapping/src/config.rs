//! Settings of role-mapping.

use latchkey_platform::config::Setting;
use serde::{Deserialize, Serialize};

/// `[role_mapping]`: settings beside those that every service has.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// About how many bytes of realms, clients and accounts are kept in memory. A realm with what every realm has takes 35 KiB.
    pub facts_cache_bytes: u64,
    /// About how many bytes of finished resolutions are kept in memory. One takes about 2 KiB.
    pub resolution_cache_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { facts_cache_bytes: 16 << 20, resolution_cache_bytes: 16 << 20 }
    }
}

impl Config {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "facts_cache_bytes",
            default: "16777216",
            text: "About how many bytes of realms, clients and accounts are kept in memory. A realm with what every realm has takes 35 KiB.",
        },
        Setting {
            name: "resolution_cache_bytes",
            default: "16777216",
            text: "About how many bytes of finished resolutions are kept in memory. One takes about 2 KiB.",
        },
    ];
}
