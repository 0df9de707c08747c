//! `private_key_jwt`: an assertion that the client signs with its private key (OpenID Connect Core section 9, RFC 7523).

use latchkey_api::registry::v1::Client;

use super::assertion::{UnverifiedAssertion, fault};
use super::public_key::{PublicKey, is_asymmetric};
use super::{Attempt, Authenticator, Denial, Proof};

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-jwt";

/// A client's public keys.
pub(super) struct ClientJwt(Vec<PublicKey>);

impl ClientJwt {
    pub(super) fn of(client: &Client) -> Self {
        Self(PublicKey::of_client(&client.attributes))
    }

    /// A key is asked by its id if the assertion names one, and only for its own algorithm if it has one.
    fn verify(&self, assertion: &UnverifiedAssertion<'_>, algorithm: &str) -> Result<(), Denial> {
        let kid = assertion.header.kid.as_deref();
        let mut candidates = self.0.iter().filter(|key| {
            (kid.is_none() || key.kid.as_deref() == kid)
                && key.algorithm.as_deref().is_none_or(|only| only == algorithm)
        });
        let Some(first) = candidates.next() else { return Err(fault("Unable to load public key")) };
        let verified = std::iter::once(first)
            .chain(candidates)
            .any(|key| key.verifies(algorithm, assertion.signed.as_bytes(), &assertion.signature));
        if verified { Ok(()) } else { Err(failed("Signature on JWT token failed validation")) }
    }
}

impl Authenticator for ClientJwt {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let Attempt { client, presented, now_ms, .. } = *attempt;
        let assertion = UnverifiedAssertion::read(presented, failed)?;
        assertion.check_client(client, presented)?;
        let algorithm = assertion.algorithm(client, is_asymmetric)?;
        self.verify(&assertion, algorithm)?;
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
