//! Settings of the session service.

use secrecy::SecretString;
use serde::Deserialize;

/// Where sessions are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` for one process with a file of its own, or `redis://HOST:PORT/DB` (`rediss://` for TLS) for a Redis 7 or
    /// Valkey that several replicas share. It may hold a password.
    pub store: SecretString,
    /// With SQLite: how many sessions are kept in memory at most, about 700 bytes each. Others are read when asked for.
    pub sessions_in_memory: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { store: "sqlite:session.db".into(), sessions_in_memory: 20_000 }
    }
}
