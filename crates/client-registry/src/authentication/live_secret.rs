//! A secret of a client in memory: as what it is compared or used, until when it counts, and its uses.

use std::sync::Arc;

use crate::secret_uses::{SecretUse, SecretUses};
use crate::store::client_secrets::{Of, SecretKey, StoredSecret};

/// One that is kept as `T`.
pub(super) struct LiveSecret<T> {
    pub(super) kept: T,
    expires_ms: Option<i64>,
    uses: SecretUse,
}

impl<T> LiveSecret<T> {
    pub(super) fn new(of: Of<'_>, stored: &StoredSecret, kept: T, uses: &Arc<SecretUses>) -> Self {
        let uses = SecretUse::new(SecretKey::new(of, &stored.id), stored.last_used_ms, uses);
        Self { kept, expires_ms: stored.expires_ms, uses }
    }

    /// Whether it counts still.
    pub(super) fn is_live(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|end| end > now_ms)
    }

    /// Notes that it was used.
    pub(super) fn note_use(&self, now_ms: i64) {
        self.uses.note(now_ms);
    }

    /// About how many bytes it takes, without those that `kept` has elsewhere.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.uses.weight()
    }
}
