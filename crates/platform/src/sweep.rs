//! Taking away what was made ready for something that was never published: whoever was making it died before the end.
//!
//! What is found unpublished may still be in the making. So it goes only if it was found in the sweep before, too.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// Also for how long something may be in the making, at the least.
const EVERY: Duration = Duration::from_hours(1);

/// Who has such things.
pub trait Sweep: Send + Sync + 'static {
    /// What is swept.
    type Item: Ord + Send + Sync;
    /// Why it can't be.
    type Error: std::error::Error + Send + 'static;

    /// Takes away what is unpublished and was when it was `seen` in an earlier sweep. Gives what may be taken away next time.
    fn sweep(
        &self,
        seen: &BTreeSet<Self::Item>,
    ) -> impl Future<Output = Result<BTreeSet<Self::Item>, Self::Error>> + Send;
}

/// Sweeps now and then, without end.
pub async fn run<S: Sweep>(service: Arc<S>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = BTreeSet::new();
    loop {
        ticks.tick().await;
        match service.sweep(&seen).await {
            Ok(unpublished) => seen = unpublished,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what was never published can't be swept");
            }
        }
    }
}
