//! One replica of a service: its connection, and the pipeline that is kept open to it.

use super::{link::Link, target::Settings};
use crate::pipeline::{
    OPEN_PATH,
    calls::{Calls, Outgoing},
    reader,
};
use arc_swap::ArcSwapOption;
use http::{HeaderValue, Method, Request, Version, header};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tonic::{Status, body::Body};
use tower::Service as _;

/// One address of the service.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    link: Link,
    in_flight: AtomicUsize,
    calls: ArcSwapOption<Calls>,
}

/// What the replicas of a service tell about themselves.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// A pipeline has been opened.
    pub(crate) ready: Notify,
    /// A pipeline was lost: the addresses should be looked up again.
    pub(crate) lost: Notify,
}

impl Replica {
    pub(crate) fn new(address: SocketAddr, link: Link) -> Self {
        Self { address, link, in_flight: AtomicUsize::new(0), calls: ArcSwapOption::empty() }
    }

    /// The connection, for unary calls.
    pub(crate) fn link(&self) -> Link {
        self.link.clone()
    }

    /// The open pipeline; while there is none the replica isn't used.
    pub(crate) fn calls(&self) -> Option<Arc<Calls>> {
        self.calls.load_full().filter(|calls| calls.is_open())
    }

    /// Whether the replica is there and wants calls.
    pub(crate) fn is_ready(&self) -> bool {
        self.calls.load().as_ref().is_some_and(|calls| calls.is_open())
    }

    /// How many calls are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts a call as under way while the guard lives.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Takes no more calls; those under way are still answered.
    pub(crate) fn stop(&self) {
        if let Some(calls) = self.calls.load_full() {
            calls.stop();
        }
    }

    /// Keeps a pipeline open until the task is aborted.
    pub(crate) async fn keep_open(&self, settings: &Settings, signals: &Signals) {
        let mut pause = settings.backoff;
        loop {
            let opened = Instant::now();
            match tokio::time::timeout(settings.connect_timeout, self.open()).await {
                Ok(Ok(calls)) => {
                    tracing::info!(replica = %self.address, "connected");
                    signals.ready.notify_waiters();
                    calls.unusable().await;
                    self.calls.store(None);
                    tracing::info!(replica = %self.address, "disconnected");
                    signals.lost.notify_one();
                }
                Ok(Err(status)) => tracing::debug!(replica = %self.address, %status, "connection failed"),
                Err(_) => tracing::debug!(replica = %self.address, "connection timed out"),
            }
            if opened.elapsed() > Duration::from_secs(1) {
                pause = settings.backoff;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(settings.max_backoff);
        }
    }

    async fn open(&self) -> Result<Arc<Calls>, Status> {
        let calls = Arc::new(Calls::default());
        let mut request = Request::new(Body::new(Outgoing::new(Arc::clone(&calls))));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = http::Uri::from_static(OPEN_PATH);
        request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));

        let mut link = self.link.clone();
        let response = link.call(request).await?;
        if let Some(status) = Status::from_header_map(response.headers()) {
            return Err(status);
        }
        if !response.status().is_success() {
            return Err(Status::unavailable("not a gRPC service"));
        }
        let body = response.into_body();
        self.calls.store(Some(Arc::clone(&calls)));
        let reading = Arc::clone(&calls);
        tokio::spawn(async move {
            // The connection is held for as long as it is read from.
            let _link = link;
            reader::read(reading, body).await;
        });
        Ok(calls)
    }
}

/// A call that is under way.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Replica);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
