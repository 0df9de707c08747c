//! Waiting for a state, never for a time.

use std::ops::AsyncFnMut;
use std::time::{Duration, Instant};

/// How long a server that was hurt may take to serve again, on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const ASK: Duration = Duration::from_millis(10);

/// Asks until there is an answer; fails when `patience` is over.
pub(crate) async fn eventually<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {patience:?}: {what}");
        tokio::time::sleep(ASK).await;
    }
}
