//! Answers that are JWTs: userinfo (OpenID Connect Core section 5.3.2), introspection (RFC 9701). They are no tokens, and nothing
//! takes them for one: they name no client that they were issued to (`azp`), have no `typ` among their claims, and do not expire.

use super::error::Error;
use crate::{App, signing};
use latchkey_api::{issuer::v1::TokenToSign, registry::v1::Realm};
use serde_json::{Map, Value};

/// What is to be signed.
pub(crate) struct SignedAnswer {
    pub(crate) issuer: String,
    /// The client that it is for.
    pub(crate) audience: String,
    /// That of the signature.
    pub(crate) algorithm: String,
    /// `typ` of the JOSE header.
    pub(crate) header_type: &'static str,
    pub(crate) claims: Map<String, Value>,
}

impl SignedAnswer {
    /// Has it signed with the realm's key.
    ///
    /// # Errors
    /// When the realm has no key of the algorithm, or the token-issuer is away.
    pub(crate) async fn sign(self, app: &App, realm: &Realm) -> Result<String, Error> {
        let Self { issuer, audience, algorithm, header_type, mut claims } = self;
        claims.insert("aud".to_owned(), Value::String(audience));
        let token = TokenToSign {
            algorithm,
            header_type: header_type.to_owned(),
            issuer,
            claims: Value::Object(claims).to_string().into(),
            ..TokenToSign::default()
        };
        Ok(signing::sign(&app.services, &realm.id, token).await?)
    }
}
