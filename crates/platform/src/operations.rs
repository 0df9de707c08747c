//! The port for operators: `/metrics`, `/health/live`, `/health/ready`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use futures::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long a check may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often histograms are tidied.
const UPKEEP: Duration = Duration::from_secs(5);

type Check = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// What a program needs to be ready: each part has a name and is asked anew each time.
#[derive(Clone, Default)]
pub struct Readiness(Vec<(&'static str, Check)>);

impl Readiness {
    /// Adds a part.
    #[must_use]
    pub fn with<F>(mut self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.0.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// The names of the parts that are not ready.
    pub async fn missing(&self) -> Vec<&'static str> {
        let asked = self.0.iter().map(|(name, check)| async move {
            let ready = tokio::time::timeout(PATIENCE, check()).await.unwrap_or(false);
            (!ready).then_some(*name)
        });
        futures::future::join_all(asked).await.into_iter().flatten().collect()
    }
}

#[derive(Clone)]
struct Operations {
    metrics: PrometheusHandle,
    readiness: Readiness,
    shutdown: CancellationToken,
}

/// Serves the operators' port in the background until `shutdown`. From then on it is live, but not ready.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(
    listen: SocketAddr,
    metrics: PrometheusHandle,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let operations = Operations { metrics: metrics.clone(), readiness, shutdown };
    let router = Router::new()
        .route(
            "/metrics",
            get(|State(operations): State<Operations>| async move { operations.metrics.render() }),
        )
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .with_state(operations);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            metrics.run_upkeep();
        }
    });
    // Until the very end of the process: the last moments of a shutdown are worth watching too.
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(())
}

async fn ready(State(operations): State<Operations>) -> (StatusCode, String) {
    if operations.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    match operations.readiness.missing().await.as_slice() {
        [] => (StatusCode::OK, "ready\n".to_owned()),
        missing => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join(", "))),
    }
}

/// Asks another process's `/health/ready` at `listen`: for the health checks of containers, which have no curl.
pub async fn is_ready(listen: SocketAddr) -> bool {
    let address =
        if listen.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], listen.port())) } else { listen };
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.ok()?;
        Some(&answer == b"HTTP/1.1 200")
    };
    tokio::time::timeout(PATIENCE, asked).await.ok().flatten().unwrap_or(false)
}
