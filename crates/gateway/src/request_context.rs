//! What the gateway knows of a request before any handler sees it.

use crate::{App, client_certificate::ClientCertificate, request_id::RequestId};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use http::HeaderName;
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The classic prefix, under which every path is served too.
pub const CLASSIC_PREFIX: &str = "/auth";

/// Where a request came from, where it went, and its id. [`crate::Gateway`] makes it; handlers take it as an extractor.
#[derive(Clone, Debug)]
pub struct RequestContext {
    id: RequestId,
    client_ip: IpAddr,
    client_address: String,
    secure: bool,
    host: String,
    prefixed: bool,
    client_certificate: Option<Arc<ClientCertificate>>,
}

/// How the connection reached this process; the listener puts it into the request's extensions.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The address at the other end.
    pub peer: SocketAddr,
    /// Whether TLS ends here.
    pub secure: bool,
    /// The certificate that the other end has presented by TLS.
    pub client_certificate: Option<Arc<ClientCertificate>>,
}

impl RequestContext {
    pub(crate) fn new(id: RequestId, prefixed: bool, parts: &Parts, app: &App) -> Self {
        let config = &app.config;
        let connection = parts.extensions.get::<Connection>();
        let peer = connection
            .map(|connection| connection.peer.ip())
            .or_else(|| parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()))
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
            .to_canonical();
        let forwarded = config.trusted_proxies.contains(peer);
        let client_ip = config.trusted_proxies.client(peer, text(&parts.headers, &X_FORWARDED_FOR));
        let mut secure = connection.is_some_and(|connection| connection.secure);
        let mut host = text(&parts.headers, &header::HOST)
            .or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
            .unwrap_or("localhost");
        if forwarded {
            secure = text(&parts.headers, &X_FORWARDED_PROTO)
                .map_or(secure, |proto| proto.eq_ignore_ascii_case("https"));
            host = text(&parts.headers, &X_FORWARDED_HOST).unwrap_or(host);
        }
        let client_certificate = if forwarded && app.client_certificates.are_forwarded() {
            app.client_certificates.forwarded(&parts.headers, app.clock.now_ms())
        } else {
            connection.and_then(|connection| connection.client_certificate.clone())
        };
        Self {
            id,
            client_ip,
            client_address: client_ip.to_string(),
            secure,
            host: host.to_owned(),
            prefixed,
            client_certificate,
        }
    }

    /// The request's id, as log lines and the answer's `X-Request-Id` show it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The client's address, seen through trusted proxies.
    #[must_use]
    pub fn client_ip(&self) -> IpAddr {
        self.client_ip
    }

    /// The same as text.
    #[must_use]
    pub fn client_address(&self) -> &str {
        &self.client_address
    }

    /// The certificate that the client has presented by TLS, here or to a trusted proxy.
    #[must_use]
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.client_certificate.as_deref()
    }

    /// `http` or `https`, as the client sees it.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The host that the client called, with its port where one was given.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `/auth` where the classic prefix was used, else nothing.
    #[must_use]
    pub fn prefix(&self) -> &'static str {
        if self.prefixed { CLASSIC_PREFIX } else { "" }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|value| !value.is_empty())
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.remove::<Self>().expect("the gateway gives every request its context"))
    }
}
