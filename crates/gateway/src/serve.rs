//! The listener: HTTP/1.1 and HTTP/2 connections, with TLS where a certificate is configured, and their orderly end.

mod acceptor;

use crate::{
    App, Config, Gateway, Services,
    client_certificate::{self, ClientCertificates},
    request_context::Connection,
};
use axum::{body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use latchkey_platform::clock::SharedClock;
use std::{convert::Infallible, io, net::SocketAddr, path::PathBuf, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long connections may take to finish what they are doing once the server stops.
const DRAIN: Duration = Duration::from_secs(20);
/// How long a client may take for the headers of a request, and for the TLS handshake.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes that the headers of a request may have: room for a token with very many roles. More is answered with 431.
const HEADER_BYTES: usize = 64 * 1024;
/// How long to wait when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the gateway can't serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not one of this host.
    #[error("cannot listen on {address}")]
    Listen {
        /// What was configured.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A certificate or key can't be read.
    #[error("cannot read {path}")]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate and the key don't make an identity.
    #[error("the TLS certificate and key do not fit")]
    Tls(#[from] rustls::Error),
    /// Certificates of clients can't be received as the settings ask.
    #[error("cannot receive certificates of clients")]
    ClientCertificates(#[from] client_certificate::Error),
}

/// Listens as configured and serves until `shutdown` is cancelled, then lets what is under way finish.
///
/// # Errors
/// When it cannot begin; once it serves, it only ends by `shutdown`.
pub async fn serve(
    config: Config,
    services: Services,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let address = config.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    serve_on(listener, config, services, clock, shutdown).await
}

/// Serves on a listener that is already bound.
///
/// # Errors
/// When the TLS files can't be used.
pub async fn serve_on(
    listener: TcpListener,
    config: Config,
    services: Services,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let asks_clients = config.client_certificates.ask;
    let tls = config.tls.as_ref().map(|files| acceptor::acceptor(files, asks_clients)).transpose()?;
    let client_certificates = ClientCertificates::load(&config)?;
    let app = App::new(services, config, clock, client_certificates);
    let gateway = Gateway::new(app.clone());
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(HEADER_BYTES as u32);
    let http = Arc::new(http);
    let connections = TaskTracker::new();

    loop {
        let (stream, peer) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        // A token's answer is one small segment: waiting to fill it only delays it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let (http, gateway, tls, shutdown) = (http.clone(), gateway.clone(), tls.clone(), shutdown.clone());
        let app = app.clone();
        connections.spawn(async move {
            let Some(tls) = tls else {
                let connection = Connection { peer, secure: false, client_certificate: None };
                return serve_connection(&http, stream, gateway, connection, shutdown).await;
            };
            if let Some(stream) = handshake(tls, stream).await {
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let client_certificate = app.client_certificates.judge(chain, app.clock.now_ms());
                let connection = Connection { peer, secure: true, client_certificate };
                serve_connection(&http, stream, gateway, connection, shutdown).await;
            }
        });
    }

    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections were still busy when the time to finish was over"
        );
    }
    app.login_events.close().await;
    Ok(())
}

/// Serves one connection until it ends, or until the request under way at `shutdown` is answered.
async fn serve_connection<S>(
    http: &auto::Builder<TokioExecutor>,
    stream: S,
    gateway: Gateway,
    connection: Connection,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (gateway, connection) = (gateway.clone(), connection.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(connection);
            Ok::<_, Infallible>(gateway.answer(request).await)
        }
    });
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn handshake(
    tls: TlsAcceptor,
    stream: TcpStream,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    match tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}
