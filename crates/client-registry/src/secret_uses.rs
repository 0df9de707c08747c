//! When each secret was last used, to the minute and without a write per token: noted in memory, written down now and then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::store::client_secrets::{self, SecretKey};

const MINUTE_MS: i64 = 60_000;
/// How often what is noted is written down.
const EVERY: Duration = Duration::from_secs(60);
/// How many are written in one transaction, so that others need not wait for long.
const AT_ONCE: usize = 200;

/// What is noted and not yet written: the time of the last use of each secret, in milliseconds since the epoch, to the minute.
#[derive(Default)]
pub(crate) struct SecretUses(Mutex<BTreeMap<SecretKey, i64>>);

/// The uses of one secret.
pub(crate) struct SecretUse {
    key: SecretKey,
    noted_ms: AtomicI64,
    uses: Arc<SecretUses>,
}

impl SecretUse {
    pub(crate) fn new(key: SecretKey, last_used_ms: Option<i64>, uses: &Arc<SecretUses>) -> Self {
        Self { key, noted_ms: AtomicI64::new(last_used_ms.unwrap_or(i64::MIN)), uses: Arc::clone(uses) }
    }

    /// Notes a use; more in the same minute cost a comparison.
    pub(crate) fn note(&self, now_ms: i64) {
        let minute_ms = now_ms - now_ms.rem_euclid(MINUTE_MS);
        if self.noted_ms.load(Ordering::Relaxed) < minute_ms
            && self.noted_ms.fetch_max(minute_ms, Ordering::Relaxed) < minute_ms
        {
            self.uses.0.lock().insert(self.key.clone(), minute_ms);
        }
    }

    /// About how many bytes it takes beside itself.
    pub(crate) fn weight(&self) -> usize {
        self.key.weight()
    }
}

impl SecretUses {
    /// Writes down what is noted. After a failure the rest is noted still.
    pub(crate) async fn write(&self, database: &Database) -> Result<(), Error> {
        loop {
            let some: Vec<_> = {
                let mut noted = self.0.lock();
                std::iter::from_fn(|| noted.pop_first()).take(AT_ONCE).collect()
            };
            if some.is_empty() {
                return Ok(());
            }
            if let Err(error) = write_some(database, &some).await {
                let mut noted = self.0.lock();
                for (key, used_ms) in some {
                    noted.entry(key).and_modify(|later| *later = used_ms.max(*later)).or_insert(used_ms);
                }
                return Err(error);
            }
        }
    }
}

async fn write_some(database: &Database, uses: &[(SecretKey, i64)]) -> Result<(), Error> {
    let mut tx = database.begin().await?;
    for (key, used_ms) in uses {
        client_secrets::used(&mut tx, key, *used_ms).await?;
    }
    Ok(tx.commit().await?)
}

/// Writes down what is noted, and deletes the secrets that have ended; once more at `shutdown`, and no more then.
pub(crate) async fn keep(
    uses: Arc<SecretUses>,
    database: Database,
    clock: SharedClock,
    shutdown: CancellationToken,
) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let goes_on = shutdown.run_until_cancelled(ticks.tick()).await.is_some();
        let written = uses.write(&database).await;
        let kept = match written {
            Ok(()) => client_secrets::delete_ended(&mut database.clone(), clock.now_ms()).await,
            failed => failed,
        };
        if let Err(error) = kept {
            tracing::warn!(error = %error, "the last uses of client secrets are not written down yet");
        }
        if !goes_on {
            return;
        }
    }
}
