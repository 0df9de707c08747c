//! Where a service is, and how to talk to it.

use crate::server::{CONNECTION_WINDOW, STREAM_WINDOW};
use futures::future::BoxFuture;
use http::{Uri, uri::Scheme};
use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

/// Where a service is.
#[derive(Clone)]
pub struct Target {
    /// `https://client-registry:7443`, or `http://` for plain text. The host's addresses are the service's replicas.
    pub uri: Uri,
    /// The certificates of both sides; needed for `https`.
    pub tls: Option<ClientTlsConfig>,
    /// The name that a replica's certificate must have; the host of `uri` unless given.
    pub server_name: Option<String>,
    /// How the host's addresses are found; by the system's resolver unless given.
    pub look_up: LookUp,
    /// How to talk to it.
    pub settings: Settings,
}

/// Finds the addresses of a host, with the port they are to have.
pub type LookUp = Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Asks the system's resolver.
fn by_name(host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
}

/// How to talk to a service. The defaults suit a data centre.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a call may take unless its request says so (`grpc-timeout`).
    pub call_timeout: Duration,
    /// How long a call waits for a replica to be there before it fails as unavailable.
    pub wait_for_ready: Duration,
    /// How long a connection may take, TLS included.
    pub connect_timeout: Duration,
    /// How often the host's addresses are looked up.
    pub resolve_interval: Duration,
    /// The first pause after a replica couldn't be reached; each further one is twice as long.
    pub backoff: Duration,
    /// The longest such pause.
    pub max_backoff: Duration,
    /// How often a connection is probed, and after which silence it is given up.
    pub keep_alive: Duration,
    /// The largest answer of a unary call, in bytes.
    pub max_response: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(5),
            wait_for_ready: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            resolve_interval: Duration::from_secs(5),
            backoff: Duration::from_millis(20),
            max_backoff: Duration::from_secs(1),
            keep_alive: Duration::from_secs(10),
            max_response: 64 * 1024 * 1024,
        }
    }
}

/// A target that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URI has no host, or a scheme other than `http` and `https`.
    #[error("{0} is not the address of a service")]
    Uri(Uri),
    /// `https` without certificates.
    #[error("{0} needs TLS settings")]
    NoTls(Uri),
    /// The certificates can't be used.
    #[error("unusable TLS settings")]
    Tls(#[source] tonic::transport::Error),
}

impl Target {
    /// A target with the usual settings.
    pub fn new(uri: Uri, tls: Option<ClientTlsConfig>) -> Self {
        Self { uri, tls, server_name: None, look_up: Arc::new(by_name), settings: Settings::default() }
    }

    /// The host to look up, and the port.
    ///
    /// # Errors
    /// A URI that isn't the address of a service.
    pub(crate) fn host_and_port(&self) -> Result<(&str, u16), Error> {
        let host = self.uri.host().ok_or_else(|| Error::Uri(self.uri.clone()))?;
        let port = match (self.uri.port_u16(), self.is_tls()?) {
            (Some(port), _) => port,
            (None, true) => 443,
            (None, false) => 80,
        };
        Ok((host.trim_start_matches('[').trim_end_matches(']'), port))
    }

    /// A channel to one replica; it connects when it is first used.
    ///
    /// # Errors
    /// Missing or unusable TLS settings.
    pub(crate) fn channel(&self, address: SocketAddr) -> Result<Channel, Error> {
        let tls = self.is_tls()?;
        let scheme = if tls { "https" } else { "http" };
        let settings = &self.settings;
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(|_| Error::Uri(self.uri.clone()))?
            .origin(self.uri.clone())
            .connect_timeout(settings.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(settings.keep_alive))
            .http2_keep_alive_interval(settings.keep_alive)
            .keep_alive_timeout(settings.keep_alive)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        if tls {
            let certificates = self.tls.clone().ok_or_else(|| Error::NoTls(self.uri.clone()))?;
            let name =
                self.server_name.as_deref().map_or_else(|| self.host_and_port().map(|(host, _)| host), Ok)?;
            endpoint = endpoint.tls_config(certificates.domain_name(name)).map_err(Error::Tls)?;
        }
        Ok(endpoint.connect_lazy())
    }

    fn is_tls(&self) -> Result<bool, Error> {
        match self.uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => Ok(true),
            Some(scheme) if *scheme == Scheme::HTTP => Ok(false),
            _ => Err(Error::Uri(self.uri.clone())),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("uri", &self.uri)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
