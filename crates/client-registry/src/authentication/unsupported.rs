//! A way to authenticate that we do not have: kept for tools that read it back, and nobody passes by it.

use latchkey_api::registry::v1::refusal::Reason;

use super::{Attempt, Authenticator, Denial, Proof};

/// Refuses.
pub(super) struct Unsupported;

impl Authenticator for Unsupported {
    fn authenticate(&self, _attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        Err(Reason::ClientNotFound.into())
    }

    fn weight(&self) -> usize {
        0
    }
}
