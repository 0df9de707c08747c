//! `private_key_jwt`: an assertion that the client signs with its private key (OpenID Connect Core section 9, RFC 7523).

use latchkey_api::registry::v1::{AssertionId, AuthenticateRequest, Client};

use super::assertion::{UnverifiedAssertion, fault};
use super::{Attempt, Authenticator, Denial, Proof};
use crate::public_key::{PublicKey, Unverified, is_asymmetric};
use crate::remote_keys::Location;

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-jwt";

/// A client's public keys.
pub(crate) struct ClientJwt {
    keys: Vec<PublicKey>,
    /// Where it publishes them instead.
    published: Option<Location>,
}

impl ClientJwt {
    pub(crate) fn of(client: &Client) -> Self {
        Self {
            keys: PublicKey::of_client(&client.attributes),
            published: PublicKey::published_by_client(&client.attributes),
        }
    }

    /// Whether the client has signed what is presented, for us and now; `published` are its keys if it publishes them.
    pub(crate) fn verify(
        &self,
        client: &Client,
        presented: &AuthenticateRequest,
        published: Option<&[PublicKey]>,
        now_s: i64,
    ) -> Result<AssertionId, Denial> {
        let assertion = UnverifiedAssertion::read(presented, failed)?;
        assertion.check_client(client, presented)?;
        let algorithm = assertion.algorithm(client, is_asymmetric)?;
        let keys = published.unwrap_or(&self.keys);
        assertion.verify(keys, algorithm).map_err(|unverified| match unverified {
            Unverified::NoKey => fault("Unable to load public key"),
            Unverified::Failed => failed("Signature on JWT token failed validation"),
        })?;
        assertion.check_use(client, &presented.assertion_audiences, now_s)
    }
}

impl Authenticator for ClientJwt {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let Attempt { client, presented, with, now_ms, .. } = *attempt;
        let published = with.published_keys.map(|keys| keys.as_slice());
        let id = self.verify(client, presented, published, now_ms.div_euclid(1000))?;
        Ok(Proof { method: TYPE.into(), assertion: Some(id) })
    }

    fn takes_assertions(&self) -> bool {
        true
    }

    fn published_keys(&self) -> Option<&Location> {
        self.published.as_ref()
    }

    fn weight(&self) -> usize {
        self.keys.iter().map(PublicKey::weight).sum()
    }
}

fn failed(cause: &str) -> Denial {
    fault(format!("Client authentication with signed JWT failed: {cause}"))
}
