//! A secret that client and server share (RFC 6749 section 2.3.1).

use latchkey_api::registry::v1::{Client, refusal::Reason};
use latchkey_platform::database::Queries;

use super::{Attempt, Authenticator, Denial, Proof};
use crate::error::Error;
use crate::store::client_secrets::{self, Of};
use crate::verifier::Verifier;

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-secret";

/// The verifiers of a client's secrets.
pub(super) struct ClientSecret(Vec<Ending>);

struct Ending {
    verifier: Verifier,
    expires_ms: Option<i64>,
}

impl ClientSecret {
    pub(super) async fn load(db: &mut impl Queries, client: &Client, now_ms: i64) -> Result<Self, Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        let live = client_secrets::live(db, of, now_ms).await?;
        let endings = live
            .into_iter()
            .filter_map(|secret| Some(Ending { verifier: secret.verifier?, expires_ms: secret.expires_ms }));
        Ok(Self(endings.collect()))
    }
}

impl Authenticator for ClientSecret {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let secret = attempt.presented.client_secret.as_deref().unwrap_or_default();
        let presented = attempt.realm.verifier_key.verifier(&attempt.client.id, secret);
        let mut proven = false;
        // All of them each time: how long it takes does not tell which one it was.
        for Ending { verifier, expires_ms } in &self.0 {
            let live = expires_ms.is_none_or(|end| end > attempt.now_ms);
            proven |= verifier.is_same(&presented) & live;
        }
        if proven && !secret.is_empty() {
            Ok(Proof { method: TYPE.into(), assertion: None })
        } else {
            Err(Reason::InvalidCredentials.into())
        }
    }

    fn weight(&self) -> usize {
        self.0.len() * size_of::<Ending>()
    }
}
