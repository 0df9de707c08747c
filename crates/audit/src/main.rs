//! The audit service as a program of its own.

use latchkey_api::{audit::v1::audit_server::AuditServer, revision::NoChangeLog};
use latchkey_audit::{MIGRATIONS, SCHEMA, Upstreams};
use latchkey_platform::{
    config::{self, Grpc, Services, Telemetry},
    database::Database,
    operations::Readiness,
    server::{Context, Error, Program, Remotes, Serving, Settings, Workers, serve},
};
use secrecy::ExposeSecret;
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
    audit: latchkey_audit::Config,
}

impl Settings for Sections {
    const SECTIONS: &'static [&'static str] = &["telemetry", "grpc", "services", "database", "audit"];

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

fn main() -> ExitCode {
    Program { name: "audit", workers: Workers::One }.main(run)
}

async fn run(settings: Sections, context: Context) -> Result<(), Error> {
    let config::Database { url, max_connections } = settings.database;
    let database = Database::open(url.expose_secret(), max_connections, SCHEMA, MIGRATIONS)
        .await
        .map_err(Error::program("the audit database can't be opened"))?;
    let remotes = Remotes::new(settings.services, &settings.grpc)?;
    let upstreams =
        Upstreams { registry: remotes.registry()?, roles: remotes.roles()?, issuer: remotes.issuer()? };
    let (clock, shutdown) = (context.clock.clone(), context.shutdown.clone());
    let service = latchkey_audit::build(settings.audit, database.clone(), upstreams, clock, shutdown)
        .await
        .map_err(Error::program("the change logs can't be followed"))?;
    let serving = Serving {
        routes: Routes::new(AuditServer::from_arc(service)),
        applied: Arc::new(NoChangeLog),
        pipeline: Box::new(|calls| calls),
        readiness: Readiness::default().with("database", move || {
            let database = database.clone();
            async move { database.ping().await.is_ok() }
        }),
    };
    serve(&settings.grpc, &context, serving).await
}
