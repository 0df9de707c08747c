//! Sessions of service accounts: refresh-token families, revoked tokens, ids that count once. In Redis, or in SQLite for the
//! embedded default.
//!
//! Whether a client may have a session at all, and what a token says, is for others to decide. Everything here has an
//! expiry; nothing that must outlive it is kept.
//!
//! To add a transition: describe it in `proto/latchkey/session/v1`, give [`store::Store`] a method and both stores an atomic
//! implementation, write its behaviour down in `store/contract.rs`, and call it from `service.rs`.

pub mod config;
mod digest;
mod error;
mod escape;
pub mod family;
mod follow;
pub mod record;
mod service;
pub mod session_id;
pub mod store;
mod sweeper;

pub use config::Config;
pub use error::Error;
pub use service::SessionService;
pub use store::sqlite::{MIGRATIONS, SCHEMA};

use latchkey_api::DynClientRegistry;
use latchkey_platform::{clock::SharedClock, database::Database};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use store::{Store, redis::RedisStore, sqlite::SqliteStore};
use tokio_util::sync::CancellationToken;

/// Where sessions are kept.
#[derive(Clone, Debug)]
pub enum Backend {
    /// A Redis 7 or newer, or a Valkey, that several replicas share: `redis://…`, or `rediss://…` for TLS. The URL may hold
    /// a password.
    Redis(SecretString),
    /// An SQLite file of this process alone, opened with [`SCHEMA`] and [`MIGRATIONS`].
    Sqlite(Database),
}

/// Makes the service and starts what belongs to it, until `shutdown`: following the registry's change log, so that the sessions
/// of what is deleted end, and deleting what has expired.
///
/// A Redis that is away doesn't keep it from starting: calls are answered UNAVAILABLE until it is there.
///
/// # Errors
/// [`Error::Url`] for what is no Redis URL, [`Error::Location`] for a PostgreSQL database, [`Error::Database`] when the
/// SQLite file can't be read.
pub async fn build(
    config: Config,
    backend: Backend,
    registry: Arc<DynClientRegistry>,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<Arc<SessionService>, Error> {
    let store: Arc<dyn Store> = match backend {
        Backend::Redis(url) => Arc::new(RedisStore::new(url.expose_secret())?),
        Backend::Sqlite(database) => Arc::new(SqliteStore::new(database, config.sessions_in_memory).await?),
    };
    tokio::spawn(follow::follow(registry, store.clone(), clock.clone(), shutdown.clone()));
    tokio::spawn(sweeper::run(store.clone(), clock.clone(), shutdown));
    Ok(Arc::new(SessionService::new(store, clock)))
}
