//! What the fuzz targets reach of the insides: a request's parts as they are read, before any service is asked. It is no part of the
//! crate's edge, and is built for them alone.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use futures::FutureExt as _;

use crate::oidc::dpop;
use crate::oidc::form::FormBody;

/// Verifies a DPoP proof up to whether it was used before, at a time in seconds since the epoch. Answers with the thumbprint of its key
/// and with its `jti`.
///
/// # Errors
/// The words in which it is refused.
pub fn verify_proof(
    proof: &str,
    (method, url): (&str, &str),
    access_token: Option<&str>,
    now_s: i64,
) -> Result<(String, String), String> {
    let proof = dpop::verify(proof, method, url, access_token, now_s).map_err(|fault| fault.to_string())?;
    Ok((proof.binding.jkt, proof.jti))
}

/// A form as an endpoint reads it.
pub struct Parameters(FormBody);

impl Parameters {
    /// Reads a body of a type of content; `None` for one that is refused.
    #[must_use]
    pub fn read(content_type: &str, body: Vec<u8>) -> Option<Self> {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(content_type).ok()?)]);
        let length = body.len();
        // All of the body is here: nothing is ever waited for.
        FormBody::read(&headers, Body::from(body), length).now_or_never()?.ok().map(Self)
    }

    /// All values of a parameter.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.form().all(name).map(str::to_owned).collect()
    }

    /// Whether one is given twice that must not be.
    #[must_use]
    pub fn have_duplicates(&self) -> bool {
        self.0.form().has_duplicates()
    }
}
