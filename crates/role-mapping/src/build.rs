//! Putting the service together.

use std::sync::Arc;

use latchkey_api::DynClientRegistry;
use latchkey_api::common::v1::WatchRequest;
use latchkey_platform::changelog::ChangeLog;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;
use latchkey_platform::follower::{Follower, OpenWatch};
use latchkey_platform::sweep;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response};

use crate::cache::facts::FactCaches;
use crate::cache::resolutions::Resolutions;
use crate::changes::{Writer, outdate_by};
use crate::config::Config;
use crate::error::Error;
use crate::follow::{Cascade, UPSTREAM};
use crate::passwords::Passwords;
use crate::service::RoleMappingService;

/// The schema of the service's tables in PostgreSQL, and the name of its change log.
pub const SCHEMA: &str = "role_mapping";

/// Puts role-mapping together over a database that was opened with [`SCHEMA`] and [`crate::MIGRATIONS`]. The registry's change
/// log, and what other replicas write, are followed, and what was never published is swept, until `shutdown`.
///
/// # Errors
/// When the database cannot be read.
pub async fn build(
    config: &Config,
    database: Database,
    registry: Arc<DynClientRegistry>,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<Arc<RoleMappingService>, Error> {
    let changes = ChangeLog::open(database.clone(), SCHEMA, clock.clone()).await?;
    let epochs = Arc::new(Epochs::default());
    let writer = Writer { changes: changes.clone(), epochs: Arc::clone(&epochs) };

    let tailing = Arc::clone(&epochs);
    // An SQLite file has no writers but this process, and those outdate by themselves.
    let replicated = matches!(database, Database::Postgres(_));
    let drop_cached = move |change: &_| {
        if replicated {
            outdate_by(&tailing, change);
        }
    };
    changes.tail(drop_cached, shutdown.clone());

    let cascade = Cascade { writer: writer.clone(), clock: clock.clone(), entries: Mutex::default() };
    let follower = Follower::start(
        database.clone(),
        UPSTREAM,
        watch(registry.clone()),
        Arc::new(cascade),
        shutdown.clone(),
    )
    .await?;
    let service = Arc::new(RoleMappingService {
        facts: FactCaches::new(database.clone(), &epochs, config.facts_cache_bytes),
        resolutions: Resolutions::new(epochs, config.resolution_cache_bytes),
        passwords: Passwords::new()?,
        database,
        writer,
        registry,
        follower,
        clock,
    });
    tokio::spawn(shutdown.run_until_cancelled_owned(sweep::run(Arc::clone(&service))));
    Ok(service)
}

fn watch(registry: Arc<DynClientRegistry>) -> OpenWatch {
    Arc::new(move |from_revision| {
        let registry = Arc::clone(&registry);
        Box::pin(async move {
            registry.watch(Request::new(WatchRequest { from_revision })).await.map(Response::into_inner)
        })
    })
}
