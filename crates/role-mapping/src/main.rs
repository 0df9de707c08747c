//! role-mapping as a program of its own.

use latchkey_api::roles::v1::role_mapping_server::RoleMappingServer;
use latchkey_platform::{
    config::{self, Grpc, Services, Telemetry},
    database::Database,
    operations::Readiness,
    server::{Context, Error, Program, Remotes, Serving, Settings, Workers, serve},
};
use latchkey_role_mapping::{MIGRATIONS, SCHEMA};
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
    #[serde(default)]
    services: Services,
    database: config::Database,
    #[serde(default)]
    role_mapping: latchkey_role_mapping::Config,
}

impl Settings for Sections {
    const SECTIONS: &'static [&'static str] = &["telemetry", "grpc", "services", "database", "role_mapping"];

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

fn main() -> ExitCode {
    Program { name: "role-mapping", workers: Workers::One }.main(run)
}

async fn run(settings: Sections, context: Context) -> Result<(), Error> {
    let config::Database { url, max_connections } = settings.database;
    let database = Database::open(url.expose_secret(), max_connections, SCHEMA, MIGRATIONS)
        .await
        .map_err(Error::program("the role-mapping database can't be opened"))?;
    let registry = Remotes::new(settings.services, &settings.grpc)?.registry()?;
    let (clock, shutdown) = (context.clock.clone(), context.shutdown.clone());
    let service =
        latchkey_role_mapping::build(&settings.role_mapping, database.clone(), registry, clock, shutdown)
            .await
            .map_err(Error::program("the change logs can't be followed"))?;
    let called = service.clone();
    let serving = Serving {
        applied: Arc::new(service.changes().clone()),
        routes: Routes::new(RoleMappingServer::from_arc(service)),
        pipeline: Box::new(|calls| calls.role_mapping(called)),
        readiness: Readiness::default().with("database", move || {
            let database = database.clone();
            async move { database.ping().await.is_ok() }
        }),
    };
    serve(&settings.grpc, &context, serving).await
}
