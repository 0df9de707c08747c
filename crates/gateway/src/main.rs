//! The gateway as a program of its own.

use latchkey_gateway::{
    Services,
    admin::bootstrap::{self, ensure_master},
};
use latchkey_platform::{
    config::{self, Grpc, Telemetry},
    operations::Readiness,
    server::{Context, Error, Program, Remotes, Settings, Workers},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::{
    future::ready,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long to wait before asking services again that were away at the start.
const RETRY: Duration = Duration::from_millis(200);

#[derive(Deserialize, Default)]
#[serde(default)]
struct Sections {
    telemetry: Telemetry,
    grpc: Grpc,
    services: config::Services,
    gateway: latchkey_gateway::Config,
}

impl Settings for Sections {
    const SECTIONS: &'static [&'static str] = &["telemetry", "grpc", "services", "gateway"];

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

fn main() -> ExitCode {
    Program { name: "gateway", workers: Workers::HalfTheCores }.main(run)
}

async fn run(settings: Sections, context: Context) -> Result<(), Error> {
    let Sections { grpc, services, gateway, .. } = settings;
    if !gateway.development && gateway.public_url.as_deref().is_none_or(str::is_empty) {
        return Err(refused("gateway.public_url is missing: anybody could name the issuer of tokens"));
    }
    if grpc.tls.is_none() && !grpc.plaintext {
        return Err(Error::NoTls);
    }
    let remotes = Remotes::new(services, &grpc)?;
    let services = Services {
        registry: remotes.registry()?,
        roles: remotes.roles()?,
        issuer: remotes.issuer()?,
        sessions: remotes.sessions()?,
        audit: remotes.audit()?,
    };
    let set_up = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&set_up);
    let readiness = Readiness::default().with("administrator", move || ready(asked.load(Ordering::Relaxed)));
    context.serve_operations(readiness).await?;
    if let Some((username, password)) = administrator(gateway.development)? {
        let made = context.shutdown.run_until_cancelled(make_administrator(&services, &username, &password));
        let Some(made) = made.await else { return Ok(()) };
        made.map_err(Error::program("the administrator can't be made"))?;
    }
    set_up.store(true, Ordering::Relaxed);
    tracing::info!(listen = %gateway.listen, "serving");
    let (clock, shutdown) = (context.clock.clone(), context.shutdown.clone());
    latchkey_gateway::serve(gateway, services, clock, shutdown)
        .await
        .map_err(Error::program("HTTP can't be served"))
}

/// The administrator that the environment names; none where it names none.
fn administrator(development: bool) -> Result<Option<(String, SecretString)>, Error> {
    let [username, password] = ["USERNAME", "PASSWORD"].map(|what| {
        let given = std::env::var(format!("LATCHKEY_BOOTSTRAP_ADMIN_{what}")).ok();
        given.filter(|given| !given.is_empty())
    });
    match (username, password.map(SecretString::from)) {
        (None, None) => Ok(None),
        (Some(_), Some(password)) if password.expose_secret() == "admin" && !development => {
            Err(refused("LATCHKEY_BOOTSTRAP_ADMIN_PASSWORD is one that everybody knows"))
        }
        (Some(username), Some(password)) => Ok(Some((username, password))),
        _ => Err(refused(
            "LATCHKEY_BOOTSTRAP_ADMIN_USERNAME and LATCHKEY_BOOTSTRAP_ADMIN_PASSWORD go together",
        )),
    }
}

fn refused(why: &str) -> Error {
    Error::Program("the gateway refuses to start".to_owned(), why.into())
}

/// Makes the master realm and its administrator, waiting for services that are not there yet.
async fn make_administrator(
    services: &Services,
    username: &str,
    password: &SecretString,
) -> Result<(), bootstrap::Error> {
    loop {
        match ensure_master(services, username, password.clone()).await {
            Err(error) if error.is_temporary() => {
                tracing::info!(%error, "waiting for the services");
                tokio::time::sleep(RETRY).await;
            }
            done => return done,
        }
    }
}
