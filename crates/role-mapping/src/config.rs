//! Settings of role-mapping.

use serde::{Deserialize, Serialize};

/// Settings of role-mapping, beside those that every service has.
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
