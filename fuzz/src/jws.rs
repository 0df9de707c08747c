//! Signed texts: keys whose signatures are known, and keys that sign what a target makes up. The private halves of the former were
//! thrown away; the latter are derived from numbers, so that a finding can be played again.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// When everything is read (seconds since the epoch): the corpus is of that moment.
pub const NOW_S: i64 = 1_700_000_000;

/// What all of [`SIGNATURES`] are over.
pub const MESSAGE: &[u8] = b"message";

/// A signature that is known to be right.
pub struct Signature {
    /// Its JOSE name.
    pub algorithm: String,
    /// The bytes.
    pub signature: Vec<u8>,
    /// The public key, a JWK with an id.
    pub key: Value,
}

/// One for each algorithm that differs in more than its digest.
pub static SIGNATURES: LazyLock<Vec<Signature>> = LazyLock::new(|| {
    let known: Vec<Value> = serde_json::from_str(include_str!("signatures.json")).expect("the file is JSON");
    let text = |value: &Value| value.as_str().expect("it is a text").to_owned();
    known
        .iter()
        .map(|known| Signature {
            algorithm: text(&known["algorithm"]),
            signature: decoded(&text(&known["signature"])).expect("it is base64url"),
            key: known["key"].clone(),
        })
        .collect()
});

/// A key that signs.
pub struct Signer(Ed25519KeyPair);

/// The one that is known wherever keys are registered, by the id `signer`.
pub static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::of(7));
/// One that is known nowhere.
pub static STRANGER: LazyLock<Signer> = LazyLock::new(|| Signer::of(8));

impl Signer {
    fn of(number: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[number; 32]).expect("any 32 bytes are a key"))
    }

    /// The public key.
    #[must_use]
    pub fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(self.public_key()) })
    }

    /// The bytes of the public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// A compact JWS of two texts, whatever they are.
    #[must_use]
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.as_bytes()));
        let signature = self.0.sign(signed.as_bytes());
        format!("{signed}.{}", encoded(signature.as_ref()))
    }
}

/// A header with members that it lacks; as it is, if it is no JSON object.
#[must_use]
pub fn completed(header: &str, members: &[(&str, Value)]) -> String {
    let Ok(Value::Object(mut object)) = serde_json::from_str(header) else { return header.to_owned() };
    for (name, value) in members {
        object.entry(*name).or_insert_with(|| value.clone());
    }
    Value::Object(object).to_string()
}

/// The header and the claims of what was believed, which is therefore well formed.
#[must_use]
pub fn parts(jws: &str) -> (Value, Value) {
    let mut parts = jws.split('.').map(|part| {
        let part = decoded(part).expect("each part of what was believed is base64url");
        serde_json::from_slice(&part).unwrap_or_default()
    });
    let mut part = || parts.next().expect("what was believed has parts");
    (part(), part())
}

/// The same with one bit of its signature turned; `None` for one without a signature.
#[must_use]
pub fn damaged(jws: &str) -> Option<String> {
    let (signed, signature) = jws.rsplit_once('.')?;
    let mut signature = decoded(signature)?;
    *signature.last_mut()? ^= 1;
    Some(format!("{signed}.{}", encoded(&signature)))
}

/// Base64url.
#[must_use]
pub fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes from base64url.
#[must_use]
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
