//! Limits: how many requests and tokens a realm and a client may have, and what becomes of somebody who guesses secrets.
//!
//! They are attributes of realms and clients (`settings`), decided here, by each gateway for itself: with several gateways behind a
//! balancer each of them lets the whole limit through. What they count is bounded in memory, and is lost with the process.
//!
//! A realm without limits pays for the question whether it has any, and nothing else: no lock, no call, no allocation.

mod bucket;
mod daily;
mod lockout;
mod metrics;
mod settings;

pub(crate) use lockout::{Guess, Lockout};
pub(crate) use settings::{check, is_limit};

use bucket::Bucket;
use daily::Daily;
use latchkey_api::registry::v1::{Client, Realm};
use latchkey_platform::{cache::Bounded, clock::SharedClock};
use metrics::Refusals;
use settings::Rules;
use std::{collections::hash_map::RandomState, hash::BuildHasher as _, sync::Arc};

/// Realms and clients whose use is kept. Whoever is pushed out begins anew.
const HOLDERS: u64 = 100_000;
/// What one of them takes (bytes), about.
const USAGE: usize = 300;

/// Refused for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limited {
    /// Seconds after which it is worth asking again; at least 1.
    pub(crate) retry_after_s: u64,
}

impl Limited {
    fn for_ms(milliseconds: i64) -> Self {
        Self { retry_after_s: u64::try_from(milliseconds).unwrap_or(0).div_ceil(1000).max(1) }
    }
}

/// What the realms and clients with limits have used, and who has guessed secrets.
pub struct Limits {
    clock: SharedClock,
    hasher: RandomState,
    used: Bounded<u64, Arc<Usage>>,
    refusals: Refusals,
    pub(crate) lockout: Lockout,
}

/// What one realm or one client has used.
#[derive(Default)]
struct Usage {
    requests: Bucket,
    tokens: Daily,
}

/// Tokens that were counted before they are given out.
#[must_use = "what is not given out is given back"]
#[derive(Default)]
pub(crate) struct Counted(Vec<Arc<Usage>>);

impl Counted {
    /// Gives back what was counted for a token that was not given out.
    pub(crate) fn give_back(self) {
        for usage in self.0 {
            usage.tokens.give_back();
        }
    }
}

impl Limits {
    /// Nothing used yet. `lockout_failures`: wrong secrets after which realms that don't say otherwise lock out; 0 for never.
    pub(crate) fn new(clock: SharedClock, lockout_failures: u32) -> Self {
        let refusals = Refusals::new();
        Self {
            lockout: Lockout::new(clock.clone(), refusals.clone(), lockout_failures),
            clock,
            hasher: RandomState::new(),
            used: Bounded::new(HOLDERS * USAGE as u64),
            refusals,
        }
    }

    /// Counts a request of an authenticated client.
    ///
    /// # Errors
    /// [`Limited`] when the client or its realm asks more often than it may.
    pub(crate) fn admit(&self, realm: &Realm, client: &Client) -> Result<(), Limited> {
        for (rules, id, scope) in Self::holders(realm, client).into_iter().flatten() {
            let Some(rate) = rules.rate else { continue };
            let now_ms = self.clock.now_ms();
            if let Err(wait_ms) = self.usage(&realm.id, id).requests.take(now_ms, rate) {
                self.refusals.count("rate", scope, rules.observes);
                if !rules.observes {
                    return Err(Limited::for_ms(wait_ms));
                }
            }
        }
        Ok(())
    }

    /// Counts a token that a client is about to get.
    ///
    /// # Errors
    /// [`Limited`] when the client or its realm has had its tokens of the day (UTC).
    pub(crate) fn count_token(&self, realm: &Realm, client: &Client) -> Result<Counted, Limited> {
        let mut counted = Counted::default();
        for (rules, id, scope) in Self::holders(realm, client).into_iter().flatten() {
            let Some(per_day) = rules.tokens_per_day else { continue };
            let usage = self.usage(&realm.id, id);
            match usage.tokens.take(self.clock.now_ms(), per_day) {
                Ok(()) => counted.0.push(usage),
                Err(wait_ms) => {
                    self.refusals.count("quota", scope, rules.observes);
                    if !rules.observes {
                        counted.give_back();
                        return Err(Limited::for_ms(wait_ms));
                    }
                }
            }
        }
        Ok(counted)
    }

    /// The client before its realm: one that asks too often takes nothing from the others.
    fn holders<'a>(realm: &'a Realm, client: &'a Client) -> [Option<(Rules, &'a str, &'static str)>; 2] {
        [
            Rules::of(&client.attributes).map(|rules| (rules, client.id.as_str(), "client")),
            Rules::of(&realm.attributes).map(|rules| (rules, "", "realm")),
        ]
    }

    /// What a client, or with an empty id a realm, has used.
    fn usage(&self, realm_id: &str, id: &str) -> Arc<Usage> {
        self.used.get_or_insert_with(&self.hasher.hash_one((realm_id, id)), size_of::<Usage>(), Arc::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_platform::clock::ManualClock;

    /// 2026-11-25, an hour before midnight (UTC).
    const NOW_MS: i64 = 1_795_647_600_000;

    fn realm(id: &str, attributes: &[(&str, &str)]) -> Realm {
        Realm { id: id.to_owned(), attributes: owned(attributes), ..Realm::default() }
    }

    fn client(attributes: &[(&str, &str)]) -> Client {
        Client { id: "c".to_owned(), attributes: owned(attributes), ..Client::default() }
    }

    fn owned(attributes: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn limits() -> (Limits, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at_ms(NOW_MS));
        (Limits::new(clock.clone(), 0), clock)
    }

    #[test]
    fn a_client_that_asks_too_often_waits_and_takes_nothing_from_its_realm() {
        let (limits, clock) = limits();
        let realm = realm("r", &[("latchkey.rate-limit.per-second", "4")]);
        let (slow, other) = (client(&[("latchkey.rate-limit.per-second", "2")]), client(&[]));
        assert!(limits.admit(&realm, &slow).is_ok() && limits.admit(&realm, &slow).is_ok());
        for _ in 0..10 {
            assert_eq!(limits.admit(&realm, &slow), Err(Limited { retry_after_s: 1 }));
        }
        assert!(limits.admit(&realm, &other).is_ok() && limits.admit(&realm, &other).is_ok());
        assert!(limits.admit(&realm, &other).is_err());
        clock.advance_ms(1000);
        assert!(limits.admit(&realm, &slow).is_ok());
    }

    #[test]
    fn one_realm_takes_nothing_from_another_nor_from_a_client_of_the_same_id() {
        let (limits, _clock) = limits();
        let once = [("latchkey.rate-limit.per-second", "1")];
        for id in ["a", "b"] {
            assert!(limits.admit(&realm(id, &once), &client(&[])).is_ok());
            assert!(limits.admit(&realm(id, &once), &client(&[])).is_err());
            assert!(limits.admit(&realm(id, &[]), &client(&once)).is_ok());
        }
    }

    #[test]
    fn a_quota_lasts_until_midnight_and_what_is_not_given_out_is_given_back() {
        let (limits, clock) = limits();
        let (realm, client) = (realm("r", &[("latchkey.quota.tokens-per-day", "2")]), client(&[]));
        let first = limits.count_token(&realm, &client).ok().unwrap();
        let _second = limits.count_token(&realm, &client).ok().unwrap();
        assert_eq!(limits.count_token(&realm, &client).err(), Some(Limited { retry_after_s: 3600 }));
        first.give_back();
        assert!(limits.count_token(&realm, &client).is_ok());
        clock.advance_s(3599);
        assert_eq!(limits.count_token(&realm, &client).err(), Some(Limited { retry_after_s: 1 }));
        clock.advance_s(1);
        assert!(limits.count_token(&realm, &client).is_ok());
    }

    #[test]
    fn a_realms_quota_that_is_used_up_costs_the_client_nothing() {
        let (limits, _clock) = limits();
        let client = client(&[("latchkey.quota.tokens-per-day", "2")]);
        let full = realm("r", &[("latchkey.quota.tokens-per-day", "0")]);
        for _ in 0..5 {
            assert!(limits.count_token(&full, &client).is_err());
        }
        let free = realm("r", &[]);
        assert!(limits.count_token(&free, &client).is_ok() && limits.count_token(&free, &client).is_ok());
        assert!(limits.count_token(&free, &client).is_err());
    }

    #[test]
    fn whoever_only_observes_refuses_nobody() {
        let (limits, _clock) = limits();
        let observing = realm(
            "r",
            &[
                ("latchkey.limits.mode", "observe"),
                ("latchkey.rate-limit.per-second", "1"),
                ("latchkey.quota.tokens-per-day", "1"),
            ],
        );
        for _ in 0..5 {
            assert!(limits.admit(&observing, &client(&[])).is_ok());
            assert!(limits.count_token(&observing, &client(&[])).is_ok());
        }
    }
}
