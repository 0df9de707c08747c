//! Forgetting what has expired.

use crate::{Error, store::Store};
use latchkey_platform::clock::SharedClock;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(30);
const DAY_MS: i64 = 24 * 3_600_000;

/// Deletes expired events in small steps.
pub(crate) struct Sweeper {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    /// 0 for ever.
    pub(crate) admin_event_days: u32,
}

impl Sweeper {
    /// Sweeps now and then, without end.
    pub(crate) async fn run(self) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "expired events can't be deleted");
            }
        }
    }

    async fn sweep(&self) -> Result<(), Error> {
        let now_ms = self.clock.now_ms();
        while self.store.delete_expired_logins(now_ms).await? {}
        if self.admin_event_days > 0 {
            let until_ms = now_ms - i64::from(self.admin_event_days) * DAY_MS;
            while self.store.delete_admin_events_until(until_ms).await? {}
        }
        self.store.delete_late_events(now_ms).await
    }
}
