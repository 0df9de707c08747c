//! JWTs that the tests sign.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    EcdsaKeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The coordinates of a public key, as a JWK has them.
pub(crate) fn point(key: &EcdsaKeyPair) -> (String, String) {
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    (b64(x), b64(y))
}

/// A JWT in compact form, signed with ES256.
pub(crate) fn signed(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    compact(header, claims, |signed| key.sign(&SystemRandom::new(), signed).unwrap().as_ref().to_vec())
}

/// A JWT in compact form, signed in any way.
pub(crate) fn compact(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

/// A signature with RS256, for [`compact`].
pub(crate) fn rs256(key: &RsaKeyPair, signed: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut signature).unwrap();
    signature
}

/// Whether a JWS in compact form is signed with RS256 by the key of a key set that it names.
pub(crate) fn is_signed_by_one_of(keys: &Value, jws: &str) -> bool {
    let number = |jwk: &Value, name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let header = super::header_of(jws);
    let jwk = keys["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == header["kid"]).unwrap();
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = RsaPublicKeyComponents { n: number(jwk, "n"), e: number(jwk, "e") };
    header["alg"] == "RS256" && key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
}
