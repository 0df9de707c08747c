//! All keys of a realm, ready for use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use latchkey_platform::vault::{Place, Vault};
use serde::Serialize;

use super::jwk::{self, Jwk};
use super::signing::{SigningKey, VerifyingKey};
use super::{certificate, rsa_pem};
use crate::algorithm::{Algorithm, Family};
use crate::error::Error;
use crate::providers::settings::Settings;
use crate::store::key_providers::StoredProvider;

/// What the vault binds keys to beside their realm and provider.
pub(crate) const PURPOSE: &str = "realm-key";

/// JOSE's `typ` of the headers that are made in advance: of nearly all tokens, and of RFC 9068.
const HEADER_TYPES: [&str; 2] = ["JWT", "at+jwt"];

/// Bytes in memory of a parsed private or public key, about.
const PRIVATE_KEY_WEIGHT: usize = 8192;
const PUBLIC_KEY_WEIGHT: usize = 2048;

/// Whether a key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Signs and verifies.
    Active,
    /// Only verifies.
    Passive,
    /// As if it were not there.
    Disabled,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Passive => "PASSIVE",
            Self::Disabled => "DISABLED",
        }
    }
}

/// A key.
pub(crate) struct Key {
    pub(crate) kid: String,
    /// The provider's id.
    pub(crate) provider_id: String,
    pub(crate) priority: i64,
    pub(crate) status: Status,
    /// RSA, EC, OKP, OCT.
    pub(crate) kind: &'static str,
    pub(crate) algorithm: &'static str,
    pub(crate) encrypts: bool,
    /// Base64 DER; empty for symmetric keys.
    pub(crate) public_key: String,
    pub(crate) certificate: String,
    /// Milliseconds since the epoch; 0 for none.
    pub(crate) valid_to_ms: i64,
    /// Of keys that sign and are not disabled.
    pub(crate) signature: Option<SignatureKey>,
}

/// What signs and verifies.
pub(crate) struct SignatureKey {
    pub(crate) algorithm: Algorithm,
    /// JOSE headers, base64url, in the order of [`HEADER_TYPES`].
    headers: [String; 2],
    /// None of a passive key.
    pub(crate) signing: Option<SigningKey>,
    pub(crate) verifying: VerifyingKey,
}

impl SignatureKey {
    /// The JOSE header made in advance for a `typ`.
    pub(crate) fn header(&self, typ: &str) -> Option<&str> {
        HEADER_TYPES
            .iter()
            .zip(&self.headers)
            .find(|(known, _)| **known == typ)
            .map(|(_, header)| header.as_str())
    }

    /// The `typ` whose header, made in advance, this is.
    pub(crate) fn typ_of(&self, header: &str) -> Option<&'static str> {
        HEADER_TYPES.iter().zip(&self.headers).find(|(_, known)| *known == header).map(|(typ, _)| *typ)
    }
}

/// A JOSE header (RFC 7515 section 4), base64url.
pub(crate) fn encode_header(algorithm: Algorithm, typ: &str, kid: &str) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        typ: &'a str,
        kid: &'a str,
    }
    let header =
        serde_json::to_vec(&Header { alg: algorithm.name(), typ, kid }).expect("texts can be serialised");
    URL_SAFE_NO_PAD.encode(header)
}

/// A realm's keys, those of the highest priority first.
pub(crate) struct RealmKeys {
    pub(crate) keys: Vec<Key>,
    /// `{"keys":[…]}`.
    pub(crate) jwks: Bytes,
}

impl RealmKeys {
    /// Opens and parses what is stored. What is disabled stays sealed.
    pub(crate) async fn open(vault: &Vault, stored: &[StoredProvider]) -> Result<Self, Error> {
        let mut opened = Vec::with_capacity(stored.len());
        for provider in stored {
            opened.push((open(vault, provider).await?, provider));
        }
        // Stable: of equal ones the eldest signs.
        opened.sort_by_key(|(key, _)| std::cmp::Reverse(key.priority));
        let published: Vec<Jwk<'_>> = opened
            .iter()
            .filter(|(key, _)| key.status != Status::Disabled)
            .filter_map(|(key, stored)| {
                let certificate = stored.certificate.as_deref();
                jwk::public(&key.kid, key.algorithm, key.encrypts, stored.public_key.as_deref()?, certificate)
            })
            .collect();
        #[derive(Serialize)]
        struct Jwks<'a> {
            keys: Vec<Jwk<'a>>,
        }
        let jwks = serde_json::to_vec(&Jwks { keys: published }).expect("texts can be serialised").into();
        Ok(Self { keys: opened.into_iter().map(|(key, _)| key).collect(), jwks })
    }

    /// The key that signs with an algorithm now.
    pub(crate) fn active(&self, algorithm: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.algorithm == algorithm && key.status == Status::Active)
    }

    /// The key that verifies what says it was signed with `kid` and `algorithm`.
    pub(crate) fn verifying(&self, kid: &str, algorithm: &str) -> Option<&SignatureKey> {
        let found = self.keys.iter().filter(|key| key.kid == kid && key.algorithm == algorithm);
        found.filter_map(|key| key.signature.as_ref()).next()
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn weight(&self) -> usize {
        let of = |key: &Key| {
            let parsed = key.signature.as_ref().map_or(0, |signature| {
                PUBLIC_KEY_WEIGHT + if signature.signing.is_some() { PRIVATE_KEY_WEIGHT } else { 0 }
            });
            300 + key.public_key.len() + key.certificate.len() + parsed
        };
        self.jwks.len() + self.keys.iter().map(of).sum::<usize>()
    }
}

async fn open(vault: &Vault, stored: &StoredProvider) -> Result<Key, Error> {
    let StoredProvider { provider, kid, public_key, certificate, .. } = stored;
    let settings = Settings::read(provider)?;
    let status = match (settings.enabled, settings.active) {
        (false, _) => Status::Disabled,
        (true, true) => Status::Active,
        (true, false) => Status::Passive,
    };
    let text = |der: &Option<Vec<u8>>| der.as_deref().map(rsa_pem::encode).unwrap_or_default();
    let algorithm = Algorithm::from_name(settings.algorithm).filter(|_| status != Status::Disabled);
    let signature = match algorithm {
        Some(algorithm) => Some(signature_key(vault, stored, algorithm, status).await?),
        None => None,
    };
    Ok(Key {
        kid: kid.clone(),
        provider_id: provider.id.clone(),
        priority: settings.priority,
        status,
        kind: settings.kind.key_type(),
        algorithm: settings.algorithm,
        encrypts: settings.kind.encrypts(),
        public_key: text(public_key),
        certificate: text(certificate),
        valid_to_ms: certificate.as_deref().and_then(certificate::valid_to_ms).unwrap_or_default(),
        signature,
    })
}

async fn signature_key(
    vault: &Vault,
    stored: &StoredProvider,
    algorithm: Algorithm,
    status: Status,
) -> Result<SignatureKey, Error> {
    let StoredProvider { provider, kid, public_key, sealed, .. } = stored;
    let unusable = || Error::UnusableKey(provider.id.clone());
    let symmetric = algorithm.family() == Family::Hmac;
    let (mut signing, mut verifying) = (None, None);
    if status == Status::Active || symmetric {
        let place = Place { realm_id: &provider.realm_id, purpose: PURPOSE, id: &provider.id };
        let secret = vault.open(place, sealed).await?;
        if status == Status::Active {
            signing = Some(SigningKey::new(algorithm, &secret).ok_or_else(unusable)?);
        }
        if symmetric {
            verifying = VerifyingKey::hmac(algorithm, &secret);
        }
    }
    if let Some(public_key) = public_key {
        verifying = VerifyingKey::public(algorithm, public_key);
    }
    Ok(SignatureKey {
        algorithm,
        headers: HEADER_TYPES.map(|typ| encode_header(algorithm, typ, kid)),
        signing,
        verifying: verifying.ok_or_else(unusable)?,
    })
}
