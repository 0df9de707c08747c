//! Cross-origin requests, as Keycloak treats them: anyone may ask, a client's endpoints answer its own web origins.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use latchkey_api::registry::v1::Client;

const TRUE: HeaderValue = HeaderValue::from_static("true");
const EXPOSED: HeaderValue = HeaderValue::from_static("Access-Control-Allow-Methods");
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Origin, Accept, X-Requested-With, Content-Type, Access-Control-Request-Method, Access-Control-Request-Headers, Authorization, DPoP",
);
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// The request's origin; `null` and an absent one are none.
pub(crate) fn origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(header::ORIGIN).filter(|origin| *origin != "null")
}

/// Whether an origin is among a client's web origins. `*` allows any, `+` those of its redirect URIs.
pub(crate) fn is_allowed(origin: &HeaderValue, client: &Client) -> bool {
    is_listed(origin, &client.web_origins)
        || client.web_origins.iter().any(|allowed| allowed == "+")
            && client.redirect_uris.iter().any(|uri| origin_of(uri).is_some_and(|allowed| origin == allowed))
}

/// Whether an origin is in a list, or the list allows any.
pub(crate) fn is_listed(origin: &HeaderValue, web_origins: &[String]) -> bool {
    web_origins.iter().any(|allowed| allowed == "*" || origin == allowed.as_str())
}

/// `https://app.example` of `https://app.example/callback`.
fn origin_of(uri: &str) -> Option<&str> {
    let host = uri.find("://")? + 3;
    Some(uri[host..].find('/').map_or(uri, |path| &uri[..host + path]))
}

/// Lets the origin read the answer.
pub(crate) fn expose(mut response: Response, origin: &HeaderValue) -> Response {
    let headers = response.headers_mut();
    allow(headers, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response
}

/// Lets any origin read a public document.
pub(crate) fn publish(mut response: Response, headers: &HeaderMap) -> Response {
    if let Some(origin) = origin(headers) {
        allow(response.headers_mut(), origin);
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    headers.append(header::VARY, HeaderValue::from_name(const { HeaderName::from_static("origin") }));
}

/// The answer to a preflight of an endpoint that has these methods.
pub(crate) async fn preflight(methods: &'static str, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let answer = response.headers_mut();
    if let Some(origin) = origin(&headers) {
        allow(answer, origin);
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_origins_are_exact_or_any_or_those_of_the_redirect_uris() {
        let client = |origins: &[&str]| Client {
            web_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            redirect_uris: vec!["https://app.example/cb".to_owned(), "/relative".to_owned()],
            ..Client::default()
        };
        let app = HeaderValue::from_static("https://app.example");
        let other = HeaderValue::from_static("https://app.example.evil.example");
        for (origins, own, foreign) in [
            (&[][..], false, false),
            (&["https://app.example"], true, false),
            (&["+"], true, false),
            (&["*"], true, true),
        ] {
            assert_eq!(
                (is_allowed(&app, &client(origins)), is_allowed(&other, &client(origins))),
                (own, foreign),
                "{origins:?}"
            );
        }
    }
}
