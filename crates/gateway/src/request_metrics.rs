//! How many requests there were, how they ended and how long they took, per kind of endpoint.

use axum::http::StatusCode;
use metrics::{Counter, Histogram, Label};
use std::time::Duration;

/// The kinds of endpoint: a closed set, so that no path that somebody makes up becomes a label.
const ENDPOINTS: [&str; 11] = [
    "token",
    "introspect",
    "revoke",
    "logout",
    "userinfo",
    "certs",
    "discovery",
    "registration",
    "realm",
    "admin",
    "other",
];

/// An index into [`ENDPOINTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint(usize);

/// The instruments, looked up once.
pub(crate) struct RequestMetrics {
    endpoints: Vec<Instruments>,
}

struct Instruments {
    seconds: Histogram,
    // By the first digit of the status.
    requests: [Counter; 5],
}

impl RequestMetrics {
    pub(crate) fn new() -> Self {
        metrics::describe_histogram!(
            "latchkey_http_request_duration_seconds",
            metrics::Unit::Seconds,
            "How long requests took until their answer began"
        );
        metrics::describe_counter!(
            "latchkey_http_requests_total",
            "Requests by endpoint and class of status"
        );
        let instruments = |endpoint: &'static str| Instruments {
            seconds: metrics::histogram!("latchkey_http_request_duration_seconds", "endpoint" => endpoint),
            requests: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|status| {
                let labels = vec![Label::new("endpoint", endpoint), Label::new("status", status)];
                metrics::counter!("latchkey_http_requests_total", labels)
            }),
        };
        Self { endpoints: ENDPOINTS.into_iter().map(instruments).collect() }
    }

    /// The kind of endpoint that a path (without prefix) names.
    pub(crate) fn endpoint(&self, path: &str) -> Endpoint {
        let name = match path.strip_prefix("/realms/") {
            Some(rest) => match rest.split_once('/') {
                None => "realm",
                Some((_, "protocol/openid-connect/token")) => "token",
                Some((_, rest)) if rest.starts_with("clients-registrations/") => "registration",
                Some((_, rest)) => match rest.rsplit_once('/') {
                    Some((_, last @ ("introspect" | "revoke" | "logout" | "userinfo" | "certs"))) => last,
                    Some((".well-known", _)) => "discovery",
                    _ => "other",
                },
            },
            None if path.starts_with("/admin/") => "admin",
            None => "other",
        };
        Endpoint(ENDPOINTS.iter().position(|endpoint| *endpoint == name).unwrap_or(ENDPOINTS.len() - 1))
    }

    pub(crate) fn record(&self, endpoint: Endpoint, status: StatusCode, took: Duration) {
        let instruments = &self.endpoints[endpoint.0];
        instruments.seconds.record(took);
        instruments.requests[usize::from(status.as_u16() / 100).clamp(1, 5) - 1].increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_their_kind() {
        let metrics = RequestMetrics::new();
        for (path, kind) in [
            ("/realms/a/protocol/openid-connect/token", "token"),
            ("/realms/a/protocol/openid-connect/token/introspect", "introspect"),
            ("/realms/a/protocol/openid-connect/certs", "certs"),
            ("/realms/a/.well-known/openid-configuration", "discovery"),
            ("/realms/a/clients-registrations/default/revoke", "registration"),
            ("/realms/a", "realm"),
            ("/realms/a/b", "other"),
            ("/admin/realms", "admin"),
            ("/", "other"),
        ] {
            assert_eq!(ENDPOINTS[metrics.endpoint(path).0], kind, "{path}");
        }
    }
}
