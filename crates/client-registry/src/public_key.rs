//! Public keys that assertions are verified with: an RFC 7517 key set, a certificate, or a bare key, as a client's attributes or an
//! identity provider's configuration give them.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_platform::json::Object;
use serde::Deserialize;
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::RSAPublicKey;

use crate::remote_keys::Location;

const KEY_SET: &str = "jwks.string";
const USE_KEY_SET: &str = "use.jwks.string";
const USE_KEY_SET_URL: &str = "use.jwks.url";
const KEY_SET_URL: &str = "jwks.url";
const CERTIFICATE: &str = "jwt.credential.certificate";
const BARE_KEY: &str = "jwt.credential.public.key";
const KEY_ID: &str = "jwt.credential.kid";
/// The `use` of a key that verifies signatures; the second is that of a SPIFFE bundle (JWT-SVID section 4).
const SIGNING: [&str; 2] = ["sig", "jwt-svid"];

/// The bytes of an Ed25519 key (RFC 8032 section 5.1.5).
const ED25519_SIZE: usize = 32;

/// An asymmetric public key.
pub(crate) struct PublicKey {
    kid: Option<String>,
    /// The only algorithm it is for, if it says so.
    algorithm: Option<String>,
    /// Whether it is meant whatever key an assertion names.
    any_kid: bool,
    material: Material,
}

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// No key is of the id and the algorithm that are named.
    NoKey,
    /// It is no such key's.
    Failed,
}

enum Material {
    /// Modulus and exponent.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// As it stands in a certificate: RFC 8017 for RSA, a point for elliptic curves.
    Encoded(Vec<u8>),
}

impl Material {
    /// Modulus and exponent of an RSA key, without zeros before them.
    fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        let (modulus, exponent) = match self {
            Self::Rsa(key) => (key.n.as_slice(), key.e.as_slice()),
            Self::Encoded(der) => {
                let (_, key) = RSAPublicKey::from_der(der).ok()?;
                (key.modulus, key.exponent)
            }
        };
        let bare = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
        Some((&modulus[bare(modulus)..], &exponent[bare(exponent)..]))
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Keys that cannot be read are left out (RFC 7517 section 5).
    fn readable(self) -> impl Iterator<Item = PublicKey> {
        let keys = self.keys.into_iter().filter_map(|key| serde_json::from_value::<Object<Jwk>>(key).ok());
        keys.filter_map(|Object(key)| PublicKey::of_jwk(key))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: String,
    x: String,
    y: String,
    n: String,
    e: String,
}

/// Verifies a signature over `message`. A key is asked by its id if one is named, and only for its own algorithm if it has one.
pub(crate) fn verify(
    keys: &[PublicKey],
    (kid, algorithm): (Option<&str>, &str),
    message: &[u8],
    signature: &[u8],
) -> Result<(), Unverified> {
    let mut candidates = keys
        .iter()
        .filter(|key| key.is_named(kid) && key.algorithm.as_deref().is_none_or(|only| only == algorithm));
    let first = candidates.next().ok_or(Unverified::NoKey)?;
    let verified =
        std::iter::once(first).chain(candidates).any(|key| key.verifies(algorithm, message, signature));
    if verified { Ok(()) } else { Err(Unverified::Failed) }
}

/// The algorithms that are signed with a private key.
pub(crate) fn is_asymmetric(algorithm: &str) -> bool {
    rsa(algorithm).is_some() || curve(algorithm).is_some()
}

impl PublicKey {
    /// The keys that a client's attributes give. What cannot be read is no key.
    pub(crate) fn of_client(attributes: &BTreeMap<String, String>) -> Vec<Self> {
        let is_set = |name: &str| attributes.get(name).is_some_and(|value| value == "true");
        let text = |name: &str| attributes.get(name).map(String::as_str).filter(|text| !text.is_empty());
        if is_set(USE_KEY_SET_URL) {
            return Vec::new();
        }
        if is_set(USE_KEY_SET) {
            return text(KEY_SET).and_then(|json| Self::of_key_set(json.as_bytes())).unwrap_or_default();
        }
        let bare = match (text(CERTIFICATE), text(BARE_KEY)) {
            (Some(certificate), _) => decoded_pem(certificate).and_then(|der| certificate_key(&der)),
            (None, Some(key)) => decoded_pem(key).and_then(|der| Self::of_info(&der)),
            (None, None) => None,
        };
        let kid = text(KEY_ID).map(str::to_owned);
        bare.map(|key| Self { kid: kid.or(key.kid.clone()), ..key }).into_iter().collect()
    }

    /// Where a client publishes its keys, if its attributes say so.
    pub(crate) fn published_by_client(attributes: &BTreeMap<String, String>) -> Option<Location> {
        attributes.get(USE_KEY_SET_URL).filter(|value| *value == "true")?;
        Location::key_set(attributes.get(KEY_SET_URL)?)
    }

    /// The keys of an RFC 7517 key set; `None` where it is none. Keys in it that cannot be read are left out (section 5).
    pub(crate) fn of_key_set(json: &[u8]) -> Option<Vec<Self>> {
        let Object(set): Object<KeySet> = serde_json::from_slice(json).ok()?;
        Some(set.readable().collect())
    }

    /// Keys that stand in a text: a key set, a JWK, a certificate or a bare key. The last two are meant whatever key an assertion names,
    /// unless `kid` says which they are.
    pub(crate) fn of_text(text: &str, kid: Option<&str>) -> Vec<Self> {
        if text.trim_start().starts_with('{') {
            let single = || Some(vec![Self::of_jwk(serde_json::from_str(text).ok()?)?]);
            return Self::of_key_set(text.as_bytes()).or_else(single).unwrap_or_default();
        }
        let bare = decoded_pem(text).and_then(|der| certificate_key(&der).or_else(|| Self::of_info(&der)));
        let named = |key| Self { kid: kid.map(str::to_owned), any_kid: kid.is_none(), ..key };
        bare.map(named).into_iter().collect()
    }

    fn of_jwk(jwk: Jwk) -> Option<Self> {
        if jwk.r#use.is_some_and(|purpose| !SIGNING.contains(&purpose.as_str())) {
            return None;
        }
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty());
        let material = match jwk.kty.as_str() {
            "RSA" => Material::Rsa(RsaPublicKeyComponents { n: decoded(&jwk.n)?, e: decoded(&jwk.e)? }),
            "EC" => {
                let size = coordinate_size(&jwk.crv)?;
                let coordinate = |text: &str| decoded(text).filter(|bytes| bytes.len() == size);
                Material::Encoded([vec![4], coordinate(&jwk.x)?, coordinate(&jwk.y)?].concat())
            }
            "OKP" if jwk.crv == "Ed25519" => {
                Material::Encoded(decoded(&jwk.x).filter(|bytes| bytes.len() == ED25519_SIZE)?)
            }
            _ => return None,
        };
        Some(Self { kid: jwk.kid, algorithm: jwk.alg, any_kid: false, material })
    }

    /// A SubjectPublicKeyInfo; its `kid` is the SHA-256 of it, as in Keycloak.
    pub(crate) fn of_info(der: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
        Some(Self {
            kid: Some(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, der))),
            algorithm: None,
            any_kid: false,
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

    /// Whether it is meant by the id of a key, or by none.
    pub(crate) fn is_named(&self, kid: Option<&str>) -> bool {
        self.any_kid || kid.is_none() || self.kid.as_deref() == kid
    }

    /// Whether it is the same key as another, wherever the two come from.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.material, &other.material) {
            (Material::Encoded(one), Material::Encoded(other)) => one == other,
            (one, other) => {
                let numbers = one.rsa_numbers();
                numbers.is_some() && numbers == other.rsa_numbers()
            }
        }
    }

    /// Whether `signature` over `message` is this key's. False too for an algorithm of another kind.
    fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
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
    pub(crate) fn weight(&self) -> usize {
        let material = match &self.material {
            Material::Rsa(key) => key.n.len() + key.e.len(),
            Material::Encoded(key) => key.len(),
        };
        size_of::<Self>() + material + self.kid.as_ref().map_or(0, String::len)
    }
}

/// How many bytes a coordinate of a curve must have (RFC 7518 section 6.2.1.2). Keys of different curves so differ in length, and no key
/// verifies what is signed on another curve than its own.
fn coordinate_size(curve: &str) -> Option<usize> {
    match curve {
        "P-256" => Some(32),
        "P-384" => Some(48),
        "P-521" => Some(66),
        _ => None,
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
    let Object(set): Object<KeySet> = serde_json::from_str(json).ok()?;
    set.readable().find_map(|key| Some((key.kid.clone(), key.info()?)))
}

/// Base64 of DER, with or without the lines of PEM around it.
pub(crate) fn decoded_pem(text: &str) -> Option<Vec<u8>> {
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let base64: String = lines.flat_map(str::chars).filter(|char| !char.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(base64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    #[test]
    fn a_key_set_is_an_object_of_objects() {
        let count = |json: &[u8]| PublicKey::of_key_set(json).map(|keys| keys.len());
        let x = "A".repeat(43);
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        assert_eq!(count(json!({ "keys": [key] }).to_string().as_bytes()), Some(1));
        assert_eq!(count(json!([[key]]).to_string().as_bytes()), None);
        let array = json!(["OKP", null, null, null, "Ed25519", x, "", "", ""]);
        assert_eq!(count(json!({ "keys": [array, 1, key] }).to_string().as_bytes()), Some(1));
    }

    #[test]
    fn a_key_is_what_its_type_and_curve_say() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
        let point = pair.public_key().as_ref();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let jwk = |changes: Value| {
            let mut jwk =
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) });
            for (name, value) in changes.as_object().unwrap() {
                jwk[name] = value.clone();
            }
            PublicKey::of_key_set(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap()
        };
        let verified =
            |changes: Value| verify(&jwk(changes), (None, "ES256"), b"message", signature.as_ref());
        assert_eq!(verified(json!({})), Ok(()));
        for changes in [
            json!({ "crv": "P-384" }),
            json!({ "crv": "" }),
            json!({ "x": encode(&point[1..32]), "y": encode(&point[32..]) }),
            json!({ "kty": "OKP", "x": encode(point) }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(point) }),
            json!({ "kty": "RSA", "n": encode(point), "e": "AQAB", "alg": "RS256" }),
        ] {
            assert_eq!(verified(changes.clone()), Err(Unverified::NoKey), "{changes}");
        }
    }
}
