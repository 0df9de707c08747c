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

use latchkey_api::DynClientRegistry;
use latchkey_platform::{clock::SharedClock, database::Database};
use secrecy::ExposeSecret;
use std::sync::Arc;
use store::{
    Store,
    redis::RedisStore,
    sqlite::{MIGRATIONS, SCHEMA, SqliteStore},
};
use tokio_util::sync::CancellationToken;

/// Makes the service and starts what belongs to it, until `shutdown`: following the registry's change log, so that the sessions
/// of what is deleted end, and deleting what has expired.
///
/// A Redis that is away doesn't keep it from starting: calls are answered UNAVAILABLE until it is there.
///
/// # Errors
/// [`Error::Location`] or [`Error::Url`] for a store that can't be, [`Error::Database`] when the SQLite file can't be opened.
pub async fn build(
    config: Config,
    registry: Arc<DynClientRegistry>,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<Arc<SessionService>, Error> {
    let store = open(&config).await?;
    tokio::spawn(follow::follow(registry, store.clone(), clock.clone(), shutdown.clone()));
    tokio::spawn(sweeper::run(store.clone(), clock.clone(), shutdown));
    Ok(Arc::new(SessionService::new(store, clock)))
}

async fn open(config: &Config) -> Result<Arc<dyn Store>, Error> {
    let location = config.store.expose_secret();
    if location.starts_with("sqlite:") {
        let database = Database::open(location, 1, SCHEMA, MIGRATIONS).await?;
        return Ok(Arc::new(SqliteStore::new(database, config.sessions_in_memory).await?));
    }
    let is_redis = ["redis://", "rediss://", "redis+unix://", "unix://"];
    if !is_redis.iter().any(|scheme| location.starts_with(scheme)) {
        return Err(Error::Location);
    }
    Ok(Arc::new(RedisStore::new(location)?))
}
