//! The session service's section of the configuration.

use serde::{Deserialize, Serialize};

/// Settings of the session service.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// With SQLite: how many sessions are kept in memory at most, about 700 bytes each. Others are read when asked for.
    pub sessions_in_memory: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { sessions_in_memory: 20_000 }
    }
}
