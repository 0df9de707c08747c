//! What a flood on one realm costs another (invariant 4): the latency of a calm realm, alone and beside a realm that asks far more
//! often than its limit lets it.
//!
//! Both paces are fixed, so the flood does not slow down when the server does. Rounds with and without it take turns, since a
//! machine is never equally busy for long; the medians of the rounds count.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::load::{self, Measured, Pace, Work};
use crate::server::Server;

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 8;
/// What the calm realm asks for, and what the flooding one may have; requests a second.
const CALM: f64 = 100.0;
const LIMIT: u32 = 10;
const TOKEN: &str = "grant_type=client_credentials";

/// Measures, and tells it as Markdown.
pub(crate) async fn measure(
    server: &Server,
    shape: &str,
    flood: f64,
    span: Duration,
) -> anyhow::Result<String> {
    for realm in ["calm", "flooding"] {
        server.prepare(realm, "ES256", false).await?;
    }
    server.limit("flooding", LIMIT).await?;
    let calm = Arc::new(Work::Repeat(server.token_request("calm", TOKEN)));
    let flooding = Arc::new(Work::Flood(server.token_request("flooding", TOKEN)));
    let at = |work: &Arc<Work>, pace| {
        load::run(server.address, Arc::clone(work), CONNECTIONS, u64::MAX, span, Pace::PerSecond(pace))
    };
    at(&calm, CALM).await?;

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(at(&calm, CALM).await?);
        let (measured, flooded) = tokio::try_join!(at(&calm, CALM), at(&flooding, flood))?;
        anyhow::ensure!(flooded.rate() > flood / 2.0, "the flood was slower than it was to be");
        beside.push(measured);
    }
    let mut text = String::from("| shape | the other realm asks | p50 | p99 |\n|---|---:|---:|---:|\n");
    for (flood, rounds) in [(0.0, &alone), (flood, &beside)] {
        let [p50, p99] = [50.0, 99.0].map(|percent| median(rounds, percent).as_secs_f64() * 1e3);
        let _ = writeln!(text, "| {shape} | {flood:.0} times a second | {p50:.2} ms | {p99:.2} ms |");
    }
    let change = median(&beside, 99.0).as_secs_f64() / median(&alone, 99.0).as_secs_f64() - 1.0;
    let _ = writeln!(text, "\nThe flood moves p99 by {:+.0}%.", 100.0 * change);
    Ok(text)
}

fn median(rounds: &[Measured], percent: f64) -> Duration {
    let mut latencies: Vec<_> = rounds.iter().map(|round| round.percentile(percent)).collect();
    latencies.sort_unstable();
    latencies[latencies.len() / 2]
}
