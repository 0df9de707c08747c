//! A TLS client certificate (RFC 8705 section 2). Two kinds of clients prove themselves by one: those whose certificate an authority
//! has signed for a name that the client has registered, and those that have registered the key of a certificate which nobody need
//! have signed. Keycloak has the first kind alone, and of its names the subject.

use std::collections::BTreeMap;

use latchkey_api::registry::v1::{Client, CredentialSource, refusal::Reason};

use super::certificate_names::CertificateNames;
use super::{Attempt, Authenticator, Denial, Proof};
use crate::client_certificate::ClientCertificate;
use crate::public_key::PublicKey;
use crate::remote_keys::Location;

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-x509";
/// A client attribute: the client's certificate is known by its key alone (`self_signed_tls_client_auth`, RFC 8705 section 2.2).
const SELF_SIGNED: &str = "self_signed_tls_client_auth";

/// Which certificates are the client's.
pub(super) enum ClientX509 {
    /// Of an authority, for these names.
    Named(CertificateNames),
    /// Of these keys, whoever signed them.
    Registered {
        keys: Vec<PublicKey>,
        /// Where it publishes them instead.
        published: Option<Location>,
    },
    /// The attributes describe none.
    NoneKnown,
}

impl ClientX509 {
    pub(super) fn of(client: &Client) -> Self {
        let attributes: &BTreeMap<String, String> = &client.attributes;
        if attributes.get(SELF_SIGNED).is_some_and(|value| value == "true") {
            return Self::Registered {
                keys: PublicKey::of_client(attributes),
                published: PublicKey::published_by_client(attributes),
            };
        }
        CertificateNames::of_client(attributes).map_or(Self::NoneKnown, Self::Named)
    }

    fn check(&self, attempt: &Attempt<'_>) -> Result<(), Fault> {
        let presented = attempt.presented;
        let der = presented.client_certificate.as_deref().ok_or(Fault::Missing)?;
        let certificate = ClientCertificate::read(der).ok_or(Fault::Unreadable)?;
        if !certificate.is_valid_at(attempt.now_ms.div_euclid(1000)) {
            return Err(Fault::NotNow);
        }
        match self {
            Self::Named(_) if !presented.client_certificate_trusted => Err(Fault::Untrusted),
            Self::Named(names) if !names.are_of(&certificate) => Err(Fault::AnotherName),
            Self::Registered { keys, .. } => {
                let keys = attempt.with.published_keys.map_or(keys.as_slice(), |keys| keys.as_slice());
                let key = certificate.public_key().ok_or(Fault::Unreadable)?;
                if keys.iter().any(|known| known.is_same(&key)) { Ok(()) } else { Err(Fault::AnotherKey) }
            }
            Self::Named(_) => Ok(()),
            Self::NoneKnown => Err(Fault::NoneKnown),
        }
    }
}

/// Why a certificate does not prove a client: for the log alone.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("there is none")]
    Missing,
    #[error("it cannot be read")]
    Unreadable,
    #[error("its time is over, or has not come")]
    NotNow,
    #[error("no authority vouches for it")]
    Untrusted,
    #[error("it is for another name")]
    AnotherName,
    #[error("its key is none of the client's")]
    AnotherKey,
    #[error("the client's attributes describe none, or cannot be read")]
    NoneKnown,
}

impl Authenticator for ClientX509 {
    /// Who it is not, learns no more than of a client that does not exist.
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        // Keycloak takes the client of a certificate from the form alone, never from Basic.
        if attempt.presented.source() == CredentialSource::Basic {
            return Err(Reason::ClientIdMissing.into());
        }
        let Err(fault) = self.check(attempt) else {
            return Ok(Proof { method: TYPE.into(), assertion: None });
        };
        let (realm_id, client_id) = (&attempt.client.realm_id, &attempt.client.client_id);
        tracing::debug!(realm.id = realm_id, client.id = client_id, %fault, "a certificate proves no client");
        attempt.realm.verifier_key.pretend(attempt.presented.client_secret.as_deref().unwrap_or_default());
        Err(Reason::ClientNotFound.into())
    }

    fn published_keys(&self) -> Option<&Location> {
        match self {
            Self::Registered { published, .. } => published.as_ref(),
            Self::Named(_) | Self::NoneKnown => None,
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Named(names) => names.weight(),
            Self::Registered { keys, .. } => keys.iter().map(PublicKey::weight).sum(),
            Self::NoneKnown => 0,
        }
    }
}
