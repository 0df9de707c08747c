//! The client-registry as a program of its own.

use latchkey_api::registry::v1::client_registry_server::ClientRegistryServer;
use latchkey_client_registry::{MIGRATIONS, SCHEMA};
use latchkey_platform::{
    config::{self, Grpc, MasterKey, Telemetry},
    database::Database,
    operations::Readiness,
    server::{Context, Error, Program, Serving, Settings, Workers, serve},
};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::{process::ExitCode, sync::Arc};
use tonic::service::Routes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Sections {
    #[serde(default)]
    telemetry: Telemetry,
    #[serde(default)]
    grpc: Grpc,
    database: config::Database,
    #[serde(default)]
    master_key: MasterKey,
    #[serde(default)]
    client_registry: latchkey_client_registry::Config,
}

impl Settings for Sections {
    const SECTIONS: &'static [&'static str] =
        &["telemetry", "grpc", "database", "master_key", "client_registry"];

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

fn main() -> ExitCode {
    Program { name: "client-registry", workers: Workers::One }.main(run)
}

async fn run(settings: Sections, context: Context) -> Result<(), Error> {
    let master = settings.master_key.load().map_err(Error::program("there is no usable master key"))?;
    let config::Database { url, max_connections } = settings.database;
    let database = Database::open(url.expose_secret(), max_connections, SCHEMA, MIGRATIONS)
        .await
        .map_err(Error::program("the client-registry database can't be opened"))?;
    let (clock, shutdown) = (context.clock.clone(), context.shutdown.clone());
    let service = latchkey_client_registry::build(
        &settings.client_registry,
        database.clone(),
        Arc::new(master),
        clock,
        shutdown,
    )
    .await
    .map_err(Error::program("client-registry can't be put together"))?;
    let called = service.clone();
    let serving = Serving {
        applied: Arc::new(service.changes().clone()),
        routes: Routes::new(ClientRegistryServer::from_arc(service)),
        pipeline: Box::new(|calls| calls.client_registry(called)),
        readiness: Readiness::default().with("database", move || {
            let database = database.clone();
            async move { database.ping().await.is_ok() }
        }),
    };
    serve(&settings.grpc, &context, serving).await
}
