//! Public keys as JWKs (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rsa::PublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::algorithm::Algorithm;

/// A JWK, in Keycloak's order of members. Only RSA keys have certificates.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Jwk<'a> {
    kid: &'a str,
    kty: &'static str,
    alg: &'a str,
    r#use: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    x5c: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

/// The public part of a key; none if it cannot be read.
pub(crate) fn public<'a>(
    kid: &'a str,
    algorithm: &'a str,
    encrypts: bool,
    public_key: &[u8],
    certificate: Option<&[u8]>,
) -> Option<Jwk<'a>> {
    let named = Jwk { kid, alg: algorithm, r#use: if encrypts { "enc" } else { "sig" }, ..Jwk::default() };
    let Some((curve, size)) = Algorithm::from_name(algorithm).and_then(Algorithm::curve) else {
        return rsa(named, public_key, certificate);
    };
    // SubjectPublicKeyInfo ends in the key: of Ed25519 its bytes, of EC the coordinates of a point.
    let number = |from_end: usize| {
        let start = public_key.len().checked_sub(from_end)?;
        Some(URL_SAFE_NO_PAD.encode(public_key.get(start..start + size)?))
    };
    Some(match curve {
        "Ed25519" => Jwk { kty: "OKP", crv: Some(curve), x: Some(number(size)?), ..named },
        _ => Jwk { kty: "EC", crv: Some(curve), x: Some(number(2 * size)?), y: Some(number(size)?), ..named },
    })
}

fn rsa<'a>(named: Jwk<'a>, public_key: &[u8], certificate: Option<&[u8]>) -> Option<Jwk<'a>> {
    let key = PublicKey::from_der(public_key).ok()?;
    let thumbprint = |algorithm| certificate.map(|der| URL_SAFE_NO_PAD.encode(digest(algorithm, der)));
    Some(Jwk {
        kty: "RSA",
        n: Some(URL_SAFE_NO_PAD.encode(key.modulus().big_endian_without_leading_zero())),
        e: Some(URL_SAFE_NO_PAD.encode(key.exponent().big_endian_without_leading_zero())),
        x5c: certificate.iter().map(|der| STANDARD.encode(der)).collect(),
        x5t: thumbprint(&SHA1_FOR_LEGACY_USE_ONLY),
        x5t_s256: thumbprint(&SHA256),
        ..named
    })
}
