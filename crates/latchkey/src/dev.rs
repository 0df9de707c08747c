//! `latchkey dev`: a server of one's own, in one process or as separate processes.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use latchkey_platform::config;
use latchkey_platform::operations::{self, Readiness};
use latchkey_platform::server::shutdown_on_signal;
use latchkey_platform::telemetry::Telemetry;
use secrecy::SecretString;

use crate::http::Request;
use crate::output::say;
use crate::seed;
use crate::split;
use latchkey::all_in_one::{Administrator, AllInOne};
use latchkey::data::DataFolder;
use latchkey::settings::Settings;

/// How often a server that is starting is asked whether it answers.
const ASK: Duration = Duration::from_millis(20);

/// How the server is started.
#[derive(Args)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The folder that holds everything; made when it is missing.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// A TOML file with settings; the environment wins over it.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Each service as its own process, with mutual TLS between them, PostgreSQL and Redis.
    #[arg(long)]
    split: bool,
    /// A PostgreSQL to use instead of one below the data folder: postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, requires = "split", env = "LATCHKEY_DEV_POSTGRES", hide_env_values = true)]
    postgres: Option<SecretString>,
    /// A Redis to use instead of one below the data folder: redis://HOST
    #[arg(long, requires = "split", env = "LATCHKEY_DEV_REDIS", hide_env_values = true)]
    redis: Option<SecretString>,
}

/// Starts it and stays until SIGTERM or SIGINT.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut settings: Settings = config::load(options.config.as_deref(), Settings::SECTIONS)?;
    let telemetry = Telemetry::start("latchkey", &settings.telemetry)?;
    let shutdown = shutdown_on_signal()?;
    let folder = DataFolder::open(&options.data)?;
    let administrator = administrator();
    let has_tls = settings.gateway.tls.is_some();
    if options.split {
        let listen = free(options.listen)?;
        let backends = split::Backends { postgres: options.postgres, redis: options.redis };
        let services =
            split::run(listen, &folder, backends, options.config, &administrator, shutdown.clone());
        let seeding = async {
            if has_tls {
                say(&without_demo(listen));
                return Ok(());
            }
            let Some(seeded) = shutdown.run_until_cancelled(seed_when_up(listen, &administrator)).await
            else {
                return Ok(());
            };
            seeded.inspect_err(|_| shutdown.cancel())
        };
        let (ended, seeded) = tokio::join!(services, seeding);
        return seeded.and(ended);
    }
    settings.gateway.listen = options.listen;
    settings.gateway.development = true;
    if let Some(listen) = settings.telemetry.metrics_listen {
        operations::serve(listen, telemetry.metrics(), Readiness::default(), shutdown.clone()).await?;
    }
    let server = AllInOne::start(settings, &folder, &administrator).await?;
    if has_tls {
        say(&without_demo(server.address));
    } else {
        if let Err(error) = seed::seed(server.address, &administrator).await {
            // A gateway that could not begin says why.
            server.stop().await?;
            return Err(error);
        }
        say(&urls(server.address, &folder, &administrator));
    }
    server.serve_until(&shutdown).await
}

/// Starts a server with a fresh folder, shows the life of a token, and takes everything away again.
pub(crate) async fn demo() -> anyhow::Result<()> {
    let settings = Settings {
        telemetry: config::Telemetry { log_level: "warn".to_owned(), ..config::Telemetry::default() },
        gateway: latchkey_gateway::Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            development: true,
            ..latchkey_gateway::Config::default()
        },
        ..Settings::default()
    };
    let _telemetry = Telemetry::start("latchkey", &settings.telemetry)?;
    let folder = tempfile::TempDir::with_prefix("latchkey-demo-")?;
    let administrator = Administrator { username: "admin".to_owned(), password: random_password() };
    let server = AllInOne::start(settings, &DataFolder::open(folder.path())?, &administrator).await?;
    seed::seed(server.address, &administrator).await?;
    let shown = crate::demo::show(server.address).await;
    server.stop().await?;
    shown
}

/// What the environment says, or else `admin` with `admin`, which is for one's own machine only.
fn administrator() -> Administrator {
    let given = |what: &str| std::env::var(format!("LATCHKEY_BOOTSTRAP_ADMIN_{what}")).ok();
    let password = given("PASSWORD").unwrap_or_else(|| {
        tracing::warn!(
            "the administrator's password is `admin`: set LATCHKEY_BOOTSTRAP_ADMIN_PASSWORD to choose another"
        );
        "admin".to_owned()
    });
    Administrator {
        username: given("USERNAME").unwrap_or_else(|| "admin".to_owned()),
        password: SecretString::from(password),
    }
}

fn random_password() -> SecretString {
    SecretString::from(latchkey_platform::random::uuid())
}

/// The address itself, or with a free port in it where none was named. Fails when it is taken.
fn free(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    Ok(listener.local_addr()?)
}

/// Waits until the gateway answers, then makes the realm `demo`.
async fn seed_when_up(address: SocketAddr, administrator: &Administrator) -> anyhow::Result<()> {
    let up = Request::new("GET", "/realms/master");
    while !up.send(address).await.is_ok_and(|answer| answer.status == 200) {
        tokio::time::sleep(ASK).await;
    }
    seed::seed(address, administrator).await?;
    say(&format!("http://{address}\n"));
    Ok(())
}

/// The realm `demo` is made over HTTP, as a user would make it, and this program speaks no TLS.
fn without_demo(address: SocketAddr) -> String {
    format!("\nLatchkey listens on https://{address}. With TLS it makes no realm `demo`.\n\n")
}

fn urls(address: SocketAddr, folder: &DataFolder, administrator: &Administrator) -> String {
    format!(
        "\nLatchkey listens on http://{address} (its data is in {folder})\n\
         \x20 a token:   curl -u product-sa-client:password -d grant_type=client_credentials \\\n\
         \x20            http://{address}/auth/realms/demo/protocol/openid-connect/token\n\
         \x20 discovery: http://{address}/realms/demo/.well-known/openid-configuration\n\
         \x20 admin API: http://{address}/admin/realms (as {username}, realm master, client admin-cli)\n\
         Ctrl-C stops it.\n\n",
        folder = folder.join("").display(),
        username = administrator.username,
    )
}
