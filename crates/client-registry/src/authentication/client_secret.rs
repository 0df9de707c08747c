//! A secret that client and server share (RFC 6749 section 2.3.1).

use latchkey_api::registry::v1::{Client, refusal::Reason};
use latchkey_platform::database::Queries;

use super::{Attempt, Authenticator, Denial, Preparation, Proof};
use crate::error::Error;
use crate::secret_uses::SecretUse;
use crate::store::client_secrets::{self, Of, SecretKey};
use crate::verifier::Verifier;

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-secret";

/// The verifiers of a client's secrets.
pub(super) struct ClientSecret(Vec<Ending>);

struct Ending {
    verifier: Verifier,
    expires_ms: Option<i64>,
    uses: SecretUse,
}

impl ClientSecret {
    pub(super) async fn load(
        db: &mut impl Queries,
        with: &Preparation<'_>,
        client: &Client,
    ) -> Result<Self, Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        let live = client_secrets::live(db, of, with.now_ms).await?;
        let endings = live.into_iter().filter_map(|secret| {
            let uses = SecretUse::new(SecretKey::new(of, &secret.id), secret.last_used_ms, with.uses);
            Some(Ending { verifier: secret.verifier?, expires_ms: secret.expires_ms, uses })
        });
        Ok(Self(endings.collect()))
    }
}

impl Authenticator for ClientSecret {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let secret = attempt.presented.client_secret.as_deref().unwrap_or_default();
        let presented = attempt.realm.verifier_key.verifier(&attempt.client.id, secret);
        let mut proven = None;
        // All of them each time: how long it takes does not tell which one it was.
        for Ending { verifier, expires_ms, uses } in &self.0 {
            let live = expires_ms.is_none_or(|end| end > attempt.now_ms);
            if verifier.is_same(&presented) & live {
                proven = Some(uses);
            }
        }
        if let Some(uses) = proven.filter(|_| !secret.is_empty()) {
            uses.note(attempt.now_ms);
            Ok(Proof { method: TYPE.into(), assertion: None })
        } else {
            Err(Reason::InvalidCredentials.into())
        }
    }

    fn weight(&self) -> usize {
        self.0.iter().map(|ending| size_of::<Ending>() + ending.uses.weight()).sum()
    }
}
