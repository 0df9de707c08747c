//! Deleting what has expired, where the store doesn't do it by itself.

use crate::store::Store;
use latchkey_platform::clock::SharedClock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(10);

/// Sweeps in small steps, so that no caller waits long behind one, until `shutdown`.
pub(crate) async fn run(store: Arc<dyn Store>, clock: SharedClock, shutdown: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        loop {
            match store.sweep(clock.now_ms()).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "expired sessions can't be deleted"
                    );
                    break;
                }
            }
        }
    }
}
