//! What tokens are bound to: the key of a DPoP proof (RFC 9449 section 6), a client's certificate (RFC 8705 section 3), both, or
//! nothing.

use super::{dpop, error::Error, resolve::is_true};
use crate::request_context::RequestContext;
use bytes::Bytes;
use latchkey_api::registry::v1::Client;
use serde::Deserialize;

/// A client attribute: the client's tokens are bound to the certificate that it presents.
const CERTIFICATE_BOUND: &str = "tls.client.certificate.bound.access.tokens";

/// Keycloak's words for a token that is used without the certificate that it is bound to. They speak of refresh tokens, whatever the
/// token.
pub(crate) const ANOTHER_CERTIFICATE: &str =
    "Client certificate missing, or its thumbprint and one in the refresh token did NOT match";

/// What a token request says of the certificate that its tokens are to be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateBinding<'a> {
    /// The client does not ask for it.
    Unasked,
    /// It does, and presents none.
    Missing,
    /// The certificate's thumbprint.
    To(&'a str),
}

impl<'a> CertificateBinding<'a> {
    pub(crate) fn of(client: &Client, context: &'a RequestContext) -> Self {
        if !is_true(client, CERTIFICATE_BOUND) {
            return Self::Unasked;
        }
        context.client_certificate().map_or(Self::Missing, |certificate| Self::To(&certificate.thumbprint))
    }

    /// The thumbprint to bind to, if any.
    ///
    /// # Errors
    /// [`Error::CertificateMissing`].
    pub(crate) fn thumbprint(self) -> Result<Option<&'a str>, Error> {
        match self {
            Self::Unasked => Ok(None),
            Self::Missing => Err(Error::CertificateMissing),
            Self::To(thumbprint) => Ok(Some(thumbprint)),
        }
    }
}

/// The claim `cnf` (RFC 7800) of a token that is bound so, as an object of its own; empty for one that is not.
pub(crate) fn confirmation(proof: Option<&dpop::Binding>, thumbprint: Option<&str>) -> Bytes {
    let text = match (proof, thumbprint) {
        (None, None) => return Bytes::new(),
        (Some(dpop::Binding { jkt }), None) => format!(r#"{{"cnf":{{"jkt":"{jkt}","kc-jkt-type":"DPoP"}}}}"#),
        (None, Some(x5t)) => format!(r#"{{"cnf":{{"x5t#S256":"{x5t}"}}}}"#),
        (Some(dpop::Binding { jkt }), Some(x5t)) => {
            format!(r#"{{"cnf":{{"jkt":"{jkt}","kc-jkt-type":"DPoP","x5t#S256":"{x5t}"}}}}"#)
        }
    };
    Bytes::from(text)
}

/// What a token is bound to, by its claims.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Confirmation {
    /// The thumbprint of a key that proofs must be of.
    pub(crate) jkt: Option<String>,
    /// That of a certificate.
    #[serde(rename = "x5t#S256")]
    x5t: Option<String>,
}

impl Confirmation {
    /// Reads the claims of a token that was verified.
    pub(crate) fn of(claims: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Bound {
            cnf: Option<Confirmation>,
        }
        let bound: Bound = serde_json::from_slice(claims)
            .map_err(|_| Error::IncompleteAnswer("claims that are a JSON object"))?;
        Ok(bound.cnf.unwrap_or_default())
    }

    /// Whether the certificate of a request, or its absence, fits the token: one that is bound is used with its certificate, and a
    /// client that asks for bound tokens, as in Keycloak, has no use for others.
    pub(crate) fn fits_certificate(&self, client: &Client, context: &RequestContext) -> bool {
        match &self.x5t {
            Some(x5t) => context.client_certificate().is_some_and(|presented| presented.thumbprint == *x5t),
            None => !is_true(client, CERTIFICATE_BOUND),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_is_bound_to_is_read_back() {
        let proof = dpop::Binding { jkt: "key".to_owned() };
        for (proof, x5t) in
            [(None, None), (Some(&proof), None), (None, Some("cert")), (Some(&proof), Some("cert"))]
        {
            let claims = confirmation(proof, x5t);
            let claims = if claims.is_empty() { b"{}".as_slice() } else { &claims };
            let read = Confirmation::of(claims).unwrap();
            assert_eq!(read.jkt.as_deref(), proof.map(|proof| proof.jkt.as_str()));
            assert_eq!(read.x5t.as_deref(), x5t);
        }
    }
}
