//! When a realm's keys are rotated: what its attributes say. token-issuer does it, and hears of it by the change log.

use latchkey_api::registry::v1::Realm;
use serde::Serialize;

use crate::error::Error;

/// Seconds for which a key signs; without it, empty or 0 keys are not rotated.
const INTERVAL: &str = "latchkey.key-rotation.interval";
/// Seconds for which a key is published before it signs.
const PUBLISH_AHEAD: &str = "latchkey.key-rotation.publish-ahead";
/// Seconds for which a key that signs no more still verifies.
const KEEP: &str = "latchkey.key-rotation.keep";

const DAY_S: i64 = 24 * 60 * 60;
/// Beside the life of the last token: for clocks that differ, and documents that somebody has kept.
const KEEP_MARGIN_S: i64 = DAY_S;

/// Durations are seconds. Its members are those of the change log's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct KeyRotation {
    pub(crate) interval_s: i64,
    /// Less than the interval.
    pub(crate) publish_ahead_s: i64,
    pub(crate) keep_s: i64,
}

impl KeyRotation {
    /// What a realm asks for; none if its keys are not to be rotated. `shortest_s` is the shortest interval.
    ///
    /// # Errors
    /// [`Error::RealmInvalid`] for a value that cannot be, also where nothing is rotated.
    pub(crate) fn of(realm: &Realm, shortest_s: i64) -> Result<Option<Self>, Error> {
        let interval = seconds(realm, INTERVAL)?;
        let publish_ahead = seconds(realm, PUBLISH_AHEAD)?;
        let keep = seconds(realm, KEEP)?;
        let Some(interval_s) = interval.filter(|seconds| *seconds > 0) else { return Ok(None) };
        if interval_s < shortest_s {
            return Err(invalid(INTERVAL, &format!("0 or at least {shortest_s}")));
        }
        if publish_ahead.is_some_and(|ahead_s| ahead_s == 0 || ahead_s >= interval_s) {
            return Err(invalid(PUBLISH_AHEAD, &format!("above 0 and less than '{INTERVAL}'")));
        }
        let shortest_keep_s = realm.access_token_lifespan_s;
        if keep.is_some_and(|keep_s| keep_s < shortest_keep_s) {
            let wanted = format!("at least {shortest_keep_s}, the lifespan of access tokens");
            return Err(invalid(KEEP, &wanted));
        }
        Ok(Some(Self {
            interval_s,
            publish_ahead_s: publish_ahead.unwrap_or(DAY_S.min(interval_s / 2)).max(1),
            keep_s: keep.unwrap_or_else(|| default_keep_s(realm, interval_s)),
        }))
    }
}

/// As long as anything that the realm's own settings let live, and never less than another interval: clients may have lifespans of
/// their own.
fn default_keep_s(realm: &Realm, interval_s: i64) -> i64 {
    let lifespans = [
        realm.access_token_lifespan_s,
        realm.sso_session_max_lifespan_s,
        realm.client_session_max_lifespan_s,
    ];
    let longest_s = lifespans.into_iter().fold(0, i64::max);
    longest_s.saturating_add(KEEP_MARGIN_S).max(interval_s)
}

fn seconds(realm: &Realm, name: &str) -> Result<Option<i64>, Error> {
    let Some(text) = realm.attributes.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    // 136 years at the most: in milliseconds, and added to now, it is still a number.
    let seconds: u32 = text.parse().map_err(|_| invalid(name, "a whole number of seconds"))?;
    Ok(Some(i64::from(seconds)))
}

fn invalid(name: &str, wanted: &str) -> Error {
    Error::RealmInvalid(format!("Attribute '{name}' should be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(attributes: &[(&str, &str)]) -> Realm {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Realm {
            access_token_lifespan_s: 300,
            sso_session_max_lifespan_s: 36_000,
            attributes: attributes.collect(),
            ..Realm::default()
        }
    }

    fn of(attributes: &[(&str, &str)]) -> Option<KeyRotation> {
        KeyRotation::of(&realm(attributes), 3600).unwrap()
    }

    #[test]
    fn keys_are_rotated_only_where_an_interval_is_given() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(INTERVAL, "0"), (PUBLISH_AHEAD, "60"), (KEEP, "5")]), None);
        assert_eq!(of(&[(INTERVAL, " ")]), None);
        let asked = of(&[(INTERVAL, "7776000"), (PUBLISH_AHEAD, "3600"), (KEEP, "300")]);
        let expected = KeyRotation { interval_s: 7_776_000, publish_ahead_s: 3600, keep_s: 300 };
        assert_eq!(asked, Some(expected));
    }

    #[test]
    fn what_is_not_given_is_safe() {
        for (interval_s, publish_ahead_s, keep_s) in [
            (3600, 1800, 36_000 + DAY_S),
            (DAY_S, DAY_S / 2, 36_000 + DAY_S),
            (90 * DAY_S, DAY_S, 90 * DAY_S),
        ] {
            let expected = KeyRotation { interval_s, publish_ahead_s, keep_s };
            assert_eq!(of(&[(INTERVAL, &interval_s.to_string())]), Some(expected));
        }
        let shortest = KeyRotation::of(&realm(&[(INTERVAL, "1")]), 1).unwrap().unwrap();
        assert_eq!(shortest.publish_ahead_s, 1);
    }

    #[test]
    fn what_cannot_be_is_told_with_the_name_of_the_attribute() {
        let interval = (INTERVAL, "7200");
        for (attributes, name) in [
            (vec![(INTERVAL, "3599")], INTERVAL),
            (vec![(INTERVAL, "-1")], INTERVAL),
            (vec![(INTERVAL, "90d")], INTERVAL),
            (vec![(INTERVAL, "99999999999")], INTERVAL),
            (vec![interval, (PUBLISH_AHEAD, "7200")], PUBLISH_AHEAD),
            (vec![interval, (PUBLISH_AHEAD, "0")], PUBLISH_AHEAD),
            (vec![(PUBLISH_AHEAD, "soon")], PUBLISH_AHEAD),
            (vec![interval, (KEEP, "299")], KEEP),
            (vec![(KEEP, "1.5")], KEEP),
        ] {
            let told = KeyRotation::of(&realm(&attributes), 3600).unwrap_err().to_string();
            assert!(told.starts_with(&format!("Attribute '{name}' should be ")), "{told}");
        }
    }
}
