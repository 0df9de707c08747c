//! `client_secret_jwt`: an assertion with a MAC under the client's secret (OpenID Connect Core section 9, RFC 7523).

use aws_lc_rs::hmac;
use latchkey_api::registry::v1::{Client, refusal::Reason};
use latchkey_platform::database::Queries;
use zeroize::Zeroizing;

use super::assertion::UnverifiedAssertion;
use super::live_secret::LiveSecret;
use super::{Attempt, Authenticator, Denial, Preparation, Proof};
use crate::client_secrets::open;
use crate::error::Error;
use crate::public_key::is_asymmetric;
use crate::store::client_secrets::{self, Of};

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-secret-jwt";

/// A client's secrets: a MAC cannot be checked without them.
pub(super) struct ClientSecretJwt(Vec<LiveSecret<Zeroizing<String>>>);

impl ClientSecretJwt {
    pub(super) async fn load(
        db: &mut impl Queries,
        with: &Preparation<'_>,
        client: &Client,
    ) -> Result<Self, Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        let mut kept = Vec::new();
        for secret in client_secrets::live(db, of, with.now_ms).await? {
            let Some(sealed) = &secret.sealed else { continue };
            let opened = Zeroizing::new(open(with.vault, of, &secret.id, sealed).await?);
            kept.push(LiveSecret::new(of, &secret, opened, with.uses));
        }
        Ok(Self(kept))
    }

    /// The secret that an assertion is signed with.
    fn signer(
        &self,
        algorithm: hmac::Algorithm,
        assertion: &UnverifiedAssertion<'_>,
        now_ms: i64,
    ) -> Option<&LiveSecret<Zeroizing<String>>> {
        let live = self.0.iter().filter(|known| known.is_live(now_ms));
        // All of them each time: how long it takes does not tell which one it was.
        live.fold(None, |proven, known| {
            let key = hmac::Key::new(algorithm, known.kept.as_bytes());
            let verified = hmac::verify(&key, assertion.signed.as_bytes(), &assertion.signature).is_ok();
            if verified { Some(known) } else { proven }
        })
    }
}

impl Authenticator for ClientSecretJwt {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let Attempt { client, presented, now_ms, .. } = *attempt;
        let assertion = UnverifiedAssertion::read(presented, failed)?;
        assertion.check_client(client, presented)?;
        let name = assertion.algorithm(client, |name| mac(name).is_some() || is_asymmetric(name))?;
        // Keycloak's words, with one space for another kind of algorithm and two for another secret.
        let algorithm =
            mac(name).ok_or_else(|| failed("Signature on JWT token by client secret failed validation"))?;
        let signer = self
            .signer(algorithm, &assertion, now_ms)
            .ok_or_else(|| failed("Signature on JWT token by client secret  failed validation"))?;
        let id = assertion.check_use(client, &presented.assertion_audiences, now_ms.div_euclid(1000))?;
        signer.note_use(now_ms);
        Ok(Proof { method: TYPE.into(), assertion: Some(id) })
    }

    fn takes_assertions(&self) -> bool {
        true
    }

    fn weight(&self) -> usize {
        self.0.iter().map(|known| known.weight() + known.kept.len()).sum()
    }
}

fn mac(algorithm: &str) -> Option<hmac::Algorithm> {
    match algorithm {
        "HS256" => Some(hmac::HMAC_SHA256),
        "HS384" => Some(hmac::HMAC_SHA384),
        "HS512" => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn failed(cause: &str) -> Denial {
    Denial {
        reason: Reason::InvalidCredentials,
        detail: format!("Client authentication with client secret signed JWT failed: {cause}"),
    }
}
