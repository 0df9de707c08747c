//! The session service as a program of its own.

use latchkey_api::{revision::NoChangeLog, session::v1::sessions_server::SessionsServer};
use latchkey_platform::{
    config::{Grpc, Services, Telemetry},
    operations::Readiness,
    server::{Context, Error, Program, Remotes, Serving, Settings, Workers, serve},
};
use serde::Deserialize;
use std::{process::ExitCode, sync::Arc};
use tonic::service::Routes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Sections {
    telemetry: Telemetry,
    grpc: Grpc,
    services: Services,
    session: latchkey_session::Config,
}

impl Settings for Sections {
    const SECTIONS: &'static [&'static str] = &["telemetry", "grpc", "services", "session"];

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

fn main() -> ExitCode {
    Program { name: "session", workers: Workers::One }.main(run)
}

async fn run(settings: Sections, context: Context) -> Result<(), Error> {
    let registry = Remotes::new(settings.services, &settings.grpc)?.registry()?;
    let (clock, shutdown) = (context.clock.clone(), context.shutdown.clone());
    let service = latchkey_session::build(settings.session, registry, clock, shutdown)
        .await
        .map_err(Error::program("the session store can't be opened"))?;
    let (asked, called) = (service.clone(), service.clone());
    let serving = Serving {
        routes: Routes::new(SessionsServer::from_arc(service)),
        applied: Arc::new(NoChangeLog),
        pipeline: Box::new(|calls| calls.sessions(called)),
        readiness: Readiness::default().with("session store", move || {
            let service = asked.clone();
            async move { service.ready().await.is_ok() }
        }),
    };
    serve(&settings.grpc, &context, serving).await
}
