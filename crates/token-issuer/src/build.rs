//! Putting the service together.

use std::sync::Arc;
use std::time::Duration;

use latchkey_api::DynClientRegistry;
use latchkey_api::common::v1::WatchRequest;
use latchkey_platform::changelog::ChangeLog;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;
use latchkey_platform::follower::{Follower, OpenWatch};
use latchkey_platform::sweep;
use latchkey_platform::vault::{MasterKey, Vault};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response};

use crate::cache::keys::KeyCache;
use crate::cache::verified::VerifiedCache;
use crate::changes::Writer;
use crate::config::Config;
use crate::error::Error;
use crate::follow::{Cascade, UPSTREAM};
use crate::key::pool::RsaPool;
use crate::providers::fallback::Turns;
use crate::rotation;
use crate::service::IssuerService;
use crate::store::realms;

/// The schema of the service's tables in PostgreSQL, and the name of its change log.
pub const SCHEMA: &str = "token_issuer";

/// RSA keys of a realm: where there is no realm yet, the first is about to be made.
const KEYS_OF_A_REALM: usize = 2;

/// Puts token-issuer together over a database that was opened with [`SCHEMA`] and [`crate::MIGRATIONS`]. The registry's change
/// log, and what other replicas write, are followed, keys are rotated, and what was never published is swept, until `shutdown`.
///
/// # Errors
/// When the database cannot be read.
pub async fn build(
    config: &Config,
    database: Database,
    master: Arc<dyn MasterKey>,
    registry: Arc<DynClientRegistry>,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<Arc<IssuerService>, Error> {
    let at_once = if realms::any(&mut database.clone()).await? { 0 } else { KEYS_OF_A_REALM };
    let pool = RsaPool::start(config.pregenerated_rsa_keys, at_once, shutdown.clone());

    let vault = Vault::new(database.clone(), master, clock.clone());
    let changes = ChangeLog::open(database.clone(), SCHEMA, clock.clone()).await?;
    let epochs = Arc::new(Epochs::default());
    let writer = Writer { changes: changes.clone(), epochs: Arc::clone(&epochs) };

    let tailing = Arc::clone(&epochs);
    // An SQLite file has no writers but this process, and those outdate by themselves.
    let replicated = matches!(database, Database::Postgres(_));
    let drop_cached = move |change: &latchkey_api::common::v1::Change| {
        if replicated {
            tailing.advance(&change.realm_id);
        }
    };
    changes.tail(drop_cached, shutdown.clone());

    let cascade = Arc::new(Cascade { writer: writer.clone(), vault: vault.clone() });
    let open = watch(Arc::clone(&registry));
    let follower = Follower::start(database.clone(), UPSTREAM, open, cascade, shutdown.clone()).await?;
    let service = Arc::new(IssuerService {
        keys: KeyCache::new(database.clone(), vault.clone(), epochs, config.keys_cache_bytes),
        verified: VerifiedCache::new(config.verified_cache_bytes),
        fallbacks: Turns::default(),
        database,
        vault,
        writer,
        pool,
        registry,
        follower,
        clock,
    });
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(sweep::run(Arc::clone(&service))));
    let every = Duration::from_millis(config.key_rotation_look_every_ms.get().into());
    tokio::spawn(shutdown.run_until_cancelled_owned(rotation::run(Arc::clone(&service), every)));
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
