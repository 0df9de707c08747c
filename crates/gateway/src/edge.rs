//! What every request passes, whatever its path: the classic prefix is taken off, it gets its id and context, its answer the
//! headers that all answers carry, a panic becomes a 500 without details, and it is counted and timed.

use crate::{
    App,
    request_context::{CLASSIC_PREFIX, RequestContext},
    request_id::{RequestIds, X_REQUEST_ID},
    request_metrics::RequestMetrics,
    security_headers,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode, Uri, header, uri::PathAndQuery},
};
use futures::{FutureExt as _, future::BoxFuture};
use latchkey_api::context::TRACEPARENT;
use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tower::Service;
use tracing::Instrument as _;

/// Keycloak's body for a fault of its own.
const INTERNAL_ERROR: &str =
    r#"{"error":"unknown_error","error_description":"For more on this error consult the server log."}"#;

/// The whole gateway as a service: give it a request, get its answer.
#[derive(Clone)]
pub struct Gateway {
    app: App,
    router: Router,
    ids: Arc<RequestIds>,
    metrics: Arc<RequestMetrics>,
}

impl Gateway {
    /// The gateway over a state.
    #[must_use]
    pub fn new(app: App) -> Self {
        let router = app.router();
        Self { app, router, ids: Arc::new(RequestIds::new()), metrics: Arc::new(RequestMetrics::new()) }
    }

    /// Answers one request. Its extensions may hold a [`crate::request_context::Connection`].
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let (mut parts, body) = request.into_parts();
        let prefixed = match without_prefix(&parts.uri) {
            Some(uri) => {
                parts.uri = uri;
                true
            }
            None => false,
        };
        if let Some(uri) = without_trailing_slash(&parts.uri) {
            parts.uri = uri;
        }
        let id = self.ids.choose(parts.headers.get(X_REQUEST_ID));
        let context = RequestContext::new(id.clone(), prefixed, &parts, &self.app);
        let endpoint = self.metrics.endpoint(parts.uri.path());
        let span = tracing::debug_span!(
            target: "latchkey::request", "request", request.id = id.as_str(), method = %parts.method, path = parts.uri.path()
        );
        parts.extensions.insert(context);

        let mut router = self.router.clone();
        // Forwarders send the id and the caller's trace along.
        let traceparent =
            parts.headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let scope = latchkey_api::context::RequestContext::new(id.as_str(), traceparent);
        let handled = router.call(Request::from_parts(parts, body));
        let handled = async move {
            match scope {
                Some(scope) => scope.scope(handled).await,
                None => handled.await,
            }
        };
        let handled = AssertUnwindSafe(handled).catch_unwind();
        let handled = if span.is_disabled() { handled.await } else { handled.instrument(span).await };
        let mut response = handled.map_or_else(
            |_| {
                tracing::error!(request.id = id.as_str(), "a handler panicked");
                internal_error()
            },
            |Ok(response)| response,
        );

        if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body is not read, so nothing can follow on this connection.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        security_headers::add(response.headers_mut());
        response.headers_mut().insert(X_REQUEST_ID, id.header());
        self.metrics.record(endpoint, response.status(), started.elapsed());
        response
    }
}

/// The address below the classic prefix, if it is under it.
fn without_prefix(uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(CLASSIC_PREFIX)?;
    match rest.bytes().next() {
        Some(b'/') => relative(PathAndQuery::try_from(rest).ok()?),
        None => relative(PathAndQuery::from_static("/")),
        Some(_) => None,
    }
}

/// The address without the slash at the end of its path, if there is one: to Keycloak, and so to its clients, both are the same.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    relative(path_and_query.ok()?)
}

fn relative(path_and_query: PathAndQuery) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).ok()
}

fn internal_error() -> Response<Body> {
    let mut response = Response::new(Body::from(INTERNAL_ERROR));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Service<Request<Body>> for Gateway {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let gateway = self.clone();
        Box::pin(async move { Ok(gateway.answer(request).await) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_prefix_is_taken_off() {
        for (given, left) in [
            ("/auth/realms/a?b=c", Some("/realms/a?b=c")),
            ("/auth", Some("/")),
            ("/auth/", Some("/")),
            ("/auth/auth/x", Some("/auth/x")),
            ("/authority", None),
            ("/realms/auth", None),
        ] {
            let uri = given.parse::<Uri>().unwrap();
            assert_eq!(without_prefix(&uri).map(|uri| uri.to_string()).as_deref(), left, "{given}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_a_path_says_nothing() {
        for (given, left) in [
            ("/realms/a/", Some("/realms/a")),
            ("/realms/a/?b=c/", Some("/realms/a?b=c/")),
            ("/realms/a", None),
            ("/realms/a?b=c/", None),
            ("/", None),
        ] {
            let uri = given.parse::<Uri>().unwrap();
            assert_eq!(without_trailing_slash(&uri).map(|uri| uri.to_string()).as_deref(), left, "{given}");
        }
    }
}
