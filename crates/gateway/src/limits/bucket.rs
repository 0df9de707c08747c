//! A leaky bucket in one number: the generic cell rate algorithm (ITU-T I.371).

use super::settings::Rate;
use std::sync::atomic::{AtomicI64, Ordering};

/// When the next request would come if all came evenly: microseconds since the epoch. A change of the rate takes effect at once.
#[derive(Default)]
pub(super) struct Bucket {
    due_us: AtomicI64,
}

impl Bucket {
    /// Takes a request.
    ///
    /// # Errors
    /// The milliseconds to wait, where it comes too early. It then takes nothing.
    pub(super) fn take(&self, now_ms: i64, rate: Rate) -> Result<(), i64> {
        let now_us = now_ms.saturating_mul(1000);
        let period_us = (1_000_000 / i64::from(rate.per_second)).max(1);
        let ahead_us = period_us.saturating_mul(i64::from(rate.burst));
        let next = |due_us: i64| {
            let due_us = due_us.max(now_us).saturating_add(period_us);
            (due_us.saturating_sub(now_us) <= ahead_us).then_some(due_us)
        };
        match self.due_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(due_us) => {
                let early_us =
                    due_us.saturating_add(period_us).saturating_sub(now_us).saturating_sub(ahead_us);
                Err(early_us.max(0).saturating_add(999) / 1000)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests let through of so many at one time.
    fn let_through(bucket: &Bucket, now_ms: i64, rate: Rate, of: usize) -> usize {
        (0..of).filter(|_| bucket.take(now_ms, rate).is_ok()).count()
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let (bucket, rate) = (Bucket::default(), Rate { per_second: 10, burst: 20 });
        assert_eq!(let_through(&bucket, 1_000_000, rate, 100), 20);
        assert_eq!(bucket.take(1_000_000, rate), Err(100));
        assert_eq!(let_through(&bucket, 1_000_099, rate, 100), 0);
        assert_eq!(let_through(&bucket, 1_000_100, rate, 100), 1);
        assert_eq!(let_through(&bucket, 1_001_100, rate, 100), 10);
        assert_eq!(let_through(&bucket, 9_000_000, rate, 100), 20);
    }

    #[test]
    fn a_new_rate_takes_effect_at_once_and_extremes_do_not_overflow() {
        let bucket = Bucket::default();
        let high = Rate { per_second: u32::MAX, burst: u32::MAX };
        assert_eq!(let_through(&bucket, i64::MAX, high, 10), 10);
        let bucket = Bucket::default();
        assert_eq!(let_through(&bucket, 0, Rate { per_second: 2, burst: 2 }, 10), 2);
        assert_eq!(let_through(&bucket, 0, Rate { per_second: 2, burst: 4 }, 10), 2);
    }

    #[test]
    fn many_at_once_get_no_more_than_the_burst() {
        let bucket = Bucket::default();
        let rate = Rate { per_second: 100, burst: 100 };
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| let_through(&bucket, 5000, rate, 1000))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 100);
    }
}
