//! token-issuer as a program of its own.

use std::process::ExitCode;
use std::sync::Arc;

use latchkey_api::issuer::v1::token_issuer_server::TokenIssuerServer;
use latchkey_platform::config::{self, Grpc, MasterKey, Services, Telemetry};
use latchkey_platform::database::Database;
use latchkey_platform::operations::Readiness;
use latchkey_platform::server::{Context, Error, Program, Remotes, Serving, Settings, Workers, serve};
use latchkey_token_issuer::{Config, MIGRATIONS, SCHEMA};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tonic::service::Routes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Sections {
    #[serde(default)]
    telemetry: Telemetry,
    #[serde(default)]
    grpc: Grpc,
    #[serde(default)]
    services: Services,
    database: config::Database,
    #[serde(default)]
    master_key: MasterKey,
    #[serde(default)]
    token_issuer: Config,
}

impl Settings for Sections {
    const SECTIONS: &'static [&'static str] =
        &["telemetry", "grpc", "services", "database", "master_key", "token_issuer"];

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

fn main() -> ExitCode {
    Program { name: "token-issuer", workers: Workers::EachCore }.main(run)
}

async fn run(settings: Sections, context: Context) -> Result<(), Error> {
    let master = settings.master_key.load().map_err(Error::program("the master key cannot be read"))?;
    let config::Database { url, max_connections } = settings.database;
    let database = Database::open(url.expose_secret(), max_connections, SCHEMA, MIGRATIONS)
        .await
        .map_err(Error::program("the database of token-issuer cannot be opened"))?;
    let registry = Remotes::new(settings.services, &settings.grpc)?.registry()?;
    let (clock, shutdown) = (context.clock.clone(), context.shutdown.clone());
    let service = latchkey_token_issuer::build(
        &settings.token_issuer,
        database.clone(),
        Arc::new(master),
        registry,
        clock,
        shutdown,
    )
    .await
    .map_err(Error::program("token-issuer cannot begin"))?;
    let called = service.clone();
    let serving = Serving {
        applied: Arc::new(service.changes().clone()),
        routes: Routes::new(TokenIssuerServer::from_arc(service)),
        pipeline: Box::new(|calls| calls.token_issuer(called)),
        readiness: Readiness::default().with("database", move || {
            let database = database.clone();
            async move { database.ping().await.is_ok() }
        }),
    };
    serve(&settings.grpc, &context, serving).await
}
