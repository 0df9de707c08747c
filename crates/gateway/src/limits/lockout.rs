//! Lockout: whoever presents wrong secrets for a client again and again has to wait, each time longer.
//!
//! It is kept by realm, client and address, so nobody can lock a client out from elsewhere. IPv6 addresses count by their network
//! of 64 bits, in which one host can have any. Behind a proxy all have its address, unless it is a trusted one.
//!
//! Failures are few. While there are none, nobody pays for them.

use super::{Limited, metrics::Refusals, settings::Rules};
use latchkey_api::registry::v1::Realm;
use latchkey_platform::{cache::Bounded, clock::SharedClock};
use parking_lot::Mutex;
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// Clients and addresses whose failures are kept.
const GUESSERS: u64 = 100_000;
/// What one of them takes (bytes), about.
const GUESSER: usize = 300;
/// After so long without a failure they are forgotten.
const FORGOTTEN_MS: i64 = 30 * 60 * 1000;
/// The first wait; it doubles with each further failure.
const FIRST_WAIT_MS: i64 = 1000;
const LONGEST_WAIT_MS: i64 = 15 * 60 * 1000;

/// A secret that is presented for a client.
#[derive(Clone, Copy)]
pub(crate) struct Guess<'a> {
    /// The realm's name, as in the path: its id is not known before the answer.
    pub(crate) realm: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) address: IpAddr,
}

/// Who has failed lately.
pub(crate) struct Lockout {
    clock: SharedClock,
    hasher: RandomState,
    guessers: Bounded<u64, Arc<Mutex<Failures>>>,
    /// Until when there may be somebody to look for, milliseconds since the epoch; 0 at the start.
    wary_until_ms: AtomicI64,
    /// Of realms that say nothing.
    threshold: u32,
    refusals: Refusals,
}

#[derive(Default)]
struct Failures {
    count: u32,
    last_ms: i64,
    locked_until_ms: i64,
    /// Whether nobody is locked out, and only counted.
    observes: bool,
}

impl Lockout {
    pub(super) fn new(clock: SharedClock, refusals: Refusals, threshold: u32) -> Self {
        Self {
            clock,
            hasher: RandomState::new(),
            guessers: Bounded::new(GUESSERS * GUESSER as u64),
            wary_until_ms: AtomicI64::new(0),
            threshold,
            refusals,
        }
    }

    /// Whether a secret may be presented now.
    ///
    /// # Errors
    /// [`Limited`] where the address has to wait; then no secret is looked at, be it right or wrong.
    pub(crate) fn check(&self, guess: Guess<'_>) -> Result<(), Limited> {
        let Some((now_ms, failures)) = self.find(guess) else { return Ok(()) };
        let failures = failures.lock();
        let wait_ms = failures.locked_until_ms - now_ms;
        if wait_ms <= 0 {
            return Ok(());
        }
        self.refusals.count("lockout", "client", failures.observes);
        if failures.observes { Ok(()) } else { Err(Limited::for_ms(wait_ms)) }
    }

    /// Notes a wrong secret.
    pub(crate) fn failed(&self, guess: Guess<'_>, realm: &Realm) {
        let rules = Rules::of(&realm.attributes).unwrap_or_default();
        let threshold = rules.lockout_failures.unwrap_or(self.threshold);
        if threshold == 0 {
            return;
        }
        let now_ms = self.clock.now_ms();
        self.wary_until_ms.fetch_max(now_ms.saturating_add(FORGOTTEN_MS), Ordering::Relaxed);
        let failures = self.guessers.get_or_insert_with(&self.key(guess), GUESSER, Arc::default);
        let mut failures = failures.lock();
        if now_ms - failures.last_ms >= FORGOTTEN_MS {
            failures.count = 0;
        }
        failures.last_ms = now_ms;
        failures.count = failures.count.saturating_add(1);
        failures.observes = rules.observes;
        if let Some(further) = failures.count.checked_sub(threshold) {
            let wait_ms = FIRST_WAIT_MS.checked_shl(further.min(20)).unwrap_or(LONGEST_WAIT_MS);
            let wait_ms = wait_ms.min(LONGEST_WAIT_MS);
            failures.locked_until_ms = now_ms.saturating_add(wait_ms);
            tracing::warn!(
                realm.id = realm.id, client.id = guess.client_id, address = %guess.address, failures = failures.count,
                wait_ms, observed = rules.observes, "a client's address is locked out after wrong secrets"
            );
        }
    }

    /// Forgets the failures before a right secret.
    pub(crate) fn succeeded(&self, guess: Guess<'_>) {
        if self.find(guess).is_some() {
            self.guessers.remove(&self.key(guess));
        }
    }

    /// The time, and the failures of whoever presents a secret; `None` where there are none.
    fn find(&self, guess: Guess<'_>) -> Option<(i64, Arc<Mutex<Failures>>)> {
        let wary_until_ms = self.wary_until_ms.load(Ordering::Relaxed);
        if wary_until_ms == 0 {
            return None;
        }
        let now_ms = self.clock.now_ms();
        if now_ms >= wary_until_ms {
            return None;
        }
        Some((now_ms, self.guessers.get(&self.key(guess))?))
    }

    fn key(&self, guess: Guess<'_>) -> u64 {
        self.hasher.hash_one((guess.realm, guess.client_id, network(guess.address)))
    }
}

/// What of an address tells one host from another.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_platform::clock::ManualClock;

    fn lockout(threshold: u32) -> (Lockout, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at_ms(1_000_000));
        (Lockout::new(clock.clone(), Refusals::new(), threshold), clock)
    }

    fn from(address: &str) -> Guess<'static> {
        Guess { realm: "r", client_id: "billing", address: address.parse().unwrap() }
    }

    fn wait(lockout: &Lockout, guess: Guess<'_>) -> u64 {
        lockout.check(guess).map_or_else(|limited| limited.retry_after_s, |()| 0)
    }

    #[test]
    fn the_wait_doubles_with_each_failure_and_ends_with_a_success() {
        let (lockout, clock) = lockout(3);
        let (guess, realm) = (from("10.0.0.1"), Realm::default());
        for expected in [0, 0, 1, 2, 4, 8] {
            lockout.failed(guess, &realm);
            assert_eq!(wait(&lockout, guess), expected);
            clock.advance_s(i64::try_from(expected).unwrap());
            assert_eq!(wait(&lockout, guess), 0);
        }
        lockout.succeeded(guess);
        lockout.failed(guess, &realm);
        assert_eq!(wait(&lockout, guess), 0);
        for _ in 0..40 {
            lockout.failed(guess, &realm);
        }
        assert_eq!(wait(&lockout, guess), 900);
    }

    #[test]
    fn nobody_is_locked_out_from_elsewhere() {
        let (lockout, _clock) = lockout(1);
        lockout.failed(from("10.0.0.1"), &Realm::default());
        assert_eq!(wait(&lockout, from("10.0.0.1")), 1);
        assert_eq!(wait(&lockout, from("::ffff:10.0.0.1")), 1);
        for guess in [
            from("10.0.0.2"),
            Guess { client_id: "orders", ..from("10.0.0.1") },
            Guess { realm: "s", ..from("10.0.0.1") },
        ] {
            assert_eq!(wait(&lockout, guess), 0);
        }
        lockout.failed(from("2001:db8::1"), &Realm::default());
        assert_eq!(wait(&lockout, from("2001:db8::ffff:2")), 1);
        assert_eq!(wait(&lockout, from("2001:db8:0:1::1")), 0);
    }

    #[test]
    fn a_realm_chooses_its_own_number_or_none_or_only_observes() {
        let realm = |name: &str, value: &str| Realm {
            attributes: [(name.to_owned(), value.to_owned())].into(),
            ..Realm::default()
        };
        let (off, _clock) = lockout(0);
        let guess = from("10.0.0.1");
        off.failed(guess, &Realm::default());
        assert_eq!(wait(&off, guess), 0);
        off.failed(guess, &realm("latchkey.lockout.failures", "1"));
        assert_eq!(wait(&off, guess), 1);
        let (on, _clock) = lockout(1);
        on.failed(guess, &realm("latchkey.lockout.failures", "0"));
        on.failed(guess, &realm("latchkey.limits.mode", "observe"));
        assert_eq!(wait(&on, guess), 0);
    }
}
