//! What the SQLite store keeps in memory so that a check asks no database. Only the writer changes it, after its commit.

use crate::{digest::digest, record::Record, session_id::SessionId};
use latchkey_platform::cache::Bounded;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// How many revoked ids are held at most: 100,000 take about 5 MB.
const MAX_REVOKED: usize = 100_000;

/// What a session in memory takes (bytes), about.
const SESSION: usize = 800;

/// Sessions used lately, and all revoked ids as long as there aren't too many.
pub(super) struct Memory {
    sessions: Bounded<SessionId, Arc<Record>>,
    revoked: RwLock<Revoked>,
}

/// Revoked ids by their digest, with their expiry.
#[derive(Default)]
struct Revoked {
    until: HashMap<u128, i64>,
    /// Some were left out: what isn't here may be in the database.
    overflowed: bool,
}

impl Memory {
    pub(super) fn new(max_sessions: u64) -> Self {
        let sessions = Bounded::new(max_sessions.saturating_mul(SESSION as u64));
        Self { sessions, revoked: RwLock::default() }
    }

    /// A session as committed. `None`: not in memory.
    pub(super) fn session(&self, realm_id: &str, id: SessionId) -> Option<Arc<Record>> {
        self.sessions.get(&id).filter(|record| record.session.realm_id == realm_id)
    }

    pub(super) fn keep(&self, record: Arc<Record>) {
        self.sessions.insert(record.id, record, SESSION);
    }

    pub(super) fn forget(&self, id: SessionId) {
        self.sessions.remove(&id);
    }

    /// Whether an id is revoked at `now_ms`. `None`: the database must say.
    pub(super) fn is_revoked(&self, realm_id: &str, jti: &str, now_ms: i64) -> Option<bool> {
        let revoked = self.revoked.read();
        if revoked.until.is_empty() && !revoked.overflowed {
            return Some(false);
        }
        match revoked.until.get(&key(realm_id, jti)) {
            Some(until) => Some(now_ms < *until),
            None if revoked.overflowed => None,
            None => Some(false),
        }
    }

    pub(super) fn revoke(&self, realm_id: &str, jti: &str, expires_ms: i64) {
        let mut revoked = self.revoked.write();
        if revoked.until.len() < MAX_REVOKED {
            revoked.until.insert(key(realm_id, jti), expires_ms);
        } else {
            revoked.overflowed = true;
        }
    }

    /// Drops revoked ids that have expired.
    pub(super) fn expire(&self, now_ms: i64) {
        self.revoked.write().until.retain(|_, until| now_ms < *until);
    }

    /// Whether revoked ids were left out although there is room now, so that they should be read again.
    pub(super) fn wants_revoked(&self) -> bool {
        let revoked = self.revoked.read();
        revoked.overflowed && revoked.until.len() < MAX_REVOKED / 2
    }

    /// Replaces the revoked ids by those of the database.
    pub(super) fn fill_revoked(&self, all: impl Iterator<Item = (String, String, i64)>) {
        *self.revoked.write() = Revoked::default();
        for (realm_id, jti, expires_ms) in all {
            self.revoke(&realm_id, &jti, expires_ms);
        }
    }

    /// How many revoked ids to read at most: one more than fit tells that there are more.
    pub(super) const READ_REVOKED: i64 = MAX_REVOKED as i64 + 1;
}

fn key(realm_id: &str, jti: &str) -> u128 {
    let digest = digest(&[realm_id, jti]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_id_is_known_until_it_expires_and_in_its_realm_alone() {
        let memory = Memory::new(10);
        assert_eq!(memory.is_revoked("a", "x", 0), Some(false));
        memory.revoke("a", "x", 100);
        assert_eq!(memory.is_revoked("a", "x", 99), Some(true));
        assert_eq!(memory.is_revoked("a", "x", 100), Some(false));
        assert_eq!(memory.is_revoked("b", "x", 99), Some(false));
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_database() {
        let memory = Memory::new(10);
        for number in 0..=MAX_REVOKED {
            memory.revoke("a", &number.to_string(), if number < 10 { 1_000 } else { 10 });
        }
        assert_eq!(memory.is_revoked("a", "0", 20), Some(true));
        assert_eq!(memory.is_revoked("a", "never", 20), None);
        memory.expire(20);
        assert!(memory.wants_revoked());
        memory.fill_revoked([("a".to_owned(), "0".to_owned(), 1_000)].into_iter());
        assert_eq!(memory.is_revoked("a", "never", 20), Some(false));
    }
}
