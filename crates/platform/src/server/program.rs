//! What every `main` does.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use latchkey_api::server::SpanOf;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::clock::{SharedClock, SystemClock};
use crate::operations::{self, Readiness};
use crate::telemetry::{self, Telemetry};
use crate::{config, tls};

/// Why a program ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// Telemetry cannot begin.
    #[error(transparent)]
    Telemetry(#[from] telemetry::Error),
    /// Certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// Neither certificates nor plaintext.
    #[error("gRPC needs grpc.tls, or grpc.plaintext = true where the network encrypts by itself")]
    NoTls,
    /// gRPC cannot be served.
    #[error("gRPC cannot be served")]
    Transport(#[source] tonic::transport::Error),
    /// The contract's descriptors are unreadable.
    #[error("gRPC reflection cannot be served")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The address of a service is malformed.
    #[error("{0} is not the address of a service")]
    Address(String),
    /// The address of a service cannot be used.
    #[error(transparent)]
    Remote(latchkey_api::remote::Error),
    /// The operators' port cannot be served.
    #[error("metrics and health cannot be served")]
    Operations(#[source] std::io::Error),
    /// The process cannot be set up.
    #[error("the process cannot be set up")]
    Process(#[source] std::io::Error),
    /// What the program itself could not begin.
    #[error("{0}")]
    Program(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps what a program could not begin, with what it was doing.
    pub fn program<E>(doing: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |error| Self::Program(doing.to_owned(), error.into())
    }
}

/// A program's settings.
pub trait Settings: DeserializeOwned {
    /// The names of its sections.
    const SECTIONS: &'static [&'static str];

    /// The section that every program has.
    fn telemetry(&self) -> &config::Telemetry;
}

/// What a program is given to run with.
pub struct Context {
    /// The system's clock.
    pub clock: SharedClock,
    /// Cancelled by SIGTERM or SIGINT.
    pub shutdown: CancellationToken,
    telemetry: Telemetry,
    metrics_listen: Option<std::net::SocketAddr>,
}

impl Context {
    /// Makes the span of each call; none where traces are off.
    #[must_use]
    pub fn span_of(&self) -> Option<SpanOf> {
        self.telemetry.span_of()
    }

    /// Serves metrics and health, where an address is configured.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve_operations(&self, readiness: Readiness) -> Result<(), Error> {
        let Some(listen) = self.metrics_listen else { return Ok(()) };
        operations::serve(listen, self.telemetry.metrics(), readiness, self.shutdown.clone())
            .await
            .map_err(Error::Operations)
    }
}

#[derive(Parser)]
struct Arguments {
    /// A TOML file with settings; the environment (LATCHKEY_SECTION__OPTION) wins over it.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Ask the running service of this configuration whether it is ready.
    Health,
}

/// How many threads run a program's tasks, unless it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One: for what answers from memory in microseconds. Waking a second thread would cost more than the answer.
    One,
    /// One for every two cores, and at least one: for what talks to the network, beside whose threads the kernel works.
    HalfTheCores,
    /// One for each core: for what computes.
    EachCore,
}

/// A program: its name, and what it does with its settings until the shutdown.
pub struct Program {
    /// The service's name.
    pub name: &'static str,
    /// Its threads.
    pub workers: Workers,
}

/// The section that concerns the process and not what it does.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Process {
    runtime: config::Runtime,
}

impl Program {
    /// Reads the arguments and settings, begins telemetry, and runs `run` to its end.
    pub fn main<S, F>(&self, run: impl FnOnce(S, Context) -> F) -> ExitCode
    where
        S: Settings,
        F: Future<Output = Result<(), Error>>,
    {
        match self.start(run) {
            Ok(code) => code,
            Err(error) => {
                report(self.name, &error);
                ExitCode::FAILURE
            }
        }
    }

    fn runtime(&self, configured: &config::Runtime) -> std::io::Result<tokio::runtime::Runtime> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        match (configured.worker_threads, self.workers) {
            (Some(threads), _) => builder.worker_threads(threads.get()),
            (None, Workers::One) => builder.worker_threads(1),
            (None, Workers::HalfTheCores) => builder.worker_threads(half_the_cores()),
            (None, Workers::EachCore) => &mut builder,
        };
        builder.enable_all().build()
    }

    fn start<S, F>(&self, run: impl FnOnce(S, Context) -> F) -> Result<ExitCode, Error>
    where
        S: Settings,
        F: Future<Output = Result<(), Error>>,
    {
        let arguments = Arguments::parse();
        let settings: S = config::load(arguments.config.as_deref(), S::SECTIONS)?;
        let process: Process = config::load(arguments.config.as_deref(), &["runtime"])?;
        let runtime = self.runtime(&process.runtime).map_err(Error::Process)?;
        if let Some(Command::Health) = arguments.command {
            let listen = settings.telemetry().metrics_listen;
            let ready = runtime.block_on(async { operations::is_ready(listen?).await.then_some(()) });
            return Ok(if ready.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        runtime.block_on(async {
            install_crypto();
            let context = Context {
                clock: Arc::new(SystemClock),
                shutdown: shutdown_on_signal().map_err(Error::Process)?,
                telemetry: Telemetry::start(self.name, settings.telemetry())?,
                metrics_listen: settings.telemetry().metrics_listen,
            };
            run(settings, context).await?;
            tracing::info!("ended");
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn half_the_cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

/// One TLS stack for all of the process: rustls on aws-lc. To be called once, before the first connection.
pub fn install_crypto() {
    // An error says that a provider is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A token that SIGTERM and SIGINT cancel.
///
/// # Errors
/// When the signals cannot be caught.
pub fn shutdown_on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancelled.cancel();
    });
    Ok(token)
}

/// Says why the program ends, with all causes: telemetry may not have begun.
#[expect(clippy::print_stderr, reason = "the last word of a program")]
fn report(name: &str, error: &Error) {
    let mut text = format!("{name}: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    eprintln!("{text}");
}
