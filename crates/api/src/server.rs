//! What every server of the contract does around its unary methods: it makes the caller's request context its own, and waits for
//! the revision that the caller must read.

use crate::{
    context::RequestContext,
    revision::{self, Applied, MIN_REVISION},
};
use futures::future::BoxFuture;
use http::{Request, Response};
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

/// Makes the span of a call from its path (`/latchkey.issuer.v1.TokenIssuer/Issue`) and context.
pub type SpanOf = Arc<dyn Fn(&str, Option<&RequestContext>) -> Span + Send + Sync>;

/// How much of a stream may be under way without acknowledgement, in bytes.
pub(crate) const STREAM_WINDOW: u32 = 1024 * 1024;
/// The same for a connection.
pub(crate) const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// tonic's server with the settings that the forwarders count on: small packets leave at once, dead peers are noticed, and windows
/// are large enough for a full pipeline.
pub fn builder() -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
}

/// The layer around a server's services.
#[derive(Clone)]
pub struct ServerLayer {
    applied: Arc<dyn Applied>,
    span_of: Option<SpanOf>,
}

impl ServerLayer {
    /// `applied` says how far this replica has followed its own change log.
    pub fn new(applied: Arc<dyn Applied>) -> Self {
        Self { applied, span_of: None }
    }

    /// Makes a span for each unary call and each stream that is opened.
    #[must_use]
    pub fn with_spans(self, span_of: SpanOf) -> Self {
        Self { span_of: Some(span_of), ..self }
    }
}

impl fmt::Debug for ServerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLayer").field("revision", &self.applied.revision()).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = Server<S>;

    fn layer(&self, inner: S) -> Server<S> {
        Server { inner, layer: self.clone() }
    }
}

/// A service within [`ServerLayer`].
#[derive(Clone, Debug)]
pub struct Server<S> {
    inner: S,
    layer: ServerLayer,
}

impl<S, B, R> Service<Request<B>> for Server<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was polled ready answers; its clone takes its place.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);

        let context = RequestContext::from_headers(request.headers());
        let span = match &self.layer.span_of {
            Some(span_of) => span_of(request.uri().path(), context.as_ref()),
            None => Span::none(),
        };
        let min_revision = request.headers().get(MIN_REVISION).and_then(|value| value.to_str().ok());
        let min_revision = min_revision.and_then(|text| text.parse().ok()).unwrap_or(0);
        let applied = Arc::clone(&self.layer.applied);
        let run = async move {
            if let Err(behind) = revision::reach(&*applied, min_revision).await {
                return Ok(behind.into_http());
            }
            inner.call(request).await
        };
        let run = run.instrument(span);
        match context {
            Some(context) => Box::pin(context.scope(run)),
            None => Box::pin(run),
        }
    }
}
