//! Replicas that can be killed, and a name to find them by.

use crate::scripted::Scripted;
use latchkey_api::{
    DynSessions,
    pipeline::PipelineService,
    remote::{RemoteSessions, Target},
    revision::{Applied, NoChangeLog},
    server::{self, ServerLayer},
    session::v1::{CheckRequest, sessions_server::SessionsServer},
};
use parking_lot::Mutex;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::ServerTlsConfig};

/// A replica in a runtime of its own, so that it can be killed.
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    pub(crate) stopping: CancellationToken,
    runtime: Option<Runtime>,
}

impl Replica {
    /// Serves on any port of 127.0.0.1.
    pub(crate) fn start(service: Scripted) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), service, Arc::new(NoChangeLog), None)
    }

    pub(crate) fn start_at(
        address: SocketAddr,
        service: Scripted,
        applied: Arc<dyn Applied>,
        tls: Option<ServerTlsConfig>,
    ) -> Self {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stopping = CancellationToken::new();
        let pipeline =
            PipelineService::new(Arc::clone(&applied), stopping.clone()).sessions(Arc::new(service.clone()));
        let mut builder = server::builder();
        if let Some(tls) = tls {
            builder = builder.tls_config(tls).unwrap();
        }
        let router = builder
            .layer(ServerLayer::new(applied))
            .add_service(pipeline)
            .add_service(SessionsServer::new(service));
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = stopping.clone().cancelled_owned();
        runtime.spawn(async move {
            let incoming = TcpListenerStream::new(TcpListener::from_std(listener).unwrap());
            router.serve_with_incoming_shutdown(incoming, stopped).await.unwrap();
        });
        Self { address, stopping, runtime: Some(runtime) }
    }

    /// Like `kill -9`: every connection breaks.
    pub(crate) fn kill(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// The addresses that a service's name has; a test changes them.
#[derive(Clone, Default)]
pub(crate) struct Addresses(Arc<Mutex<Vec<SocketAddr>>>);

impl Addresses {
    pub(crate) fn of(replicas: &[&Replica]) -> Self {
        let addresses = Self::default();
        addresses.set(replicas);
        addresses
    }

    pub(crate) fn set(&self, replicas: &[&Replica]) {
        *self.0.lock() = replicas.iter().map(|replica| replica.address).collect();
    }

    /// A target with this name, whose settings suit a test.
    pub(crate) fn target(&self) -> Target {
        let mut target = Target::new("http://sessions:7443".parse().unwrap(), None);
        let addresses = self.clone();
        target.look_up = Arc::new(move |_host, _port| {
            let found = addresses.0.lock().clone();
            Box::pin(async move { Ok(found) })
        });
        target.settings.resolve_interval = Duration::from_millis(20);
        target.settings.wait_for_ready = Duration::from_secs(10);
        target.settings.call_timeout = Duration::from_secs(20);
        target
    }

    pub(crate) fn connect(&self) -> Arc<DynSessions> {
        Arc::new(RemoteSessions::connect(self.target()).unwrap())
    }
}

/// Asks whether a session lives; gives the id in the answer back.
pub(crate) async fn check(sessions: &DynSessions, id: &str) -> Result<String, Status> {
    let request = CheckRequest { session_id: id.to_owned(), ..CheckRequest::default() };
    let response = sessions.check(Request::new(request)).await?.into_inner();
    Ok(response.session.map(|session| session.id).unwrap_or_default())
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
