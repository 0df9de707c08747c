//! The keys that an assertion is to be verified with: of its issuer, or of the client that signed it.

use latchkey_api::registry::v1::AuthenticateRequest;

use crate::authentication::assertion::UnverifiedAssertion;
use crate::cache::known_clients::KnownClient;
use crate::client_certificate::ClientCertificate;
use crate::public_key::PublicKey;
use crate::remote_keys::{Fault, FetchedKeys, Wanted};
use crate::service::RegistryService;
use crate::trusted_issuer::{KeySource, TrustedIssuer};

/// Keys, wherever they are.
pub(crate) enum Keys<'a> {
    /// In the configuration.
    Fixed(&'a [PublicKey]),
    Fetched(FetchedKeys),
}

impl Keys<'_> {
    pub(crate) fn as_slice(&self) -> &[PublicKey] {
        match self {
            Self::Fixed(keys) => keys,
            Self::Fetched(keys) => keys,
        }
    }
}

impl RegistryService {
    /// The keys of an issuer, among which should be the one that its assertion names. None where nothing says where they are.
    pub(crate) async fn keys_of<'a>(
        &self,
        realm_id: &str,
        issuer: &'a TrustedIssuer,
        assertion: &UnverifiedAssertion<'_>,
    ) -> Result<Keys<'a>, Fault> {
        match &issuer.keys {
            KeySource::Unknown => Ok(Keys::Fixed(&[])),
            KeySource::Fixed(keys) => Ok(Keys::Fixed(keys)),
            KeySource::Remote(location) => {
                let kid = assertion.header.kid.as_deref();
                self.remote_keys.get(realm_id, location, Wanted::Named(kid)).await.map(Keys::Fetched)
            }
        }
    }

    /// The keys that a client publishes, if it does. Why they cannot be had is in the log: the client is told no more than of a key that
    /// is not among them.
    pub(crate) async fn published_keys(
        &self,
        known: &KnownClient,
        presented: &AuthenticateRequest,
    ) -> Option<FetchedKeys> {
        let location = known.authenticator.published_keys().filter(|_| known.client.enabled)?;
        let realm_id = &known.client.realm_id;
        if !known.authenticator.takes_assertions() {
            let certificate = ClientCertificate::read(presented.client_certificate.as_deref()?)?;
            let key = certificate.public_key()?;
            return self.remote_keys.get(realm_id, location, Wanted::Same(&key)).await.ok();
        }
        let assertion = UnverifiedAssertion::parse(presented.client_assertion.as_deref()?)?;
        // Only for what claims to be this client's: its server is not to be asked on behalf of others.
        if assertion.subject() != Some(&known.client.client_id) {
            return None;
        }
        let kid = assertion.header.kid.as_deref();
        self.remote_keys.get(realm_id, location, Wanted::Named(kid)).await.ok()
    }
}
