//! `private_key_jwt`: an assertion that the client signs with its private key (OpenID Connect Core section 9, RFC 7523).

use latchkey_api::registry::v1::Client;

use super::assertion::{UnverifiedAssertion, fault};
use super::{Attempt, Authenticator, Denial, Proof};
use crate::public_key::{PublicKey, Unverified, is_asymmetric};

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-jwt";

/// A client's public keys.
pub(super) struct ClientJwt(Vec<PublicKey>);

impl ClientJwt {
    pub(super) fn of(client: &Client) -> Self {
        Self(PublicKey::of_client(&client.attributes))
    }
}

impl Authenticator for ClientJwt {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let Attempt { client, presented, now_ms, .. } = *attempt;
        let assertion = UnverifiedAssertion::read(presented, failed)?;
        assertion.check_client(client, presented)?;
        let algorithm = assertion.algorithm(client, is_asymmetric)?;
        assertion.verify(&self.0, algorithm).map_err(|unverified| match unverified {
            Unverified::NoKey => fault("Unable to load public key"),
            Unverified::Failed => failed("Signature on JWT token failed validation"),
        })?;
        let id = assertion.check_use(client, &presented.assertion_audiences, now_ms.div_euclid(1000))?;
        Ok(Proof { method: TYPE, assertion: Some(id) })
    }

    fn takes_assertions(&self) -> bool {
        true
    }

    fn weight(&self) -> usize {
        self.0.iter().map(PublicKey::weight).sum()
    }
}

fn failed(cause: &str) -> Denial {
    fault(format!("Client authentication with signed JWT failed: {cause}"))
}
