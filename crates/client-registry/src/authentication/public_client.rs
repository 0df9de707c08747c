//! A public client only names itself (RFC 6749 section 2.1); a secret that comes with it is not looked at.

use super::{Attempt, Authenticator, Denial, Proof};

/// Whoever names the client.
pub(super) struct PublicClient;

impl Authenticator for PublicClient {
    fn authenticate(&self, _attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        Ok(Proof { method: "none".into(), assertion: None })
    }

    fn weight(&self) -> usize {
        0
    }
}
