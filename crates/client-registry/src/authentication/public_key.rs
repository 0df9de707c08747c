//! A client's public keys: an RFC 7517 key set, a certificate, or a bare key, as its attributes give them.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::Deserialize;
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate};

const KEY_SET: &str = "jwks.string";
const USE_KEY_SET: &str = "use.jwks.string";
const USE_KEY_SET_URL: &str = "use.jwks.url";
const CERTIFICATE: &str = "jwt.credential.certificate";
const BARE_KEY: &str = "jwt.credential.public.key";
const KEY_ID: &str = "jwt.credential.kid";

/// An asymmetric public key.
pub(crate) struct PublicKey {
    pub(super) kid: Option<String>,
    /// The only algorithm it is for, if it says so.
    pub(super) algorithm: Option<String>,
    material: Material,
}

enum Material {
    /// Modulus and exponent.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// As it stands in a certificate: RFC 8017 for RSA, a point for elliptic curves.
    Encoded(Vec<u8>),
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    x: String,
    y: String,
    n: String,
    e: String,
}

/// The algorithms that are signed with a private key.
pub(super) fn is_asymmetric(algorithm: &str) -> bool {
    rsa(algorithm).is_some() || curve(algorithm).is_some()
}

impl PublicKey {
    /// The keys that a client's attributes give. What cannot be read is no key.
    pub(super) fn of_client(attributes: &BTreeMap<String, String>) -> Vec<Self> {
        let is_set = |name: &str| attributes.get(name).is_some_and(|value| value == "true");
        let text = |name: &str| attributes.get(name).map(String::as_str).filter(|text| !text.is_empty());
        if is_set(USE_KEY_SET_URL) {
            return Vec::new();
        }
        if is_set(USE_KEY_SET) {
            let set = text(KEY_SET).and_then(|json| serde_json::from_str::<KeySet>(json).ok());
            return set.into_iter().flat_map(|set| set.keys).filter_map(Self::of_jwk).collect();
        }
        let bare = match (text(CERTIFICATE), text(BARE_KEY)) {
            (Some(certificate), _) => decoded_pem(certificate).and_then(|der| certificate_key(&der)),
            (None, Some(key)) => decoded_pem(key).and_then(|der| Self::of_info(&der)),
            (None, None) => None,
        };
        let kid = text(KEY_ID).map(str::to_owned);
        bare.map(|key| Self { kid: kid.or(key.kid.clone()), ..key }).into_iter().collect()
    }

    fn of_jwk(jwk: Jwk) -> Option<Self> {
        if jwk.r#use.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty());
        let material = match jwk.kty.as_str() {
            "RSA" => Material::Rsa(RsaPublicKeyComponents { n: decoded(&jwk.n)?, e: decoded(&jwk.e)? }),
            "EC" => Material::Encoded([vec![4], decoded(&jwk.x)?, decoded(&jwk.y)?].concat()),
            "OKP" => Material::Encoded(decoded(&jwk.x)?),
            _ => return None,
        };
        Some(Self { kid: jwk.kid, algorithm: jwk.alg, material })
    }

    /// A SubjectPublicKeyInfo; its `kid` is the SHA-256 of it, as in Keycloak.
    pub(crate) fn of_info(der: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
        Some(Self {
            kid: Some(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, der))),
            algorithm: None,
            material: Material::Encoded(info.subject_public_key.data.to_vec()),
        })
    }

    /// The SubjectPublicKeyInfo, DER, of a key that came from a key set. `None` for what is no point of a known curve.
    fn info(&self) -> Option<Vec<u8>> {
        match &self.material {
            Material::Rsa(key) => key.as_der().ok().map(|der| der.as_ref().to_vec()),
            Material::Encoded(key) => {
                let curves: [&dyn VerificationAlgorithm; 4] =
                    [&ECDSA_P256_SHA256_FIXED, &ECDSA_P384_SHA384_FIXED, &ECDSA_P521_SHA512_FIXED, &ED25519];
                let parsed = curves.into_iter().find_map(|curve| ParsedPublicKey::new(curve, key).ok())?;
                parsed.as_der().ok().map(|der| der.as_ref().to_vec())
            }
        }
    }

    /// Whether `signature` over `message` is this key's. False too for an algorithm of another kind.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa(key) => {
                rsa(algorithm).is_some_and(|parameters| key.verify(parameters, message, signature).is_ok())
            }
            Material::Encoded(key) => {
                let parameters = rsa(algorithm).map(|rsa| rsa as &dyn VerificationAlgorithm);
                parameters.or_else(|| curve(algorithm)).is_some_and(|parameters| {
                    UnparsedPublicKey::new(parameters, key).verify(message, signature).is_ok()
                })
            }
        }
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let material = match &self.material {
            Material::Rsa(key) => key.n.len() + key.e.len(),
            Material::Encoded(key) => key.len(),
        };
        size_of::<Self>() + material + self.kid.as_ref().map_or(0, String::len)
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn curve(algorithm: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        "ES256" => &ECDSA_P256_SHA256_FIXED,
        "ES384" => &ECDSA_P384_SHA384_FIXED,
        "ES512" => &ECDSA_P521_SHA512_FIXED,
        "EdDSA" => &ED25519,
        _ => return None,
    })
}

/// The key that a certificate (DER) is for.
pub(crate) fn certificate_key(der: &[u8]) -> Option<PublicKey> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    PublicKey::of_info(certificate.public_key().raw)
}

/// The first key of a key set (RFC 7517, JSON) that verifies signatures: its id, and its SubjectPublicKeyInfo, DER.
pub(crate) fn signing_key_of_set(json: &str) -> Option<(Option<String>, Vec<u8>)> {
    let set: KeySet = serde_json::from_str(json).ok()?;
    set.keys.into_iter().filter_map(PublicKey::of_jwk).find_map(|key| Some((key.kid.clone(), key.info()?)))
}

/// Base64 of DER, with or without the lines of PEM around it.
pub(crate) fn decoded_pem(text: &str) -> Option<Vec<u8>> {
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let base64: String = lines.flat_map(str::chars).filter(|char| !char.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(base64).ok()
}
