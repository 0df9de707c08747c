//! Signing the tokens of one answer.
//!
//! The signature is computed by the task that asks for it: an RSA signature keeps its worker busy for less than half a
//! millisecond, all cores are equally busy under load, and a hop to another thread and back would only add to the time.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_api::issuer::v1::{IssueRequest, IssueResponse, TokenToSign};
use latchkey_platform::random;

use super::claims::{Issued, write_claims};
use crate::cache::keys::Dated;
use crate::error::Error;
use crate::key::realm_keys::{Key, encode_header};
use crate::service::IssuerService;

/// Room for the issuer's own claims, beside their values.
const OWN_CLAIMS: usize = 160;
/// The longest usual signature in base64url (RSA of 4096 bits), and the dots.
const SIGNATURE: usize = 690;

impl IssuerService {
    pub(crate) async fn issue(&self, request: IssueRequest) -> Result<IssueResponse, Error> {
        let mut dated = self.keys.get(&request.realm_id).await?;
        let IssueRequest { realm_id, access_token, refresh_token, id_token } = request;
        for token in [&access_token, &refresh_token, &id_token].into_iter().flatten() {
            if dated.keys.active(&token.algorithm).is_none() {
                dated = Box::pin(self.with_key_for(&realm_id, &token.algorithm)).await?;
            }
        }
        let issued_at_s = self.clock.now_s();
        let mut answer = IssueResponse { issued_at_s, ..IssueResponse::default() };
        if let Some(token) = &access_token {
            let jti = jti(token);
            answer.access_token = sign(&dated, token, &Issued { jti: &jti, issued_at_s, at_hash: None })?;
            answer.jti = jti.into_owned();
        }
        if let Some(token) = &refresh_token {
            answer.refresh_token =
                sign(&dated, token, &Issued { jti: &jti(token), issued_at_s, at_hash: None })?;
        }
        if let Some(token) = &id_token {
            let at_hash = (token.at_hash && !answer.access_token.is_empty())
                .then(|| at_hash(&dated, token, &answer.access_token))
                .transpose()?;
            let issued = Issued { jti: &jti(token), issued_at_s, at_hash: at_hash.as_deref() };
            answer.id_token = sign(&dated, token, &issued)?;
        }
        Ok(answer)
    }
}

fn active<'a>(dated: &'a Arc<Dated>, algorithm: &str) -> Result<&'a Key, Error> {
    dated.keys.active(algorithm).ok_or_else(|| Error::NoActiveKey(algorithm.to_owned()))
}

fn at_hash(dated: &Arc<Dated>, token: &TokenToSign, access_token: &str) -> Result<String, Error> {
    let signature = active(dated, &token.algorithm)?.signature.as_ref();
    let signature = signature.ok_or_else(|| Error::NoActiveKey(token.algorithm.clone()))?;
    Ok(signature.algorithm.at_hash(access_token))
}

fn jti(token: &TokenToSign) -> Cow<'_, str> {
    match (token.jti.as_str(), token.jti_prefix.as_str()) {
        ("", prefix) => Cow::Owned(random::prefixed_uuid(prefix)),
        (jti, _) => Cow::Borrowed(jti),
    }
}

fn sign(dated: &Arc<Dated>, token: &TokenToSign, issued: &Issued<'_>) -> Result<String, Error> {
    let texts = token.issuer.len() + token.azp.len() + token.scope.len() + token.session_id.len();
    let spliced = token.claims.len() + token.more_claims.len();
    let mut claims = Vec::with_capacity(OWN_CLAIMS + issued.jti.len() + texts + spliced);
    write_claims(&mut claims, token, issued)?;
    compact(dated, &token.algorithm, &token.header_type, &claims)
}

/// A JWS in compact form (RFC 7515 section 7.1).
pub(super) fn compact(
    dated: &Arc<Dated>,
    algorithm: &str,
    header_type: &str,
    payload: &[u8],
) -> Result<String, Error> {
    let key = active(dated, algorithm)?;
    let no_key = || Error::NoActiveKey(algorithm.to_owned());
    let signature = key.signature.as_ref().ok_or_else(no_key)?;
    let signing = signature.signing.as_ref().ok_or_else(no_key)?;

    let header = signature
        .header(header_type)
        .map_or_else(|| Cow::Owned(encode_header(signature.algorithm, header_type, &key.kid)), Cow::Borrowed);
    let mut jwt = String::with_capacity(header.len() + payload.len().div_ceil(3) * 4 + SIGNATURE);
    jwt.push_str(&header);
    jwt.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut jwt);
    let mut encoded = [0; SIGNATURE];
    let length = signing.sign(jwt.as_bytes(), |bytes| URL_SAFE_NO_PAD.encode_slice(bytes, &mut encoded))?;
    let length = length.map_err(|_| Error::Cryptography)?;
    jwt.push('.');
    jwt.push_str(std::str::from_utf8(&encoded[..length]).map_err(|_| Error::Cryptography)?);
    Ok(jwt)
}
