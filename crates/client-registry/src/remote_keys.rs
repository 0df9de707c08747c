//! Public keys that are published at an address: of clients and of outside issuers alike. They are fetched when they are needed,
//! kept, fetched again when they have grown old or the key that is wanted is not among them (but not more often than every ten
//! seconds), and ridden on for an hour while their server is away.

mod fetch;

use std::sync::Arc;

use latchkey_platform::cache::Bounded;
use latchkey_platform::clock::SharedClock;
use parking_lot::Mutex;
use url::Url;

use crate::outbound::{Outbound, http_url};
use crate::public_key::PublicKey;
use fetch::Fetcher;

pub(crate) use fetch::Fault;

/// For how long keys are used without a question.
const FRESH_MS: i64 = 5 * 60_000;
/// For how long after that, while their server does not answer.
const OUTAGE_MS: i64 = 60 * 60_000;
/// The time between two tries.
const MIN_INTERVAL_MS: i64 = 10_000;
/// Locations whose keys are kept.
const MAX_LOCATIONS: u64 = 4096;
/// What the keys of one take (bytes), about.
const ENTRY: usize = 4096;

/// Where keys are published.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Location {
    /// A key set (RFC 7517 section 5).
    KeySet(Url),
    /// The issuer's configuration (OpenID Connect Discovery 1.0), which says where the key set is.
    Discovery {
        /// Of the configuration.
        url: Url,
        /// What the configuration must say it is of.
        issuer: String,
    },
}

impl Location {
    /// A key set; `None` unless it is at an http or https address.
    pub(crate) fn key_set(url: &str) -> Option<Self> {
        http_url(url).map(Self::KeySet)
    }

    /// The configuration of an issuer at an address of its own.
    pub(crate) fn discovery(url: &str, issuer: &str) -> Option<Self> {
        http_url(url).map(|url| Self::Discovery { url, issuer: issuer.to_owned() })
    }

    /// The configuration of an issuer where it should be (section 4).
    pub(crate) fn discovery_of(issuer: &str) -> Option<Self> {
        let base = issuer.trim_end_matches('/');
        Self::discovery(&format!("{base}/.well-known/openid-configuration"), issuer)
    }

    fn host(&self) -> &str {
        let (Self::KeySet(url) | Self::Discovery { url, .. }) = self;
        url.host_str().unwrap_or_default()
    }
}

/// Which key should be among those at a location.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// The one with an id or, without an id, any.
    Named(Option<&'a str>),
    /// This very key.
    Same(&'a PublicKey),
}

impl Wanted<'_> {
    fn is(self, key: &PublicKey) -> bool {
        match self {
            Self::Named(kid) => key.is_named(kid),
            Self::Same(wanted) => key.is_same(wanted),
        }
    }
}

/// Keys as they were fetched.
pub(crate) type FetchedKeys = Arc<Vec<PublicKey>>;

/// The cache. Each realm has its own entries, so that none can tell what another trusts.
#[derive(Clone)]
pub(crate) struct RemoteKeys {
    fetcher: Arc<Fetcher>,
    clock: SharedClock,
    entries: Arc<Bounded<(String, Location), Arc<Entry>>>,
}

#[derive(Default)]
struct Entry {
    state: Mutex<State>,
    /// Held while keys are being fetched.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Default)]
struct State {
    /// The keys that were fetched last, and when.
    keys: Option<(FetchedKeys, i64)>,
    /// When the last try ended, and what went wrong then.
    tried_ms: Option<i64>,
    fault: Option<Fault>,
}

/// What to do with what is known.
enum Step {
    Use(FetchedKeys),
    /// With what can be used if it fails.
    Fetch(Option<FetchedKeys>),
    Fail(Fault),
}

impl State {
    fn next(&self, wanted: Wanted<'_>, now_ms: i64) -> Step {
        let age_ms = |since_ms: i64| now_ms.saturating_sub(since_ms);
        let usable = self.keys.as_ref().filter(|(_, fetched_ms)| age_ms(*fetched_ms) < FRESH_MS + OUTAGE_MS);
        let has_key = usable.is_some_and(|(keys, _)| keys.iter().any(|key| wanted.is(key)));
        let fresh = usable.is_some_and(|(_, fetched_ms)| age_ms(*fetched_ms) < FRESH_MS);
        let tried_lately =
            self.tried_ms.is_some_and(|tried_ms| (0..MIN_INTERVAL_MS).contains(&age_ms(tried_ms)));
        match usable {
            Some((keys, _)) if fresh && has_key || tried_lately => Step::Use(Arc::clone(keys)),
            None if tried_lately => Step::Fail(self.fault.unwrap_or(Fault::Unreachable)),
            usable => Step::Fetch(usable.filter(|_| has_key).map(|(keys, _)| Arc::clone(keys))),
        }
    }
}

impl RemoteKeys {
    pub(crate) fn new(outbound: Arc<Outbound>, clock: SharedClock) -> Self {
        let entries = Arc::new(Bounded::new(MAX_LOCATIONS * ENTRY as u64));
        Self { fetcher: Arc::new(Fetcher::new(outbound)), clock, entries }
    }

    /// The keys at a location, among which should be the one that is wanted.
    pub(crate) async fn get(
        &self,
        realm_id: &str,
        location: &Location,
        wanted: Wanted<'_>,
    ) -> Result<FetchedKeys, Fault> {
        let key = (realm_id.to_owned(), location.clone());
        let entry = self.entries.get_or_insert_with(&key, ENTRY, Arc::default);
        let spare = match entry.next(wanted, self.clock.now_ms()) {
            Step::Use(keys) => return Ok(keys),
            // They may be on their way: what has become of that is known when it is this one's turn.
            Step::Fail(_) => None,
            Step::Fetch(spare) => spare,
        };
        let fetching = Arc::clone(&entry.fetching);
        let turn = match spare {
            None => fetching.lock_owned().await,
            Some(keys) => match fetching.try_lock_owned() {
                Ok(turn) => turn,
                // Somebody is fetching them, and these are good meanwhile.
                Err(_) => return Ok(keys),
            },
        };
        // While this one waited for its turn another may have fetched them.
        match entry.next(wanted, self.clock.now_ms()) {
            Step::Use(keys) => return Ok(keys),
            Step::Fail(fault) => return Err(fault),
            Step::Fetch(_) => {}
        }
        // To its end even if the caller goes away: else who asks and leaves could keep new keys out.
        let (keys, location, realm_id) = (self.clone(), location.clone(), realm_id.to_owned());
        let fetch = tokio::spawn(async move {
            let answer = keys.fetch(&realm_id, &entry, &location).await;
            drop(turn);
            answer
        });
        fetch.await.unwrap_or(Err(Fault::Unreachable))
    }

    /// Fetches, and falls back on what there is.
    async fn fetch(&self, realm_id: &str, entry: &Entry, location: &Location) -> Result<FetchedKeys, Fault> {
        let fetched = self.fetcher.keys(location).await;
        let now_ms = self.clock.now_ms();
        let mut state = entry.state.lock();
        // Only now: until it is done the others wait for it.
        state.tried_ms = Some(now_ms);
        match fetched {
            Ok(keys) => {
                let keys = Arc::new(keys);
                state.keys = Some((Arc::clone(&keys), now_ms));
                state.fault = None;
                Ok(keys)
            }
            Err(fault) => {
                tracing::warn!(realm.id = realm_id, host = location.host(), error = %fault, "keys could not be fetched");
                state.fault = Some(fault);
                let usable =
                    state.keys.as_ref().filter(|(_, fetched_ms)| now_ms - fetched_ms < FRESH_MS + OUTAGE_MS);
                usable.map(|(keys, _)| Arc::clone(keys)).ok_or(fault)
            }
        }
    }
}

impl Entry {
    fn next(&self, wanted: Wanted<'_>, now_ms: i64) -> Step {
        self.state.lock().next(wanted, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const MINUTE: i64 = 60_000;

    fn state(fetched_ago: i64, tried_ago: i64) -> State {
        let jwk = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#;
        let keys = Arc::new(PublicKey::of_key_set(jwk.as_bytes()).unwrap());
        State {
            keys: Some((keys, NOW - fetched_ago)),
            tried_ms: Some(NOW - tried_ago),
            fault: Some(Fault::Timeout),
        }
    }

    fn step(state: &State, kid: &str) -> &'static str {
        match state.next(Wanted::Named(Some(kid)), NOW) {
            Step::Use(_) => "use",
            Step::Fetch(Some(_)) => "fetch, else use",
            Step::Fetch(None) => "fetch",
            Step::Fail(_) => "fail",
        }
    }

    #[test]
    fn keys_are_fetched_when_they_are_old_or_lack_the_one_that_is_named() {
        for (fetched_ago, tried_ago, kid, expected) in [
            (MINUTE, MINUTE, "k", "use"),
            (4 * MINUTE, MINUTE, "other", "fetch"),
            (MINUTE, 9_999, "other", "use"),
            (5 * MINUTE, MINUTE, "k", "fetch, else use"),
            (64 * MINUTE, MINUTE, "k", "fetch, else use"),
            (64 * MINUTE, 1_000, "k", "use"),
            (65 * MINUTE, MINUTE, "k", "fetch"),
            (65 * MINUTE, 1_000, "k", "fail"),
        ] {
            assert_eq!(
                step(&state(fetched_ago, tried_ago), kid),
                expected,
                "{fetched_ago} {tried_ago} {kid}"
            );
        }
        assert_eq!(step(&State::default(), "k"), "fetch");
        assert_eq!(
            step(&state(MINUTE, -60 * MINUTE), "other"),
            "fetch",
            "a clock that was set back stops nothing"
        );
    }

    #[test]
    fn only_addresses_of_the_web_are_locations() {
        for url in ["http://a.example/keys", "https://a.example"] {
            assert!(Location::key_set(url).is_some(), "{url}");
        }
        for url in
            ["file:///etc/passwd", "ftp://a.example", "keys", "", "https://user:word@a.example", "data:,"]
        {
            assert!(Location::key_set(url).is_none(), "{url}");
        }
        let of = |issuer: &str| match Location::discovery_of(issuer) {
            Some(Location::Discovery { url, .. }) => url.to_string(),
            _ => String::new(),
        };
        assert_eq!(of("https://a.example/x/"), "https://a.example/x/.well-known/openid-configuration");
    }
}
