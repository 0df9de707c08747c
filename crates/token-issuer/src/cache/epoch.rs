//! Epochs: counters that every write moves on. What was read carries the counter from *before* the reading, and is good only
//! as long as the counter still stands there. So keys that were read while somebody wrote can be cached without harm.
//!
//! The counters are striped by hash: their number is fixed, and two realms on one stripe only cost each other a reload.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const STRIPES: usize = 8192;

/// The counters of one process.
pub(crate) struct Epochs {
    stripes: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// A counter as it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    stripe: usize,
    count: u64,
}

impl Default for Epochs {
    fn default() -> Self {
        let stripes = std::iter::repeat_with(|| AtomicU64::new(0)).take(STRIPES).collect();
        Self { stripes, hasher: RandomState::new() }
    }
}

impl Epochs {
    /// A realm's counter now: ask before reading.
    pub(crate) fn now(&self, realm_id: &str) -> Epoch {
        let stripe = self.stripe(realm_id);
        Epoch { stripe, count: self.stripes[stripe].load(Ordering::Acquire) }
    }

    /// Whether nothing has been written since.
    pub(crate) fn is_current(&self, epoch: Epoch) -> bool {
        self.stripes[epoch.stripe].load(Ordering::Acquire) == epoch.count
    }

    /// Moves a realm's counter on: call after the commit.
    pub(crate) fn advance(&self, realm_id: &str) {
        self.stripes[self.stripe(realm_id)].fetch_add(1, Ordering::AcqRel);
    }

    fn stripe(&self, realm_id: &str) -> usize {
        usize::try_from(self.hasher.hash_one(realm_id) % STRIPES as u64).expect("the remainder is small")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_with_the_next_write() {
        let epochs = Epochs::default();
        let before = epochs.now("r");
        assert!(epochs.is_current(before));
        epochs.advance("r");
        assert!(!epochs.is_current(before));
        assert!(epochs.is_current(epochs.now("r")));
    }
}
