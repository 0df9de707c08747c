//! The public key in a DPoP proof's header: an RFC 7517 key, its verification, and its RFC 7638 thumbprint.

use aws_lc_rs::{
    digest,
    signature::{
        self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
        RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::Deserialize;

/// An asymmetric public key. One with private parts is not read: it is nobody's proof.
#[derive(Debug, Deserialize)]
pub(crate) struct ProofKey {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    d: Option<serde::de::IgnoredAny>,
    k: Option<serde::de::IgnoredAny>,
}

impl ProofKey {
    /// Whether a secret came with it.
    pub(crate) fn is_private(&self) -> bool {
        self.d.is_some() || self.k.is_some()
    }

    /// Whether `signature` over `message` is this key's, with an algorithm of its kind. `None` for an algorithm that is none of ours.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
        let ok = match algorithm {
            "RS256" => self.rsa(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature),
            "RS384" => self.rsa(&signature::RSA_PKCS1_2048_8192_SHA384, message, signature),
            "RS512" => self.rsa(&signature::RSA_PKCS1_2048_8192_SHA512, message, signature),
            "PS256" => self.rsa(&signature::RSA_PSS_2048_8192_SHA256, message, signature),
            "PS384" => self.rsa(&signature::RSA_PSS_2048_8192_SHA384, message, signature),
            "PS512" => self.rsa(&signature::RSA_PSS_2048_8192_SHA512, message, signature),
            "ES256" => self.ec(("P-256", 32), &ECDSA_P256_SHA256_FIXED, message, signature),
            "ES384" => self.ec(("P-384", 48), &ECDSA_P384_SHA384_FIXED, message, signature),
            "ES512" => self.ec(("P-521", 66), &ECDSA_P521_SHA512_FIXED, message, signature),
            "EdDSA" => self.ed25519(message, signature),
            _ => return None,
        };
        Some(ok.unwrap_or(false))
    }

    fn rsa(&self, parameters: &'static RsaParameters, message: &[u8], signature: &[u8]) -> Option<bool> {
        if self.kty != "RSA" {
            return None;
        }
        let key = RsaPublicKeyComponents { n: decoded(&self.n)?, e: decoded(&self.e)? };
        Some(key.verify(parameters, message, signature).is_ok())
    }

    /// With a curve, and the size of its coordinates (bytes). RFC 7518 section 6.2.1.2: they are of full size, or one key would have
    /// many thumbprints.
    fn ec(
        &self,
        (curve, size): (&str, usize),
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        if self.kty != "EC" || self.crv != curve {
            return None;
        }
        let (x, y) = (decoded(&self.x)?, decoded(&self.y)?);
        if [x.len(), y.len()] != [size, size] {
            return None;
        }
        Some(UnparsedPublicKey::new(algorithm, [vec![4], x, y].concat()).verify(message, signature).is_ok())
    }

    fn ed25519(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        if self.kty != "OKP" || self.crv != "Ed25519" {
            return None;
        }
        Some(UnparsedPublicKey::new(&ED25519, decoded(&self.x)?).verify(message, signature).is_ok())
    }

    /// RFC 7638: SHA-256 of the required members in the order of their names, base64url.
    pub(crate) fn thumbprint(&self) -> String {
        let members = match self.kty.as_str() {
            "RSA" => serde_json::json!({ "e": self.e, "kty": self.kty, "n": self.n }),
            "EC" => serde_json::json!({ "crv": self.crv, "kty": self.kty, "x": self.x, "y": self.y }),
            _ => serde_json::json!({ "crv": self.crv, "kty": self.kty, "x": self.x }),
        };
        base64url_sha256(members.to_string().as_bytes())
    }
}

/// The base64url form of a SHA-256 digest: thumbprints, and `ath`.
pub(crate) fn base64url_sha256(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let key: ProofKey = serde_json::from_str(concat!(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"#,
            r#"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI"#,
            r#"SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#
        ))
        .unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_key_of_another_kind_verifies_nothing() {
        let key: ProofKey = serde_json::from_str(r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#).unwrap();
        for algorithm in ["RS256", "ES384", "EdDSA", "ES256"] {
            assert_eq!(key.verifies(algorithm, b"m", b"s"), Some(false), "{algorithm}");
        }
        for algorithm in ["none", "HS256", ""] {
            assert_eq!(key.verifies(algorithm, b"m", b"s"), None, "{algorithm}");
        }
    }
}
