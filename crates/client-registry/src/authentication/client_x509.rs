//! A TLS client certificate (RFC 8705). Certificates do not reach us yet, so nobody is authenticated by one.

use latchkey_api::registry::v1::{CredentialSource, refusal::Reason};

use super::{Attempt, Authenticator, Denial, Proof};

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-x509";

/// Refuses.
pub(super) struct ClientX509;

impl Authenticator for ClientX509 {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        // Keycloak takes the client of a certificate from the form alone, never from Basic.
        Err(match attempt.presented.source() {
            CredentialSource::Basic => Reason::ClientIdMissing.into(),
            _ => Reason::ClientNotFound.into(),
        })
    }

    fn weight(&self) -> usize {
        0
    }
}
