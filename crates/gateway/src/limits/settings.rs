//! The attributes of realms and clients that set limits.

use std::{collections::BTreeMap, ops::Bound};

/// Before the names of all of them.
const PREFIX: &str = "latchkey.";
/// The first text behind everything that begins with the prefix.
const END: &str = "latchkey/";

/// Requests a second.
const RATE: &str = "latchkey.rate-limit.per-second";
/// Requests at once, after a pause; the rate where it is not given.
const BURST: &str = "latchkey.rate-limit.burst";
/// Tokens a day, which begins at midnight UTC.
const QUOTA: &str = "latchkey.quota.tokens-per-day";
/// Of a realm: wrong secrets in a row, after which a client's address is locked out for a while; 0 for never.
const LOCKOUT: &str = "latchkey.lockout.failures";
/// `enforce` (the default), or `observe`: nobody is refused, and the metrics tell who would have been.
const MODE: &str = "latchkey.limits.mode";
const ENFORCE: &str = "enforce";
const OBSERVE: &str = "observe";

/// Whether an attribute sets a limit, known or not: only an administrator may give it.
pub(crate) fn is_limit(attribute: &str) -> bool {
    attribute.starts_with(PREFIX)
}

/// How often one may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// At least 1.
    pub(super) per_second: u32,
    /// At least 1.
    pub(super) burst: u32,
}

/// The limits of a realm or a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) rate: Option<Rate>,
    pub(super) tokens_per_day: Option<u32>,
    pub(super) lockout_failures: Option<u32>,
    /// Whether nobody is refused.
    pub(super) observes: bool,
}

impl Rules {
    /// What the attributes say; `None` where they say nothing, which is found out without reading any. A value that can't be read
    /// sets no limit: it was stored before [`check`] was there.
    pub(super) fn of(attributes: &BTreeMap<String, String>) -> Option<Self> {
        let mut given = attributes
            .range::<str, _>((Bound::Included(PREFIX), Bound::Excluded(END)))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .peekable();
        given.peek()?;
        let mut rules = Self::default();
        let mut burst = None;
        for (name, value) in given {
            let number = value.parse().ok();
            match name {
                RATE => {
                    rules.rate = number
                        .filter(|per_second| *per_second > 0)
                        .map(|per_second| Rate { per_second, burst: per_second });
                }
                BURST => burst = number.filter(|burst| *burst > 0),
                QUOTA => rules.tokens_per_day = number,
                LOCKOUT => rules.lockout_failures = number,
                MODE => rules.observes = value == OBSERVE,
                _ => {}
            }
        }
        if let (Some(rate), Some(burst)) = (&mut rules.rate, burst) {
            rate.burst = burst;
        }
        Some(rules)
    }
}

/// Checks the attributes that an administrator gives.
///
/// # Errors
/// What is wrong with the first that can't be used.
pub(crate) fn check(attributes: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in attributes.iter().filter(|(name, _)| is_limit(name)) {
        let number = || value.parse::<u32>().ok();
        let (good, wanted) = match name.as_str() {
            RATE | BURST => (number().is_some_and(|number| number > 0), "a whole number above 0"),
            QUOTA | LOCKOUT => (number().is_some(), "a whole number"),
            MODE => ([ENFORCE, OBSERVE].contains(&value.as_str()), "enforce or observe"),
            _ => continue,
        };
        if !good {
            return Err(format!("Attribute '{name}' should be {wanted}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn rules_are_read_from_the_attributes_of_our_prefix_alone() {
        assert_eq!(Rules::of(&attributes(&[])), None);
        assert_eq!(
            Rules::of(&attributes(&[("latchkey", "1"), ("latchkeys.x", "1"), ("realm_client", "x")])),
            None
        );
        let rules =
            Rules::of(&attributes(&[(RATE, "10"), (BURST, "50"), (QUOTA, "0"), (MODE, OBSERVE)])).unwrap();
        assert_eq!(rules.rate, Some(Rate { per_second: 10, burst: 50 }));
        assert_eq!((rules.tokens_per_day, rules.lockout_failures, rules.observes), (Some(0), None, true));
        assert_eq!(
            Rules::of(&attributes(&[(RATE, "7")])).unwrap().rate,
            Some(Rate { per_second: 7, burst: 7 })
        );
        assert_eq!(Rules::of(&attributes(&[(RATE, "x"), (BURST, "7")])).unwrap().rate, None);
    }

    #[test]
    fn values_that_set_no_limit_are_refused() {
        for (name, value) in [
            (RATE, "0"),
            (RATE, "-1"),
            (RATE, "1.5"),
            (BURST, "0"),
            (QUOTA, "many"),
            (QUOTA, "99999999999"),
            (LOCKOUT, ""),
            (MODE, "off"),
        ] {
            assert!(check(&attributes(&[(name, value)])).unwrap_err().contains(name), "{name}={value}");
        }
        assert!(check(&attributes(&[(RATE, "5"), (QUOTA, "0"), (MODE, ENFORCE), ("other", "x")])).is_ok());
    }
}
