//! A count that begins anew each day (UTC).

use std::sync::atomic::{AtomicU64, Ordering};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The day in the upper half, what was taken on it in the lower.
#[derive(Default)]
pub(super) struct Daily(AtomicU64);

impl Daily {
    /// Takes one.
    ///
    /// # Errors
    /// The milliseconds until the next day, where the limit is reached.
    pub(super) fn take(&self, now_ms: i64, limit: u32) -> Result<(), i64> {
        let today = u32::try_from(now_ms.max(0) / DAY_MS).unwrap_or(u32::MAX);
        let next = |packed: u64| {
            let (day, taken) = unpack(packed);
            let taken = if day == today { taken } else { 0 };
            (taken < limit).then(|| pack(today, taken + 1))
        };
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(_) => Err(DAY_MS - now_ms.max(0) % DAY_MS),
        }
    }

    /// Gives one back. On another day than it was taken, that day gains it: one in favour of the client.
    pub(super) fn give_back(&self) {
        let less = |packed: u64| {
            let (day, taken) = unpack(packed);
            taken.checked_sub(1).map(|taken| pack(day, taken))
        };
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

fn pack(day: u32, taken: u32) -> u64 {
    u64::from(day) << 32 | u64::from(taken)
}

#[expect(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
fn unpack(packed: u64) -> (u32, u32) {
    ((packed >> 32) as u32, packed as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_number_and_the_next_begins_anew() {
        let daily = Daily::default();
        let noon = 20_000 * DAY_MS + DAY_MS / 2;
        assert_eq!((0..5).filter(|_| daily.take(noon, 3).is_ok()).count(), 3);
        assert_eq!(daily.take(noon, 3), Err(DAY_MS / 2));
        daily.give_back();
        assert_eq!(daily.take(noon, 3), Ok(()));
        assert_eq!(daily.take(noon + DAY_MS, 3), Ok(()));
        assert_eq!(daily.take(noon + DAY_MS, 0), Err(DAY_MS / 2));
        Daily::default().give_back();
    }
}
