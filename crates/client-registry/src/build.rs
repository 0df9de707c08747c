//! Putting the service together.

use std::sync::Arc;

use latchkey_platform::changelog::ChangeLog;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;
use latchkey_platform::vault::{MasterKey, Vault};
use tokio_util::sync::CancellationToken;

use crate::cache::known_clients::KnownClients;
use crate::cache::known_issuers::KnownIssuers;
use crate::cache::known_realms::KnownRealms;
use crate::changes::{Writer, outdate_by};
use crate::config::Config;
use crate::error::Error;
use crate::outbound::Outbound;
use crate::outside_authenticator::OutsideAuthenticators;
use crate::remote_keys::RemoteKeys;
use crate::secret_uses::{self, SecretUses};
use crate::service::RegistryService;

/// The schema of the service's tables in PostgreSQL, and the name of its change log.
pub const SCHEMA: &str = "client_registry";

/// Puts client-registry together over a database that was opened with [`SCHEMA`] and [`crate::MIGRATIONS`]. What other replicas
/// write is followed until `shutdown`.
///
/// # Errors
/// When the database, or a file of certificates that the settings name, cannot be read, or what they say of an authenticator is wrong.
pub async fn build(
    config: &Config,
    database: Database,
    master: Arc<dyn MasterKey>,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<Arc<RegistryService>, Error> {
    let changes = ChangeLog::open(database.clone(), SCHEMA, clock.clone()).await?;
    let epochs = Arc::new(Epochs::default());
    let vault = Vault::new(database.clone(), master, clock.clone());

    let tailing = Arc::clone(&epochs);
    // An SQLite file has no writers but this process, and those outdate by themselves.
    let replicated = matches!(database, Database::Postgres(_));
    let drop_cached = move |change: &_| {
        if replicated {
            outdate_by(&tailing, change);
        }
    };
    changes.tail(drop_cached, shutdown.clone());
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(rewrap(vault.clone())));
    let secret_uses = Arc::new(SecretUses::default());
    tokio::spawn(secret_uses::keep(Arc::clone(&secret_uses), database.clone(), clock.clone(), shutdown));

    let outbound =
        Arc::new(Outbound::new(config.allowed_key_server_networks.clone(), config.key_server_roots()?));
    Ok(Arc::new(RegistryService {
        realms: KnownRealms::new(database.clone(), vault.clone(), &epochs, config.realm_cache_bytes),
        clients: KnownClients::new(
            database.clone(),
            vault.clone(),
            clock.clone(),
            &epochs,
            Arc::clone(&secret_uses),
            config.client_cache_bytes,
        ),
        issuers: KnownIssuers::new(database.clone(), &epochs, config.issuer_cache_bytes),
        remote_keys: RemoteKeys::new(Arc::clone(&outbound), clock.clone()),
        outbound,
        authenticators: OutsideAuthenticators::prepare(&config.authenticators, &clock)?,
        secret_uses,
        shortest_key_rotation_s: config.shortest_key_rotation_s.into(),
        writer: Writer { changes, epochs },
        database,
        vault,
        clock,
    }))
}

/// Brings the data keys under the newest master key, so that an older one can be taken away.
async fn rewrap(vault: Vault) {
    match vault.rewrap().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "data keys were wrapped with the newest master key"),
        Err(error) => tracing::warn!(error = %error, "data keys stay under an older master key"),
    }
}
