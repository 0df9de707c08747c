//! The session service's section of the configuration.

use latchkey_platform::config::Setting;
use secrecy::SecretString;
use serde::Deserialize;

/// `[session]`: where sessions are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` for a file of one process alone, or the URL of a Redis 7 or newer, or a Valkey, that several replicas
    /// share: `redis://HOST:PORT/DB`, `rediss://` for TLS. It may hold a password.
    pub store: SecretString,
    /// With SQLite: how many sessions are kept in memory at most, about 700 bytes each. Others are read when asked for.
    pub sessions_in_memory: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { store: "sqlite:session.db".into(), sessions_in_memory: 4_000 }
    }
}

impl Config {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "store",
            default: "sqlite:session.db",
            text: "`sqlite:PATH` for a file of one process alone, or the URL of a Redis 7 or newer, or a Valkey, that several replicas share: `redis://USER:PASSWORD@HOST:PORT/DB`, `rediss://` for TLS.",
        },
        Setting {
            name: "sessions_in_memory",
            default: "4000",
            text: "With SQLite: how many sessions are kept in memory at most, about 700 bytes each. Others are read when asked for.",
        },
    ];
}
