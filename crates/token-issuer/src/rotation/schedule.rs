//! What is to be done with a realm's keys, and when. It looks at no clock and no database.
//!
//! A key is published before it signs: whoever fetches the JWKS that often knows it by then. Once it signs no more it stays until
//! the last token that it signed has expired. Keys that an administrator brought, and those that nobody outside verifies with
//! (HMAC), are left alone: tokens without an end, such as offline tokens, stand on the latter.

/// Old keys of one algorithm that are kept at the most: a key set has to be fetched and read by small devices too. Where more are due
/// the next key waits.
const MOST_RETIRED: usize = 48;

/// How long replicas may go on signing with a key after it was retired, until they have heard of it.
const HEARD_OF_MS: i64 = 10_000;

/// A realm's settings. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    pub(crate) interval_ms: i64,
    /// Less than the interval.
    pub(crate) publish_ahead_ms: i64,
    pub(crate) keep_ms: i64,
    /// Until then no retired key goes: what was signed under earlier settings may live so long.
    pub(crate) keep_until_ms: i64,
}

impl Rotation {
    /// These settings, and what those before them promised.
    pub(crate) fn after(self, before: &Self, now_ms: i64) -> Self {
        let promised_ms =
            if before.keep_ms > self.keep_ms { now_ms.saturating_add(before.keep_ms) } else { 0 };
        Self { keep_until_ms: before.keep_until_ms.max(promised_ms), ..self }
    }
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It signs, or would if it had the highest priority; or it is an administrator's affair.
    Plain,
    /// It is published, and signs when its time has come.
    Next,
    /// It has signed, and only verifies.
    Retired,
}

/// A key as far as rotation looks at it.
#[derive(Clone, Debug)]
pub(crate) struct RotatedKey {
    /// The provider's id.
    pub(crate) id: String,
    pub(crate) algorithm: &'static str,
    /// Whether it is one that Latchkey makes, and makes anew.
    pub(crate) renewable: bool,
    pub(crate) enabled: bool,
    pub(crate) active: bool,
    pub(crate) priority: i64,
    pub(crate) stage: Stage,
    /// When that began.
    pub(crate) since_ms: i64,
}

impl RotatedKey {
    fn may_sign(&self) -> bool {
        self.enabled && self.active
    }

    fn is_next(&self) -> bool {
        self.stage == Stage::Next && self.enabled && !self.active
    }

    fn is_retired(&self) -> bool {
        self.stage == Stage::Retired && !self.active
    }
}

/// Something to do, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make the key that will follow the signing one, and publish it.
    Publish {
        /// The provider of the signing key.
        signing: String,
    },
    /// Let the next key sign with this priority in place of the signing one, which is retired.
    Switch { signing: String, next: String, priority: i64 },
    /// Delete a retired key.
    Delete { retired: String },
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Now(Step),
    /// Nothing until then.
    At(i64),
    Never,
}

/// What there is to do with a realm's keys, given in the order in which they were made.
pub(crate) fn due(now_ms: i64, rotation: &Rotation, keys: &[RotatedKey]) -> Due {
    let deletions = keys.iter().filter(|key| key.is_retired()).map(|key| deletion(rotation, key));
    let successions = signing_keys(keys).filter_map(|signing| succession(rotation, keys, signing));
    match deletions.chain(successions).min_by_key(|(at_ms, _)| *at_ms) {
        Some((at_ms, step)) if at_ms <= now_ms => Due::Now(step),
        Some((at_ms, _)) => Due::At(at_ms),
        None => Due::Never,
    }
}

/// Of each algorithm the key that signs: the eldest of those with the highest priority.
fn signing_keys(keys: &[RotatedKey]) -> impl Iterator<Item = &RotatedKey> {
    let goes_before = |one: (usize, &RotatedKey), other: (usize, &RotatedKey)| {
        one.1.priority > other.1.priority || (one.1.priority == other.1.priority && one.0 < other.0)
    };
    keys.iter().enumerate().filter(|(_, key)| key.may_sign()).filter_map(move |one| {
        let rival = |other: &(usize, &RotatedKey)| {
            other.1.algorithm == one.1.algorithm && other.1.may_sign() && goes_before(*other, one)
        };
        (!keys.iter().enumerate().any(|other| rival(&other))).then_some(one.1)
    })
}

fn deletion(rotation: &Rotation, key: &RotatedKey) -> (i64, Step) {
    let kept_ms = rotation.keep_ms.saturating_add(HEARD_OF_MS);
    let at_ms = key.since_ms.saturating_add(kept_ms).max(rotation.keep_until_ms);
    (at_ms, Step::Delete { retired: key.id.clone() })
}

/// What brings the key closer that follows a signing one.
fn succession(rotation: &Rotation, keys: &[RotatedKey], signing: &RotatedKey) -> Option<(i64, Step)> {
    if !signing.renewable {
        return None;
    }
    let of_algorithm =
        || keys.iter().filter(|key| key.algorithm == signing.algorithm && key.id != signing.id);
    let over_ms = signing.since_ms.saturating_add(rotation.interval_ms);
    if let Some(next) = of_algorithm().find(|key| key.is_next()) {
        let at_ms = over_ms.max(next.since_ms.saturating_add(rotation.publish_ahead_ms));
        // Another one of the same priority is older, and would sign.
        let rival =
            of_algorithm().filter(|key| key.may_sign()).map(|key| key.priority.saturating_add(1)).max();
        let priority = rival.unwrap_or(i64::MIN).max(signing.priority);
        return Some((at_ms, Step::Switch { signing: signing.id.clone(), next: next.id.clone(), priority }));
    }
    if of_algorithm().filter(|key| key.is_retired()).count() >= MOST_RETIRED {
        return None;
    }
    Some((over_ms.saturating_sub(rotation.publish_ahead_ms), Step::Publish { signing: signing.id.clone() }))
}

#[cfg(test)]
mod tests;
