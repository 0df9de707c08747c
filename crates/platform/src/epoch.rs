//! Epochs: counters that every write moves on. What was read carries the counter from *before* the reading, and is good only
//! as long as the counter still stands there. So a value that was read while somebody wrote can be cached without harm.
//!
//! The counters are striped by hash: their number is fixed, and two things on one stripe only cost each other a reload.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const STRIPES: usize = 8192;

/// The counters of one process. What they count writes of is the caller's: any key that can be hashed.
pub struct Epochs {
    stripes: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// A counter as it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    stripe: u32,
    count: u64,
}

impl Default for Epochs {
    fn default() -> Self {
        let stripes = std::iter::repeat_with(|| AtomicU64::new(0)).take(STRIPES).collect();
        Self { stripes, hasher: RandomState::new() }
    }
}

impl Epochs {
    /// The counter of a key now: ask before reading.
    #[must_use]
    pub fn now(&self, of: impl Hash) -> Epoch {
        let stripe = self.stripe(of);
        let count = self.stripes[stripe as usize].load(Ordering::Acquire);
        Epoch { stripe, count }
    }

    /// Whether nothing has been written since.
    #[must_use]
    pub fn is_current(&self, epoch: Epoch) -> bool {
        self.stripes[epoch.stripe as usize].load(Ordering::Acquire) == epoch.count
    }

    /// Moves the counter on: call after the commit.
    pub fn advance(&self, of: impl Hash) {
        self.stripes[self.stripe(of) as usize].fetch_add(1, Ordering::AcqRel);
    }

    fn stripe(&self, of: impl Hash) -> u32 {
        u32::try_from(self.hasher.hash_one(of) % STRIPES as u64).expect("the remainder is small")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_with_the_next_write() {
        let epochs = Epochs::default();
        let (realm, account) = (epochs.now("r"), epochs.now(("r", "u")));
        assert!(epochs.is_current(realm) && epochs.is_current(account));
        epochs.advance("r");
        assert!(!epochs.is_current(realm));
        assert_eq!(realm.stripe == account.stripe, !epochs.is_current(account));
        assert!(epochs.is_current(epochs.now("r")));
    }
}
