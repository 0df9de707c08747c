//! All services in one process, on SQLite: the architecture's picture as code.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use latchkey_gateway::Services;
use latchkey_gateway::admin::bootstrap::ensure_master;
use latchkey_gateway::serve::serve_on;
use latchkey_platform::clock::{SharedClock, SystemClock};
use latchkey_platform::database::{Database, Migrations};
use latchkey_platform::vault::MasterKey;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::data::DataFolder;
use crate::settings::Settings;

/// The number is PostgreSQL's; SQLite has one writer.
const CONNECTIONS: u32 = 1;

/// Who may make realms.
pub struct Administrator {
    /// The username in the master realm.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// A server that runs in this process.
pub struct AllInOne {
    /// Where it listens.
    pub address: SocketAddr,
    gateway: JoinHandle<Result<(), latchkey_gateway::serve::Error>>,
    shutdown: CancellationToken,
}

impl AllInOne {
    /// Starts all services with their data in `folder`, and makes the administrator when there is none.
    ///
    /// # Errors
    /// When the port is taken, or a service cannot begin.
    pub async fn start(
        settings: Settings,
        folder: &DataFolder,
        administrator: &Administrator,
    ) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let clock: SharedClock = Arc::new(SystemClock);
        let gateway = settings.gateway.clone();
        // Bound first: a port that is taken is told at once.
        let listener = TcpListener::bind(gateway.listen)
            .await
            .with_context(|| format!("listening on {}", gateway.listen))?;
        let address = listener.local_addr()?;
        let services = services(settings, folder, &clock, &shutdown).await?;
        ensure_master(&services, &administrator.username, administrator.password.clone())
            .await
            .context("making the master realm")?;
        let gateway = tokio::spawn(serve_on(listener, gateway, services, clock, shutdown.clone()));
        Ok(Self { address, gateway, shutdown })
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// When the gateway ended early.
    pub async fn serve_until(mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let ended = tokio::select! {
            ended = &mut self.gateway => Some(ended),
            () = shutdown.cancelled() => None,
        };
        match ended {
            Some(ended) => Ok(ended.context("the gateway")??),
            None => self.stop().await,
        }
    }

    /// Lets what is under way finish, then ends.
    ///
    /// # Errors
    /// When the gateway ended early.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        Ok(self.gateway.await.context("the gateway")??)
    }
}

/// All services, each over its own SQLite file in `folder`.
///
/// # Errors
/// When a file cannot be opened.
pub async fn services(
    settings: Settings,
    folder: &DataFolder,
    clock: &SharedClock,
    shutdown: &CancellationToken,
) -> anyhow::Result<Services> {
    let master: Arc<dyn MasterKey> = Arc::new(folder.master_key()?);
    let open = async |service: &'static str, schema: &'static str, migrations: Migrations| {
        let database = Database::open(&folder.sqlite(service), CONNECTIONS, schema, migrations).await;
        database.with_context(|| format!("opening the database of {service}"))
    };

    let registry = latchkey_client_registry::build(
        &settings.client_registry,
        open("client-registry", latchkey_client_registry::SCHEMA, latchkey_client_registry::MIGRATIONS)
            .await?,
        Arc::clone(&master),
        Arc::clone(clock),
        shutdown.clone(),
    )
    .await?;
    let roles = latchkey_role_mapping::build(
        &settings.role_mapping,
        open("role-mapping", latchkey_role_mapping::SCHEMA, latchkey_role_mapping::MIGRATIONS).await?,
        registry.clone(),
        Arc::clone(clock),
        shutdown.clone(),
    )
    .await?;
    let issuer = latchkey_token_issuer::build(
        &settings.token_issuer,
        open("token-issuer", latchkey_token_issuer::SCHEMA, latchkey_token_issuer::MIGRATIONS).await?,
        master,
        registry.clone(),
        Arc::clone(clock),
        shutdown.clone(),
    )
    .await?;
    let sessions = latchkey_session::build(
        latchkey_session::Config { store: folder.sqlite("session").into(), ..settings.session },
        registry.clone(),
        Arc::clone(clock),
        shutdown.clone(),
    )
    .await?;
    let audit = latchkey_audit::build(
        settings.audit,
        open("audit", latchkey_audit::SCHEMA, latchkey_audit::MIGRATIONS).await?,
        latchkey_audit::Upstreams {
            registry: registry.clone(),
            roles: roles.clone(),
            issuer: issuer.clone(),
        },
        Arc::clone(clock),
        shutdown.clone(),
    )
    .await?;
    Ok(Services { registry, roles, issuer, sessions, audit })
}
