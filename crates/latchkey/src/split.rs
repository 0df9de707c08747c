//! Each service as its own process from its own binary, with mutual TLS between them, PostgreSQL and Redis.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use latchkey_backends::{Durability, Postgres, Redis, process};
use latchkey_platform::tls;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use crate::supervise::{Program, supervise};
use latchkey::all_in_one::Administrator;
use latchkey::data::DataFolder;

/// Servers that run already; those that are missing are started below the data folder.
pub(crate) struct Backends {
    pub(crate) postgres: Option<SecretString>,
    pub(crate) redis: Option<SecretString>,
}

/// The services, in the order in which they are started, with the binary of each.
const SERVICES: [(&str, &str); 6] = [
    ("client-registry", "latchkey-client-registry"),
    ("role-mapping", "latchkey-role-mapping"),
    ("token-issuer", "latchkey-token-issuer"),
    ("session", "latchkey-session"),
    ("audit", "latchkey-audit"),
    ("gateway", "latchkey-gateway"),
];

type Environment = Vec<(String, String)>;

/// Runs everything until `shutdown`.
pub(crate) async fn run(
    listen: SocketAddr,
    folder: &DataFolder,
    backends: Backends,
    config: Option<PathBuf>,
    administrator: &Administrator,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let binaries = binaries()?;
    let certificates = folder.private_folder("certificates")?;
    tls::make_certificates(&certificates, &tls::SERVICES)?;
    let (mut postgres, mut redis) = (None, None);
    let database = match backends.postgres {
        Some(url) => url,
        None => {
            let below = folder.join("postgres");
            let server = tokio::task::spawn_blocking(move || Postgres::start(&below, Durability::Safe));
            SecretString::from(postgres.insert(server.await??).url("postgres"))
        }
    };
    let sessions = match backends.redis {
        Some(url) => url,
        None => {
            let below = folder.private_folder("redis")?;
            let server = tokio::task::spawn_blocking(move || Redis::start(&below));
            SecretString::from(redis.insert(server.await??).url())
        }
    };

    let shared = addresses()?;
    let mut programs = Vec::with_capacity(SERVICES.len());
    for (name, binary) in SERVICES {
        let mut environment = shared.environment.clone();
        environment.extend(shared.of(name, &certificates)?);
        let mut set = |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
        match name {
            "session" => set("LATCHKEY_SESSION__STORE", sessions.expose_secret()),
            "gateway" => {
                set("LATCHKEY_GATEWAY__LISTEN", &listen.to_string());
                set("LATCHKEY_GATEWAY__DEVELOPMENT", "true");
                set("LATCHKEY_BOOTSTRAP_ADMIN_USERNAME", &administrator.username);
                set("LATCHKEY_BOOTSTRAP_ADMIN_PASSWORD", administrator.password.expose_secret());
            }
            _ => set("LATCHKEY_DATABASE__URL", database.expose_secret()),
        }
        if matches!(name, "client-registry" | "token-issuer") {
            set("LATCHKEY_MASTER_KEY__FILE", &folder.master_key_file()?.display().to_string());
        }
        let arguments =
            config.iter().flat_map(|file| ["--config".into(), file.clone().into_os_string()]).collect();
        programs.push(Program { name, binary: binaries.join(binary), arguments, environment });
    }
    supervise(programs, shutdown).await
    // PostgreSQL and Redis end here, after those that use them.
}

/// The folder of this program, which holds the others too.
fn binaries() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("looking for the services' programs")?;
    let folder = own.parent().context("this program is in no folder")?.to_owned();
    for (_, binary) in SERVICES {
        ensure!(folder.join(binary).is_file(), "{} has no {binary}: `make build` makes it", folder.display());
    }
    Ok(folder)
}

/// Where each service listens, chosen once so that one that is started again is found again.
struct Addresses {
    /// What all programs are told: where the services are.
    environment: Environment,
    ports: Vec<(&'static str, u16)>,
}

fn addresses() -> anyhow::Result<Addresses> {
    let (mut environment, mut ports) = (Environment::new(), Vec::new());
    for (name, _) in SERVICES {
        let port = process::free_port()?;
        let variable = format!("LATCHKEY_SERVICES__{}", name.replace('-', "_").to_ascii_uppercase());
        if name != "gateway" {
            environment.push((variable, format!("https://localhost:{port}")));
        }
        ports.push((name, port));
    }
    Ok(Addresses { environment, ports })
}

impl Addresses {
    /// What one service is told: where it listens, and with which identity.
    fn of(&self, name: &str, certificates: &Path) -> anyhow::Result<Environment> {
        let files = tls::files(certificates, name);
        let (_, port) = self.ports.iter().find(|(each, _)| *each == name).context("an unknown service")?;
        Ok([
            ("LATCHKEY_GRPC__LISTEN", format!("127.0.0.1:{port}")),
            ("LATCHKEY_GRPC__TLS__CA_FILE", files.ca_file.display().to_string()),
            ("LATCHKEY_GRPC__TLS__CERT_FILE", files.cert_file.display().to_string()),
            ("LATCHKEY_GRPC__TLS__KEY_FILE", files.key_file.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec())
    }
}
