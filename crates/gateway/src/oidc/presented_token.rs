//! The access token of a request's `Authorization` header, RFC 6750 section 2.1 and RFC 9449 section 7.1.

use axum::http::{HeaderMap, header};

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Dpop,
}

/// The token, and how it is presented; the case of the scheme's name does not count.
pub(crate) fn in_header(headers: &HeaderMap) -> Option<(Scheme, &str)> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let scheme = match scheme {
        scheme if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        scheme if scheme.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return None,
    };
    Some((scheme, token.trim())).filter(|(_, token)| !token.is_empty())
}
