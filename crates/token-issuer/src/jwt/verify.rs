//! Verifying a token of the realm: its signature first, then its time.
//!
//! The realm's keys decide the algorithm. What the header says only chooses among them, and must name both the key and the
//! algorithm that this key signs with: so neither `none` nor an HMAC under a public key ever passes (RFC 8725 section 3.1).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_api::issuer::v1::verify_response::{Fault, Outcome};
use latchkey_api::issuer::v1::{VerifiedToken, VerifyRequest, VerifyResponse};
use serde::Deserialize;

use super::payload::Payload;
use crate::algorithm::{Algorithm, Family};
use crate::cache::keys::Dated;
use crate::cache::verified::{Verified, VerifiedCache};
use crate::error::Error;
use crate::key::realm_keys::{RealmKeys, SignatureKey, Status};
use crate::service::IssuerService;

/// Longer tokens are none of ours.
const MAX_TOKEN: usize = 256 * 1024;
/// Likewise for headers, in base64url.
const MAX_HEADER: usize = 1024;
const MAX_SIGNATURE: usize = 1024;

impl IssuerService {
    pub(crate) async fn verify(&self, request: VerifyRequest) -> Result<VerifyResponse, Error> {
        let dated = self.keys.get(&request.realm_id).await?;
        let outcome = match self.verified_or_kept(&dated, &request.token) {
            Ok(verified) => self.timely(&verified, request.allow_expired),
            Err(fault) => Outcome::Fault(fault.into()),
        };
        Ok(VerifyResponse { outcome: Some(outcome) })
    }

    fn verified_or_kept(&self, dated: &Arc<Dated>, jwt: &str) -> Result<Arc<Verified>, Fault> {
        if jwt.len() > MAX_TOKEN {
            return Err(Fault::Malformed);
        }
        let key = VerifiedCache::key(dated.generation, jwt);
        if let Some(verified) = self.verified.get(&key) {
            return Ok(verified);
        }
        let (verified, family) = verify(&dated.keys, jwt)?;
        let verified = Arc::new(verified);
        // An HMAC is cheaper than the place in memory.
        if family != Family::Hmac {
            self.verified.put(key, Arc::clone(&verified));
        }
        Ok(verified)
    }

    /// RFC 7519 sections 4.1.4 and 4.1.5.
    fn timely(&self, verified: &Verified, allow_expired: bool) -> Outcome {
        let now_s = self.clock.now_s();
        let token = &verified.token;
        let expired = token.expires_at_s != 0 && now_s >= token.expires_at_s;
        if now_s < verified.not_before_s || (expired && !allow_expired) {
            return Outcome::Fault(Fault::NotActive.into());
        }
        Outcome::Verified(VerifiedToken { expired, ..token.clone() })
    }
}

fn verify(keys: &RealmKeys, jwt: &str) -> Result<(Verified, Family), Fault> {
    let (signed, signature) = jwt.rsplit_once('.').ok_or(Fault::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(Fault::Malformed)?;
    if header.len() > MAX_HEADER || payload.contains('.') {
        return Err(Fault::Malformed);
    }
    let (key, typ) = key_of(keys, header)?;
    let mut buffer = [0; MAX_SIGNATURE];
    let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut buffer).map_err(|_| Fault::Malformed)?;
    if !key.verifying.verifies(signed.as_bytes(), &buffer[..length]) {
        return Err(Fault::Signature);
    }
    let claims = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Fault::Malformed)?;
    let read: Payload = serde_json::from_slice(&claims).map_err(|_| Fault::Malformed)?;
    let token = VerifiedToken {
        claims: claims.into(),
        token_type: read.token_type.unwrap_or_default(),
        jti: read.jti.unwrap_or_default(),
        issuer: read.issuer.unwrap_or_default(),
        azp: read.azp.unwrap_or_default(),
        subject: read.subject.unwrap_or_default(),
        session_id: read.session_id.unwrap_or_default(),
        scope: read.scope.unwrap_or_default(),
        issued_at_s: read.issued_at_s.unwrap_or_default(),
        expires_at_s: read.expires_at_s.unwrap_or_default(),
        algorithm: key.algorithm.name().to_owned(),
        header_type: typ,
        expired: false,
    };
    Ok((Verified { token, not_before_s: read.not_before_s.unwrap_or_default() }, key.algorithm.family()))
}

/// The key that a header names, and the header's `typ`.
fn key_of<'a>(keys: &'a RealmKeys, header: &str) -> Result<(&'a SignatureKey, String), Fault> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
        #[serde(default)]
        kid: String,
        #[serde(default)]
        typ: String,
        crit: Option<serde::de::IgnoredAny>,
    }
    // Nearly all tokens have one of the headers that were made in advance.
    let signing = || keys.keys.iter().filter_map(|key| key.signature.as_ref());
    if let Some((key, typ)) = signing().find_map(|key| Some((key, key.typ_of(header)?))) {
        return Ok((key, typ.to_owned()));
    }
    let json = URL_SAFE_NO_PAD.decode(header).map_err(|_| Fault::Malformed)?;
    let header: Header = serde_json::from_slice(&json).map_err(|_| Fault::Malformed)?;
    // RFC 7515 section 4.1.11: extensions that are not understood make a token invalid, and we understand none.
    if header.crit.is_some() || Algorithm::from_name(&header.alg).is_none() {
        return Err(Fault::Malformed);
    }
    match keys.verifying(&header.kid, &header.alg) {
        Some(key) => Ok((key, header.typ)),
        None if keys.keys.iter().any(|key| key.status != Status::Disabled && key.algorithm == header.alg) => {
            Err(Fault::UnknownKey)
        }
        None => Err(Fault::Malformed),
    }
}
