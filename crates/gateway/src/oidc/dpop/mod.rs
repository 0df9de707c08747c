//! DPoP proofs, RFC 9449 section 4.3: that who sends a request holds the key that a token is bound to.

pub(crate) mod nonce;
mod proof_key;

use super::{error::Error, presented_token::Scheme};
use crate::{App, address::base_url, request_context::RequestContext};
use axum::http::{HeaderMap, Method};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use http::HeaderName;
use latchkey_api::session::v1::ClaimOnceRequest;
use latchkey_platform::json::Object;
use proof_key::{ProofKey, base64url_sha256};
use serde::{Deserialize, de::IgnoredAny};
use tonic::Request;

/// A client attribute: the client gets only bound tokens.
pub(crate) const BOUND_TOKENS_ONLY: &str = "dpop.bound.access.tokens";

const DPOP: HeaderName = HeaderName::from_static("dpop");
/// How old a proof may be, and how far clocks may differ (seconds); Keycloak's figures.
const LIFETIME_S: i64 = 10;
const CLOCK_SKEW_S: i64 = 15;

/// What is wrong with a proof. Keycloak answers all of them with `invalid_request`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("DPoP proof is missing")]
    Missing,
    /// Not a JWT, or more than one header.
    #[error("DPoP header verification failure")]
    Malformed,
    #[error("Invalid or missing type in DPoP header: {0}")]
    Type(String),
    #[error("Unsupported DPoP algorithm: {0}")]
    Algorithm(String),
    #[error("No JWK in DPoP header")]
    NoKey,
    #[error("Private key is present in DPoP header")]
    PrivateKey,
    #[error(
        "DPoP verification failure: org.keycloak.exceptions.TokenSignatureInvalidException: Invalid token signature"
    )]
    Signature,
    #[error("DPoP mandatory claims are missing")]
    Claims,
    #[error("DPoP HTTP method mismatch")]
    Method,
    #[error("DPoP HTTP URL mismatch")]
    Address,
    #[error("DPoP proof is not active")]
    NotActive,
    #[error("DPoP proof access token hash mismatch")]
    AccessTokenHash,
    #[error("DPoP proof has already been used")]
    Replayed,
    /// The proof is of another key than the one that the token is bound to.
    #[error("DPoP proof and token binding verification failed")]
    AnotherKey,
}

/// The key that a proof was made with; what is given for it is bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The key's thumbprint.
    pub(crate) jkt: String,
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: Option<String>,
    jwk: Option<Object<ProofKey>>,
    /// Extensions that must be understood (RFC 7515 section 4.1.11): none is.
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    jti: Option<String>,
    htm: Option<String>,
    htu: Option<String>,
    iat: Option<i64>,
    ath: Option<String>,
    nonce: Option<String>,
}

/// What a proof says.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) binding: Binding,
    pub(crate) jti: String,
    nonce: Option<String>,
}

/// The request that a proof must be for.
pub(crate) struct ProvenRequest<'a> {
    pub(crate) app: &'a App,
    pub(crate) context: &'a RequestContext,
    pub(crate) realm_id: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) method: Method,
    /// The path without the classic prefix.
    pub(crate) path: &'a str,
    /// The token that is presented with the proof: the proof then names its hash.
    pub(crate) access_token: Option<&'a str>,
    /// Whether the proof needs a nonce of ours.
    pub(crate) nonce: bool,
}

/// The proof of a request, if it has one.
///
/// # Errors
/// [`Error::Dpop`] for a proof that proves nothing, [`Error::DpopNonce`] for one without a nonce that it needs, and what the session
/// service answers.
pub(crate) async fn binding(request: &ProvenRequest<'_>) -> Result<Option<Binding>, Error> {
    let mut proofs = request.headers.get_all(DPOP).iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    if proofs.next().is_some() {
        return Err(Fault::Malformed.into());
    }
    let proof = proof.to_str().map_err(|_| Fault::Malformed)?;
    let mut url = base_url::base(&request.app.config, request.context);
    url.push_str(request.path);
    let now_s = request.app.clock.now_s();
    let Proof { binding, jti, nonce } =
        verify(proof, request.method.as_str(), &url, request.access_token, now_s)?;
    if request.nonce {
        nonce::check(request.app, request.realm_id, nonce.as_deref()).await?;
    }

    let asked = ClaimOnceRequest {
        realm_id: request.realm_id.to_owned(),
        purpose: "dpop".to_owned(),
        id: base64url_sha256(format!("{}.{jti}", binding.jkt).as_bytes()),
        ttl_s: LIFETIME_S + 2 * CLOCK_SKEW_S,
    };
    let claimed = request.app.services.sessions.claim_once(Request::new(asked)).await?.into_inner();
    if claimed.first { Ok(Some(binding)) } else { Err(Fault::Replayed.into()) }
}

/// Proves that a request comes from whoever holds the key that its token is bound to.
///
/// # Errors
/// [`Fault::Missing`] without a proof, [`Fault::AnotherKey`] for one by another key or a token that is presented as a bearer's, and
/// those of [`binding`].
pub(crate) async fn prove(request: &ProvenRequest<'_>, scheme: Scheme, jkt: &str) -> Result<(), Error> {
    let binding = binding(request).await?.ok_or(Fault::Missing)?;
    if scheme == Scheme::Dpop && binding.jkt == jkt { Ok(()) } else { Err(Fault::AnotherKey.into()) }
}

/// Everything about a proof but its nonce, and whether it was used before.
pub(crate) fn verify(
    proof: &str,
    method: &str,
    url: &str,
    access_token: Option<&str>,
    now_s: i64,
) -> Result<Proof, Fault> {
    let (signed, signature) = proof.rsplit_once('.').ok_or(Fault::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Fault::Malformed)?;
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed);
    let signature = decode(signature)?;
    let Object(header): Object<Header> =
        serde_json::from_slice(&decode(header)?).map_err(|_| Fault::Malformed)?;
    let Object(claims): Object<Claims> =
        serde_json::from_slice(&decode(claims)?).map_err(|_| Fault::Malformed)?;

    if header.crit.is_some() {
        return Err(Fault::Malformed);
    }
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err(Fault::Type(header.typ.unwrap_or_else(|| "null".to_owned())));
    }
    let algorithm = header.alg.unwrap_or_default();
    let Object(key) = header.jwk.ok_or(Fault::NoKey)?;
    if key.is_private() {
        return Err(Fault::PrivateKey);
    }
    match key.verifies(&algorithm, signed.as_bytes(), &signature) {
        Some(true) => {}
        Some(false) => return Err(Fault::Signature),
        None => return Err(Fault::Algorithm(algorithm)),
    }

    let (Some(jti), Some(htm), Some(htu), Some(iat)) = (claims.jti, claims.htm, claims.htu, claims.iat)
    else {
        return Err(Fault::Claims);
    };
    if htm != method {
        return Err(Fault::Method);
    }
    if htu.split(['?', '#']).next() != Some(url) {
        return Err(Fault::Address);
    }
    if iat < now_s - LIFETIME_S - CLOCK_SKEW_S || iat > now_s + CLOCK_SKEW_S {
        return Err(Fault::NotActive);
    }
    if let Some(token) = access_token
        && claims.ath.as_deref() != Some(base64url_sha256(token.as_bytes()).as_str())
    {
        return Err(Fault::AccessTokenHash);
    }
    Ok(Proof { binding: Binding { jkt: key.thumbprint() }, jti, nonce: claims.nonce })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const URL: &str = "https://id.example/realms/a/protocol/openid-connect/token";
    const NOW_S: i64 = 1_700_000_000;

    fn encode(bytes: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A proof with changes to its header and claims; `null` takes a member away.
    fn proof(header: Value, claims: Value) -> String {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) });
        let merged = |mut base: Value, changes: Value| {
            for (name, value) in changes.as_object().unwrap() {
                base[name] = value.clone();
            }
            base.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            encode(base.to_string().as_bytes())
        };
        let header = merged(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }), header);
        let claims = merged(json!({ "jti": "1", "htm": "POST", "htu": URL, "iat": NOW_S }), claims);
        let signed = format!("{header}.{claims}");
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature.as_ref()))
    }

    fn fault(proof: &str) -> String {
        verify(proof, "POST", URL, None, NOW_S).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_good_proof_binds() {
        let good = proof(json!({}), json!({ "htu": format!("{URL}?query#fragment") }));
        let Proof { binding, jti, .. } = verify(&good, "POST", URL, None, NOW_S).unwrap();
        assert_eq!((binding.jkt.len(), jti.as_str()), (43, "1"));
        let hashed = proof(json!({}), json!({ "ath": base64url_sha256(b"token") }));
        assert!(verify(&hashed, "POST", URL, Some("token"), NOW_S).is_ok());
        assert!(matches!(verify(&good, "POST", URL, Some("token"), NOW_S), Err(Fault::AccessTokenHash)));
    }

    #[test]
    fn each_fault_has_keycloaks_words() {
        for (header, claims, words) in [
            (json!({ "typ": "JWT" }), json!({}), "Invalid or missing type in DPoP header: JWT"),
            (json!({ "crit": ["b64"], "b64": false }), json!({}), &Fault::Malformed.to_string()),
            (json!({ "jwk": null }), json!({}), "No JWK in DPoP header"),
            (json!({ "alg": "HS256" }), json!({}), "Unsupported DPoP algorithm: HS256"),
            (json!({ "alg": "none" }), json!({}), "Unsupported DPoP algorithm: none"),
            (json!({ "alg": "ES384" }), json!({}), &Fault::Signature.to_string()),
            (json!({}), json!({ "jti": null }), "DPoP mandatory claims are missing"),
            (json!({}), json!({ "htm": "GET" }), "DPoP HTTP method mismatch"),
            (json!({}), json!({ "htu": "https://elsewhere.example/token" }), "DPoP HTTP URL mismatch"),
            (json!({}), json!({ "iat": NOW_S - 3600 }), "DPoP proof is not active"),
            (json!({}), json!({ "iat": NOW_S + 3600 }), "DPoP proof is not active"),
        ] {
            assert_eq!(fault(&proof(header, claims)), words);
        }
    }

    fn jwk(pair: &EcdsaKeyPair, place: usize) -> Value {
        let (x, y) = pair.public_key().as_ref()[1..].split_at(place);
        json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
    }

    fn signed(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
        let signed =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature.as_ref()))
    }

    /// RFC 7518 section 6.2.1.2: else one key would have many thumbprints.
    #[test]
    fn coordinates_are_of_full_size() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let claims = json!({ "jti": "1", "htm": "POST", "htu": URL, "iat": NOW_S });
        let cut_at = |place| {
            let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(&pair, place) });
            signed(&pair, &header, &claims)
        };
        assert!(verify(&cut_at(32), "POST", URL, None, NOW_S).is_ok());
        for place in [0, 31, 33, 64] {
            assert_eq!(fault(&cut_at(place)), Fault::Signature.to_string(), "{place}");
        }
    }

    #[test]
    fn header_key_and_claims_are_objects() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = jwk(&pair, 32);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key });
        let claims = json!({ "jti": "1", "htm": "POST", "htu": URL, "iat": NOW_S });
        assert!(verify(&signed(&pair, &header, &claims), "POST", URL, None, NOW_S).is_ok());
        let key = json!(["EC", "P-256", key["x"], key["y"], "", "", null, null]);
        for (header, claims) in [
            (&json!(["dpop+jwt", "ES256", header["jwk"], null]), &claims),
            (&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key }), &claims),
            (&header, &json!(["1", "POST", URL, NOW_S, null])),
        ] {
            assert_eq!(fault(&signed(&pair, header, claims)), Fault::Malformed.to_string(), "{header}");
        }
    }

    #[test]
    fn a_tampered_proof_is_refused() {
        let good = proof(json!({}), json!({}));
        let (signed, _) = good.rsplit_once('.').unwrap();
        assert!(matches!(verify(&format!("{signed}.AAAA"), "POST", URL, None, NOW_S), Err(Fault::Signature)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), header in any::<Vec<u8>>(), claims in any::<Vec<u8>>()) {
            prop_assert!(verify(&text, "POST", URL, None, NOW_S).is_err());
            let shaped = format!("{}.{}.", encode(&header), encode(&claims));
            prop_assert!(verify(&shaped, "POST", URL, None, NOW_S).is_err());
        }
    }
}
