//! Assertions that are signed here, and what comes of presenting them.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_api::registry::v1::authenticate_response::Outcome;
use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::*;
use serde_json::{Value, json};

use crate::setting::*;

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The realm's own issuer, the first of the audiences.
pub(crate) const ISSUER: &str = "https://id.example/realms/red";

pub(crate) enum Signer {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Mac(hmac::Algorithm, String),
}

impl Signer {
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
            Self::Mac(algorithm, secret) => {
                hmac::sign(&hmac::Key::new(*algorithm, secret.as_bytes()), message).as_ref().to_vec()
            }
        }
    }
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn point(key: &EcdsaKeyPair) -> (String, String) {
    let (x, y) = key.public_key().as_ref()[1..].split_at((key.public_key().as_ref().len() - 1) / 2);
    (b64(x), b64(y))
}

/// An assertion of `client_id`, with `changes` to its claims; null takes one out.
pub(crate) fn assertion(signer: &Signer, header: Value, client_id: &str, changes: Value) -> String {
    signed(signer, header, json!({ "iss": client_id, "sub": client_id }), changes)
}

/// A JWT with `more` claims beside the usual ones, and with `changes` to them; null takes one out.
pub(crate) fn signed(signer: &Signer, header: Value, more: Value, changes: Value) -> String {
    let now_s = NOW_MS / 1000;
    let mut claims = json!({ "aud": ISSUER, "jti": uuid(), "iat": now_s, "exp": now_s + 50 });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    format!("{signed}.{}", b64(signer.sign(signed.as_bytes())))
}

pub(crate) fn uuid() -> String {
    latchkey_platform::random::uuid()
}

pub(crate) fn presenting(assertion: &str) -> AuthenticateRequest {
    AuthenticateRequest {
        realm: "red".to_owned(),
        client_assertion_type: Some(JWT_BEARER.to_owned()),
        client_assertion: Some(assertion.to_owned()),
        assertion_audiences: vec![ISSUER.to_owned(), format!("{ISSUER}/token")],
        ..AuthenticateRequest::default()
    }
}

pub(crate) async fn create(s: &Setting, client_id: &str, kind: &str, secret: &str, attributes: Value) {
    let attributes = serde_json::from_value(attributes).unwrap();
    let client =
        Client { client_authenticator_type: kind.to_owned(), attributes, ..client("red", client_id) };
    s.create(NewClient { client: Some(client), secret: secret.to_owned() }).await.unwrap();
}

pub(crate) fn key_set(keys: Value) -> Value {
    json!({ "use.jwks.string": "true", "jwks.string": json!({ "keys": keys }).to_string() })
}

/// The method, or the reason and the detail.
pub(crate) async fn outcome(
    s: &Setting,
    request: AuthenticateRequest,
) -> Result<AuthenticatedClient, (Reason, String)> {
    match s.authenticate(request).await {
        Outcome::Authenticated(authenticated) => Ok(authenticated),
        Outcome::Refusal(refusal) => Err((refusal.reason(), refusal.detail)),
    }
}

pub(crate) fn fault(detail: &str) -> Result<AuthenticatedClient, (Reason, String)> {
    Err((Reason::InvalidAssertion, detail.to_owned()))
}

pub(crate) fn ec256() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

/// A P-256 key, and its public half as PEM.
pub(crate) fn pem_key() -> (Signer, String) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der()).unwrap();
    (Signer::Ec(key), pair.public_key_pem())
}
