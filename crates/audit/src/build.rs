//! How the audit service is put together, alone in its process or beside the other services in one.

use crate::{
    Config, Error,
    follow::{AdminEvents, Followers, REALM_OWNER, watch_issuer, watch_registry, watch_roles},
    service::AuditService,
    store::Store,
    sweeper::Sweeper,
};
use latchkey_api::{DynClientRegistry, DynRoleMapping, DynTokenIssuer};
use latchkey_platform::{
    clock::SharedClock,
    database::{Database, Migration, Migrations},
    follower::{Follower, OpenWatch},
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The schema of the tables in PostgreSQL.
pub const SCHEMA: &str = "audit";

/// The steps of the schema, for [`Database::open`].
pub const MIGRATIONS: Migrations = &[Migration {
    version: 1,
    description: "login and admin events",
    postgres: include_str!("../migrations/postgres/0001_events.sql"),
    sqlite: include_str!("../migrations/sqlite/0001_events.sql"),
}];

/// The services whose change logs carry admin events.
#[derive(Clone)]
pub struct Upstreams {
    /// Realms and clients; what is deleted there takes its events along.
    pub registry: Arc<DynClientRegistry>,
    /// Roles, scopes, mappers, users.
    pub roles: Arc<DynRoleMapping>,
    /// Keys.
    pub issuer: Arc<DynTokenIssuer>,
}

/// Puts the service together over a database that was opened with [`SCHEMA`] and [`MIGRATIONS`], and starts following the
/// change logs and forgetting what has expired, until `shutdown`.
///
/// # Errors
/// When the database fails.
pub async fn build(
    config: Config,
    database: Database,
    upstreams: Upstreams,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<Arc<AuditService>, Error> {
    let store = Store::new(database.clone());
    let start = |name: &'static str, open: OpenWatch| {
        let admin_events = Arc::new(AdminEvents { store: store.clone(), upstream: name });
        Follower::start(database.clone(), name, open, admin_events, shutdown.clone())
    };
    let followers = Followers::from([
        (REALM_OWNER, start(REALM_OWNER, watch_registry(upstreams.registry)).await?),
        ("role-mapping", start("role-mapping", watch_roles(upstreams.roles)).await?),
        ("token-issuer", start("token-issuer", watch_issuer(upstreams.issuer)).await?),
    ]);
    let sweeper =
        Sweeper { store: store.clone(), clock: clock.clone(), admin_event_days: config.admin_event_days };
    tokio::spawn(shutdown.run_until_cancelled_owned(sweeper.run()));
    Ok(Arc::new(AuditService { store, clock, followers }))
}
