//! Nonces for DPoP proofs at the token endpoint (RFC 9449 section 8): a proof that was made before its nonce was given proves nothing,
//! so that nobody can make proofs in store.
//!
//! A nonce is a MAC of the realm over a time, made and checked by token-issuer like a refresh token: nothing is kept for it, and any
//! replica takes it.

use crate::{App, oidc::error::Error, signing};
use latchkey_api::issuer::v1::{TokenToSign, VerifyRequest, verify_response::Outcome};
use tonic::Request;

/// A client attribute: the client's proofs need a nonce.
pub(crate) const REQUIRED: &str = "latchkey.dpop.nonce";

/// The claim `typ` of a nonce, which no token has.
const KIND: &str = "DPoP-Nonce";
const LIFETIME_S: i64 = 300;

/// Checks the nonce of a proof.
///
/// # Errors
/// [`Error::DpopNonce`] with a new one, where there is none or it is not good; what token-issuer answers.
pub(super) async fn check(app: &App, realm_id: &str, nonce: Option<&str>) -> Result<(), Error> {
    if let Some(nonce) = nonce.filter(|nonce| !nonce.is_empty()) {
        let asked =
            VerifyRequest { realm_id: realm_id.to_owned(), token: nonce.to_owned(), allow_expired: false };
        let answer = app.services.issuer.verify(Request::new(asked)).await?.into_inner();
        if matches!(answer.outcome, Some(Outcome::Verified(verified)) if verified.token_type == KIND) {
            return Ok(());
        }
    }
    Err(Error::DpopNonce(new(app, realm_id).await?))
}

async fn new(app: &App, realm_id: &str) -> Result<String, Error> {
    let nonce = TokenToSign {
        algorithm: "HS512".to_owned(),
        header_type: "dpop-nonce+jwt".to_owned(),
        token_type: KIND.to_owned(),
        lifetime_s: LIFETIME_S,
        ..TokenToSign::default()
    };
    Ok(signing::sign(&app.services, realm_id, nonce).await?)
}
