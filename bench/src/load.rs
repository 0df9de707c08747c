//! The load generator: prepared HTTP/1.1 requests over a fixed number of keep-alive connections.
//!
//! It shares the machine with the server, so it does as little as it can: the bytes of a request are made once, and of an
//! answer only the status and the length are read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How often a latency is expected at most: 60 s in microseconds is far above what is measured.
const SLOWEST: Duration = Duration::from_secs(60);

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects with Nagle's algorithm off.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads the whole answer; gives the body of a 200.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.ask(request, &["200"]).await
    }

    /// Sends a request and reads the whole answer; gives its body, if it has one of these statuses.
    async fn ask(&mut self, request: &[u8], statuses: &[&str]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
            let Some(end) = find(&self.buffer, b"\r\n\r\n") else { continue };
            let body = end + 4;
            let total = body + content_length(&self.buffer[..end])?;
            if self.buffer.len() < total {
                continue;
            }
            if !statuses.iter().any(|status| self.buffer[9..].starts_with(status.as_bytes())) {
                bail!("{}", String::from_utf8_lossy(&self.buffer));
            }
            return Ok(&self.buffer[body..total]);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    for line in head.split(|byte| *byte == b'\n') {
        if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            return Ok(std::str::from_utf8(&line[15..])?.trim().parse()?);
        }
    }
    bail!("an answer without content-length")
}

/// A POST of a form, as bytes on the wire.
pub(crate) fn form_post(address: SocketAddr, path: &str, headers: &[(&str, &str)], form: &str) -> Vec<u8> {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\n{more}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// Writes the request that spends a refresh token.
pub(crate) type WithRefreshToken = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// Makes a request of its own each time.
pub(crate) type Made = Box<dyn Fn() -> anyhow::Result<Vec<u8>> + Send + Sync>;

/// What a connection sends next.
pub(crate) enum Work {
    /// The same request, over and over.
    Repeat(Vec<u8>),
    /// Another one each time.
    Made(Made),
    /// The same, of which most are refused by a limit.
    Flood(Vec<u8>),
    /// One refresh after another: each connection begins with a token answer and refreshes what it was given.
    Refresh {
        /// Gets the first refresh token.
        first: Vec<u8>,
        /// The rest of the form and the request around it, for a given refresh token.
        next: WithRefreshToken,
    },
}

/// What a run measured.
pub(crate) struct Measured {
    /// Requests that were answered as the work expects (any other answer ends the run with an error).
    pub(crate) requests: u64,
    /// Wall-clock time.
    pub(crate) elapsed: Duration,
    /// Latencies, sorted.
    latencies: Vec<Duration>,
}

impl Measured {
    /// The latency below which `percent` of the requests stay.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = (last as f64 * percent / 100.0).round() as usize;
        self.latencies.get(index).copied().unwrap_or(SLOWEST)
    }

    /// Requests per second of wall-clock time.
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let requests = self.requests as f64;
        requests / self.elapsed.as_secs_f64()
    }
}

/// How hard to push.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection sends as soon as it has its answer.
    Closed,
    /// So many requests per second in all; a latency counts from when its request was due, so that waiting is not hidden.
    PerSecond(f64),
}

/// Runs `work` over `connections` connections until `requests` have been answered or `limit` is over.
pub(crate) async fn run(
    address: SocketAddr,
    work: Arc<Work>,
    connections: usize,
    requests: u64,
    limit: Duration,
    pace: Pace,
) -> anyhow::Result<Measured> {
    let ticket = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (work, ticket) = (Arc::clone(&work), Arc::clone(&ticket));
        tasks.push(tokio::spawn(
            async move { one(address, &work, &ticket, requests, start, limit, pace).await },
        ));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.context("a connection's task")??);
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Measured { requests: latencies.len() as u64, elapsed, latencies })
}

async fn one(
    address: SocketAddr,
    work: &Work,
    ticket: &AtomicU64,
    requests: u64,
    start: Instant,
    limit: Duration,
    pace: Pace,
) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let mut refresh_token = match work {
        Work::Repeat(_) | Work::Made(_) | Work::Flood(_) => None,
        Work::Refresh { first, .. } => Some(refresh_token_of(connection.exchange(first).await?)?),
    };
    let mut latencies = Vec::new();
    loop {
        let number = ticket.fetch_add(1, Ordering::Relaxed);
        if number >= requests || start.elapsed() >= limit {
            return Ok(latencies);
        }
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::PerSecond(rate) => {
                #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                let due = start + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        match work {
            Work::Repeat(request) => {
                connection.exchange(request).await?;
            }
            Work::Made(make) => {
                connection.exchange(&make()?).await?;
            }
            Work::Flood(request) => {
                connection.ask(request, &["200", "429"]).await?;
            }
            Work::Refresh { next, .. } => {
                let request = next(refresh_token.as_deref().unwrap_or_default());
                refresh_token = Some(refresh_token_of(connection.exchange(&request).await?)?);
            }
        }
        latencies.push(due.elapsed());
    }
}

fn refresh_token_of(body: &[u8]) -> anyhow::Result<String> {
    let answer: serde_json::Value = serde_json::from_slice(body)?;
    answer["refresh_token"].as_str().map(str::to_owned).context("no refresh token in the answer")
}
