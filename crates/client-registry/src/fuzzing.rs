//! What the fuzz targets reach of the insides: keys, assertions, certificates and names as they are read and decided on, without a
//! database. It is no part of the crate's edge, and is built for them alone.

use std::fmt::{self, Display, Formatter};

use latchkey_api::registry::v1::{
    AssertionId, AuthenticateRequest, Client, ClientKey, UploadClientKeyRequest,
};

use crate::authentication::ClientJwt;
use crate::authentication::assertion::{UnverifiedAssertion, Window};
use crate::client_certificate::ClientCertificate;
use crate::client_keys::key_file;
use crate::distinguished_name::DistinguishedName;
use crate::public_key::{self, PublicKey, decoded_pem};

/// Public keys that verify signatures.
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// Those of an RFC 7517 key set, as one is fetched; `None` where it is none.
    #[must_use]
    pub fn of_key_set(json: &[u8]) -> Option<Self> {
        PublicKey::of_key_set(json).map(Self)
    }

    /// Those of a text that an administrator has pasted: a key set, a JWK, a certificate or a bare key.
    #[must_use]
    pub fn of_text(text: &str, kid: Option<&str>) -> Self {
        Self(PublicKey::of_text(text, kid))
    }

    /// The bare key in the answer to an upload, base64 of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn of_info(base64: &str) -> Option<Self> {
        decoded_pem(base64).and_then(|der| PublicKey::of_info(&der)).map(|key| Self(vec![key]))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether a signature is of one of them, with the id and the algorithm that are named.
    #[must_use]
    pub fn verify(&self, named: (Option<&str>, &str), message: &[u8], signature: &[u8]) -> bool {
        public_key::verify(&self.0, named, message, signature).is_ok()
    }

    /// Whether one of them is one of the others.
    #[must_use]
    pub fn meet(&self, others: &Self) -> bool {
        self.0.iter().any(|key| others.0.iter().any(|other| key.is_same(other)))
    }
}

/// The public key in an uploaded file; `None` for one that is refused.
#[must_use]
pub fn uploaded(upload: &UploadClientKeyRequest) -> Option<ClientKey> {
    key_file::read(upload).ok()
}

/// Whether a client authenticates by the assertion that is presented and the keys in its attributes, at a time in seconds since the
/// epoch.
///
/// # Errors
/// The words in which it is refused.
pub fn authenticate_by_assertion(
    client: &Client,
    presented: &AuthenticateRequest,
    now_s: i64,
) -> Result<AssertionId, String> {
    ClientJwt::of(client).verify(client, presented, None, now_s).map_err(|denial| denial.detail)
}

/// For how many seconds an assertion would be taken again at a time in seconds since the epoch; `None` where it is not taken.
#[must_use]
pub fn lifetime_of_assertion(assertion: &str, clock_skew_s: i64, max_age_s: i64, now_s: i64) -> Option<i64> {
    UnverifiedAssertion::parse(assertion)?.check_lifetime(Window { clock_skew_s, max_age_s }, now_s).ok()
}

/// A distinguished name.
#[derive(Debug, PartialEq, Eq)]
pub struct Name(DistinguishedName);

impl Name {
    /// Reads one as text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DistinguishedName::parse(text).map(Self)
    }

    /// The subject of a certificate, DER.
    #[must_use]
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        ClientCertificate::read(der).map(|certificate| Self(certificate.subject()))
    }
}

impl Display for Name {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}
