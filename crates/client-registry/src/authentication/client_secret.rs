//! A secret that client and server share (RFC 6749 section 2.3.1).

use latchkey_api::registry::v1::{Client, refusal::Reason};
use latchkey_platform::database::Queries;

use super::live_secret::LiveSecret;
use super::{Attempt, Authenticator, Denial, Preparation, Proof};
use crate::error::Error;
use crate::store::client_secrets::{self, Of};
use crate::verifier::Verifier;

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "client-secret";

/// The verifiers of a client's secrets.
pub(super) struct ClientSecret(Vec<LiveSecret<Verifier>>);

impl ClientSecret {
    pub(super) async fn load(
        db: &mut impl Queries,
        with: &Preparation<'_>,
        client: &Client,
    ) -> Result<Self, Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        let live = client_secrets::live(db, of, with.now_ms).await?;
        let kept = live.into_iter().filter_map(|mut secret| {
            let verifier = secret.verifier.take()?;
            Some(LiveSecret::new(of, &secret, verifier, with.uses))
        });
        Ok(Self(kept.collect()))
    }
}

impl Authenticator for ClientSecret {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let secret = attempt.presented.client_secret.as_deref().unwrap_or_default();
        let presented = attempt.realm.verifier_key.verifier(&attempt.client.id, secret);
        let mut proven = None;
        // All of them each time: how long it takes does not tell which one it was.
        for known in &self.0 {
            if known.kept.is_same(&presented) & known.is_live(attempt.now_ms) {
                proven = Some(known);
            }
        }
        if let Some(known) = proven.filter(|_| !secret.is_empty()) {
            known.note_use(attempt.now_ms);
            Ok(Proof { method: TYPE.into(), assertion: None })
        } else {
            Err(Reason::InvalidCredentials.into())
        }
    }

    fn weight(&self) -> usize {
        self.0.iter().map(LiveSecret::weight).sum()
    }
}
