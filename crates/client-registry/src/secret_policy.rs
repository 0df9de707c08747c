//! How a realm keeps the secrets of its clients: what its attributes say.

use latchkey_api::registry::v1::{Client, Realm};

use crate::authentication::needs_readable_secret;
use crate::error::Error;
use crate::verifier::VerifierKey;

/// `readable`: sealed, so that an administrator can be shown it again, as Keycloak's tools expect. `hash`: only the verifier; a
/// secret is shown once, in the answer to the request that made it.
const STORAGE: &str = "latchkey.client-secret.storage";
/// How many secrets of a client are live at the same time, at the most: 1 to [`MOST_LIVE`].
const LIVE_MAX: &str = "latchkey.client-secret.live-max";
/// For how many seconds a secret is good after it was replaced.
const ROTATED_PERIOD: &str = "latchkey.client-secret.rotated-expiration-period";

const DEFAULT_LIVE: usize = 2;
const MOST_LIVE: usize = 10;
/// A year.
const LONGEST_PERIOD_S: i64 = 31_536_000;

/// The attributes, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecretPolicy {
    readable: bool,
    pub(crate) live_max: usize,
    /// Milliseconds.
    pub(crate) rotated_period_ms: i64,
}

/// What it takes to store a secret: the realm's key for verifiers, and its policy.
pub(crate) struct SecretKeeping {
    pub(crate) key: VerifierKey,
    pub(crate) policy: SecretPolicy,
}

impl SecretPolicy {
    /// What the attributes of a realm say. An empty one says nothing.
    ///
    /// # Errors
    /// When one has no meaning.
    pub(crate) fn of(realm: &Realm) -> Result<Self, Error> {
        let given =
            |name: &str| realm.attributes.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let readable = match given(STORAGE) {
            None | Some("readable") => true,
            Some("hash") => false,
            Some(_) => {
                return Err(Error::Invalid { what: STORAGE, reason: "is neither `readable` nor `hash`" });
            }
        };
        let live_max = match given(LIVE_MAX).map(str::parse) {
            None => DEFAULT_LIVE,
            Some(Ok(count)) if (1..=MOST_LIVE).contains(&count) => count,
            Some(_) => return Err(Error::Invalid { what: LIVE_MAX, reason: "is no number from 1 to 10" }),
        };
        let rotated_period_s = match given(ROTATED_PERIOD).map(str::parse) {
            None => 0,
            Some(Ok(seconds)) if (0..=LONGEST_PERIOD_S).contains(&seconds) => seconds,
            Some(_) => {
                let reason = "is no number of seconds from 0 to 31536000";
                return Err(Error::Invalid { what: ROTATED_PERIOD, reason });
            }
        };
        Ok(Self { readable, live_max, rotated_period_ms: rotated_period_s * 1000 })
    }

    /// Whether secrets that were kept readable before are to be forgotten.
    pub(crate) fn forgets_after(self, before: Self) -> bool {
        before.readable && !self.readable
    }

    /// Whether a secret of the client is kept so that it can be read again. One that signs assertions always is: without it no
    /// signature can be checked.
    pub(crate) fn keeps_readable(self, client: &Client) -> bool {
        self.readable || needs_readable_secret(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(attributes: &[(&str, &str)]) -> Realm {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Realm { attributes: attributes.collect(), ..Realm::default() }
    }

    #[test]
    fn a_realm_that_says_nothing_does_as_keycloak_does() {
        let policy = SecretPolicy::of(&realm(&[])).unwrap();
        assert_eq!(policy, SecretPolicy { readable: true, live_max: 2, rotated_period_ms: 0 });
        assert_eq!(
            SecretPolicy::of(&realm(&[(STORAGE, ""), (LIVE_MAX, ""), (ROTATED_PERIOD, "")])).unwrap(),
            policy
        );
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for (name, value) in [
            (STORAGE, "plain"),
            (LIVE_MAX, "0"),
            (LIVE_MAX, "11"),
            (LIVE_MAX, "two"),
            (ROTATED_PERIOD, "-1"),
            (ROTATED_PERIOD, "31536001"),
            (ROTATED_PERIOD, "99999999999999999999"),
        ] {
            let refused = SecretPolicy::of(&realm(&[(name, value)])).unwrap_err();
            assert!(refused.to_string().starts_with(name), "{refused}");
        }
    }

    #[test]
    fn a_secret_that_signs_assertions_stays_readable() {
        let policy = SecretPolicy::of(&realm(&[(STORAGE, "hash")])).unwrap();
        let client = |kind: &str| Client { client_authenticator_type: kind.to_owned(), ..Client::default() };
        assert!(policy.keeps_readable(&client("client-secret-jwt")));
        assert!(!policy.keeps_readable(&client("client-secret")) && !policy.keeps_readable(&client("")));
    }
}
