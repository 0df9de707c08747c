//! The smallest HTTP client that shows what is on the wire, byte for byte.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a service may be away.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// A request as it is sent.
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// An answer as it came.
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    /// The body, as text.
    pub(crate) body: String,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: String::new() }
    }

    /// With a header more.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a form as its body.
    pub(crate) fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let encoded: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", url_encoded(value))).collect();
        self.body = encoded.join("&");
        self.header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// With JSON as its body.
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string();
        self.header("Content-Type", "application/json")
    }

    /// The bytes that [`Request::send`] writes.
    pub(crate) fn on_the_wire(&self, address: SocketAddr) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {address}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method != "GET" {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("Connection: close\r\n\r\n");
        text.push_str(&self.body);
        text
    }

    /// Sends it on a connection of its own and reads the answer to its end.
    pub(crate) async fn send(&self, address: SocketAddr) -> anyhow::Result<Answer> {
        let mut stream =
            TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.write_all(self.on_the_wire(address).as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        let text = String::from_utf8(bytes).context("an answer that is not text")?;
        let (head, body) = text.split_once("\r\n\r\n").context("an answer without an end of its headers")?;
        let status =
            head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).context("no status")?;
        Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// Sends it and expects success. While a service is away it is sent again, for [`PATIENCE`].
    pub(crate) async fn succeed(&self, address: SocketAddr) -> anyhow::Result<Answer> {
        let end = Instant::now() + PATIENCE;
        let mut answer = self.send(address).await?;
        while answer.status == 503 && Instant::now() < end {
            tokio::time::sleep(PAUSE).await;
            answer = self.send(address).await?;
        }
        if answer.status >= 400 {
            bail!("{} {}: {} {}", self.method, self.path, answer.status, answer.body);
        }
        Ok(answer)
    }
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))
    }

    /// The last segment of the Location header: the id of what was made.
    pub(crate) fn location_id(&self) -> anyhow::Result<String> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("location"))
            .and_then(|(_, value)| value.trim().rsplit('/').next())
            .map(str::to_owned)
            .context("no Location in the answer")
    }
}

fn url_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
