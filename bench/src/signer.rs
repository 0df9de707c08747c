//! A client that signs: proofs of possession (DPoP, RFC 9449) and assertions (`private_key_jwt`, RFC 7523). The server takes each
//! only once, so that the load generator makes one per request.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::load::form_post;

/// How long an assertion is good, in seconds.
const LIFETIME_S: u64 = 60;

/// A P-256 key, and the requests that it signs.
pub(crate) struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    address: SocketAddr,
    /// Tells the ids of this run from those of others.
    run: u64,
    count: AtomicU64,
}

impl Signer {
    pub(crate) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            random: SystemRandom::new(),
            address,
            run: now_s()?,
            count: AtomicU64::new(0),
        })
    }

    /// The public key as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        // 0x04 and two coordinates of 32 bytes.
        let point = self.key.public_key().as_ref();
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "x": coordinate(1), "y": coordinate(33) })
    }

    /// A token request with a proof and Basic authentication.
    pub(crate) fn with_proof(&self, realm: &str, basic: &str) -> anyhow::Result<Vec<u8>> {
        let path = token_path(realm);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let url = format!("http://{}{path}", self.address);
        let claims = json!({ "jti": self.jti(), "htm": "POST", "htu": url, "iat": now_s()? });
        let proof = self.sign(&header, &claims)?;
        let headers = [("Authorization", basic), ("DPoP", &proof)];
        Ok(form_post(self.address, &path, &headers, crate::TOKEN))
    }

    /// A token request of a client that authenticates by an assertion.
    pub(crate) fn with_assertion(&self, realm: &str, client_id: &str) -> anyhow::Result<Vec<u8>> {
        let issuer = format!("http://{}/realms/{realm}", self.address);
        let now_s = now_s()?;
        let claims = json!({ "iss": client_id, "sub": client_id, "aud": issuer, "jti": self.jti(), "iat": now_s,
            "exp": now_s + LIFETIME_S });
        let assertion = self.sign(&json!({ "alg": "ES256" }), &claims)?;
        let form = format!(
            "{}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}",
            crate::TOKEN
        );
        Ok(form_post(self.address, &token_path(realm), &[], &form))
    }

    fn jti(&self) -> String {
        format!("{}-{}", self.run, self.count.fetch_add(1, Ordering::Relaxed))
    }

    fn sign(&self, header: &Value, claims: &Value) -> anyhow::Result<String> {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.key.sign(&self.random, signed.as_bytes()).context("signing")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn token_path(realm: &str) -> String {
    format!("/realms/{realm}/protocol/openid-connect/token")
}

fn now_s() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
