//! Tokens whose signature has been verified, by their SHA-256: whoever asks again soon need not pay for the arithmetic.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use latchkey_api::issuer::v1::VerifiedToken;
use latchkey_platform::cache::Bounded;

/// A token that was verified, whatever its time.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    pub(crate) token: VerifiedToken,
    /// Seconds since the epoch; 0 for none.
    pub(crate) not_before_s: i64,
}

type Digest = [u8; 32];

/// The cache. An entry counts for the generation of keys that verified it: with a key changed, none of its realm's does.
pub(crate) struct VerifiedCache {
    entries: Bounded<(u64, Digest), Arc<Verified>>,
}

impl VerifiedCache {
    /// A cache that takes up to about `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { entries: Bounded::new(bytes) }
    }

    pub(crate) fn key(generation: u64, token: &str) -> (u64, Digest) {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        (generation, bytes)
    }

    pub(crate) fn get(&self, key: &(u64, Digest)) -> Option<Arc<Verified>> {
        self.entries.get(key)
    }

    pub(crate) fn put(&self, key: (u64, Digest), verified: Arc<Verified>) {
        let weight = size_of::<Verified>() + verified.token.claims.len();
        self.entries.insert(key, verified, weight);
    }
}
