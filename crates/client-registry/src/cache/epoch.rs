//! Epochs: counters that every write moves on. What was read carries the counter from *before* the reading, and is good only
//! as long as the counter still stands there. So a value that was read while somebody wrote can be cached without harm.
//!
//! The counters are striped by hash: their number is fixed, and two things on one stripe only cost each other a reload.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const STRIPES: usize = 8192;

/// The counters of one process.
pub(crate) struct Epochs {
    stripes: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// What a value was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of<'a> {
    /// A realm, by its id.
    Realm(&'a str),
    /// A realm, by its name.
    RealmName(&'a str),
    /// All clients of a realm, by its id: they come and go with it.
    AllClients(&'a str),
    /// A client, by its realm's id and its client_id.
    Client(&'a str, &'a str),
}

/// A counter as it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
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
    /// The counter now: ask before reading.
    pub(crate) fn now(&self, of: Of<'_>) -> Epoch {
        let stripe = self.stripe(of);
        let count = self.stripes[stripe as usize].load(Ordering::Acquire);
        Epoch { stripe, count }
    }

    /// Whether nothing has been written since.
    pub(crate) fn is_current(&self, epoch: Epoch) -> bool {
        self.stripes[epoch.stripe as usize].load(Ordering::Acquire) == epoch.count
    }

    /// Moves the counter on: call after the commit.
    pub(crate) fn advance(&self, of: Of<'_>) {
        self.stripes[self.stripe(of) as usize].fetch_add(1, Ordering::AcqRel);
    }

    fn stripe(&self, of: Of<'_>) -> u32 {
        u32::try_from(self.hasher.hash_one(of) % STRIPES as u64).expect("the remainder is small")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_with_the_next_write() {
        let epochs = Epochs::default();
        let (realm, client) = (epochs.now(Of::Realm("r")), epochs.now(Of::Client("r", "c")));
        assert!(epochs.is_current(realm) && epochs.is_current(client));
        epochs.advance(Of::Realm("r"));
        assert!(!epochs.is_current(realm));
        assert_eq!(realm.stripe == client.stripe, !epochs.is_current(client));
        assert!(epochs.is_current(epochs.now(Of::Realm("r"))));
    }
}
