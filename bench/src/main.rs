//! `make bench`: what a token costs.
//!
//! Starts the release binaries, drives them over loopback and prints, for each shape and algorithm, tokens per CPU-second
//! of all Latchkey processes (user and system time), throughput, latency, memory and the time from start to first token,
//! beside the raw signing rate measured in the same run.

mod load;
mod neighbour;
mod process;
mod raw;
mod report;
mod server;
mod signer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;

use crate::load::{Connection, Measured, Pace, Work};
use crate::report::{Report, Row};
use crate::server::{Server, Shape};
use crate::signer::Signer;

/// Measure what a token costs.
#[derive(Parser)]
struct Arguments {
    /// The folder with the release binaries.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// Connections held open.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Only this shape: `all-in-one` or `separate`.
    #[arg(long)]
    shape: Option<String>,
    /// Tokens after which memory is read again.
    #[arg(long, default_value_t = 1_000_000)]
    tokens: u64,
    /// Only measure what a flood of so many requests a second on one realm, far over its limit, costs another.
    #[arg(long)]
    neighbour: Option<f64>,
    /// Also write the report to this file.
    #[arg(long)]
    write: Option<PathBuf>,
}

const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];
const TOKEN: &str = "grant_type=client_credentials";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut report = Report::default();
    for shape in [Shape::AllInOne, Shape::Separate] {
        let wanted = match shape {
            Shape::AllInOne => "all-in-one",
            Shape::Separate => "separate",
        };
        if arguments.shape.as_deref().is_none_or(|only| only == wanted) {
            measure(&arguments, shape, &mut report)
                .await
                .with_context(|| format!("measuring {}", shape.name()))?;
        }
    }
    if arguments.neighbour.is_some() {
        return Ok(());
    }
    let text = report.to_markdown();
    report::print(&text);
    if let Some(file) = &arguments.write {
        std::fs::write(file, text)?;
    }
    Ok(())
}

async fn measure(arguments: &Arguments, shape: Shape, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::TempDir::with_prefix("latchkey-bench-")?;
    // PostgreSQL may run as another user than we do, and must reach its folder.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let binary =
        arguments.binaries.join("latchkey").canonicalize().context("no release binary: make build")?;
    let mut server = Server::start(&binary, shape, &folder.path().join("data")).await?;
    if let Some(flood) = arguments.neighbour {
        let span = Duration::from_secs(arguments.seconds);
        report::print(&neighbour::measure(&server, shape.name(), flood, span).await?);
        return Ok(());
    }
    for algorithm in ALGORITHMS {
        server.prepare(algorithm, algorithm, false).await?;
    }
    server.prepare("sessions", "ES256", true).await?;
    let first_token = server.restart_to_first_token("ES256").await?;
    // The first answers warm the caches; a moment of quiet shows what an idle server holds.
    one_of_each(&server).await?;
    report.start(shape.name(), first_token, process::resident_mb(&server.processes()));

    let bench = Bench { arguments, shape, server: &server };
    let mut peak = 0.0;
    for algorithm in ALGORITHMS {
        let raw = raw::signing_rate(algorithm)?;
        let work = Work::Repeat(server.token_request(algorithm, TOKEN));
        let row = bench.row(&format!("token, {algorithm}"), work, Pace::Closed).await?;
        if algorithm == "ES256" {
            peak = row.rate;
        }
        let raw = f64::midpoint(raw, raw::signing_rate(algorithm)?);
        report.row(row.beside_raw(raw));
    }
    let work = Work::Repeat(server.token_request("ES256", TOKEN));
    report.row(bench.row("token, ES256, at 70% of peak", work, Pace::PerSecond(peak * 0.7)).await?);
    let work = bench.introspection("RS256").await?;
    report.row(bench.row("introspection, RS256", work, Pace::Closed).await?);
    let work = Work::Repeat(server.token_request("sessions", TOKEN));
    report.row(bench.row("token with session and refresh token, ES256", work, Pace::Closed).await?);
    report.row(bench.row("refresh, ES256", bench.refresh("sessions"), Pace::Closed).await?);

    let work = Arc::new(Work::Repeat(server.token_request("EdDSA", TOKEN)));
    let before = size_of(folder.path());
    load::run(
        server.address,
        work,
        arguments.connections,
        arguments.tokens,
        Duration::from_secs(600),
        Pace::Closed,
    )
    .await?;
    report.after(arguments.tokens, process::resident_mb(&server.processes()), before, size_of(folder.path()));

    // Last: what is used once is kept for a while, in memory and on the disk.
    report.row(bench.row("token with a DPoP proof, ES256", bench.proven("ES256")?, Pace::Closed).await?);
    let work = bench.asserted("ES256").await?;
    report.row(bench.row("token by private_key_jwt, ES256", work, Pace::Closed).await?);
    Ok(())
}

async fn one_of_each(server: &Server) -> anyhow::Result<()> {
    let mut connection = Connection::open(server.address).await?;
    for realm in ALGORITHMS {
        connection.exchange(&server.token_request(realm, TOKEN)).await?;
    }
    Ok(())
}

/// Bytes of all files below a folder.
fn size_of(folder: &std::path::Path) -> u64 {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size_of(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

struct Bench<'a> {
    arguments: &'a Arguments,
    shape: Shape,
    server: &'a Server,
}

impl Bench<'_> {
    /// Warms up, then measures.
    async fn row(&self, what: &str, work: Work, pace: Pace) -> anyhow::Result<Row> {
        let work = Arc::new(work);
        let span = Duration::from_secs(self.arguments.seconds);
        self.run(&work, span / 4, pace).await?;
        let pids = self.server.processes();
        let before = process::cpu_time(&pids);
        let measured = self.run(&work, span, pace).await.with_context(|| what.to_owned())?;
        let cpu = process::cpu_time(&pids).saturating_sub(before);
        Ok(Row::new(self.shape.name(), what, &measured, cpu))
    }

    async fn run(&self, work: &Arc<Work>, limit: Duration, pace: Pace) -> anyhow::Result<Measured> {
        load::run(self.server.address, Arc::clone(work), self.arguments.connections, u64::MAX, limit, pace)
            .await
    }

    /// Introspection of one active token, over and over.
    async fn introspection(&self, realm: &str) -> anyhow::Result<Work> {
        let mut connection = Connection::open(self.server.address).await?;
        let answer: serde_json::Value =
            serde_json::from_slice(connection.exchange(&self.server.token_request(realm, TOKEN)).await?)?;
        let token = answer["access_token"].as_str().context("no access token")?;
        let request = self.server.form_request(realm, "token/introspect", &format!("token={token}"));
        let said: serde_json::Value = serde_json::from_slice(connection.exchange(&request).await?)?;
        anyhow::ensure!(said["active"] == true, "the token to introspect is not active");
        Ok(Work::Repeat(request))
    }

    /// Tokens that are bound to a key, each with a proof of its own.
    fn proven(&self, realm: &'static str) -> anyhow::Result<Work> {
        let signer = Signer::new(self.server.address)?;
        Ok(Work::Made(Box::new(move || signer.with_proof(realm, &server::basic()))))
    }

    /// Tokens of a client that authenticates by assertions.
    async fn asserted(&self, realm: &'static str) -> anyhow::Result<Work> {
        const CLIENT_ID: &str = "signer";
        let signer = Signer::new(self.server.address)?;
        self.server.prepare_signer(realm, CLIENT_ID, &signer.jwk()).await?;
        Ok(Work::Made(Box::new(move || signer.with_assertion(realm, CLIENT_ID))))
    }

    fn refresh(&self, realm: &str) -> Work {
        let (address, path) = (self.server.address, format!("/realms/{realm}/protocol/openid-connect/token"));
        Work::Refresh {
            first: self.server.token_request(realm, TOKEN),
            next: Box::new(move |token| {
                let form = format!("grant_type=refresh_token&refresh_token={token}");
                load::form_post(address, &path, &[("Authorization", &server::basic())], &form)
            }),
        }
    }
}
