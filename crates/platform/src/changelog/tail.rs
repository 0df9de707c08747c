//! Following one's own log: what other replicas changed.

use std::time::Duration;

use latchkey_api::common::v1::Change;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use super::{ChangeLog, raise};
use crate::database::Database;

/// How long a change of another replica stays unnoticed at the most when its notification is lost.
const POLL: Duration = Duration::from_millis(500);
/// The wait after a failure.
const BACK_OFF: Duration = Duration::from_millis(200);

/// The PostgreSQL channel on which a schema's changes are announced.
pub(super) fn channel(schema: &str) -> String {
    format!("latchkey_{schema}")
}

impl ChangeLog {
    /// Calls `drop_cached` for each change of any replica, this one included, in order, until `shutdown`.
    ///
    /// A replica that writes drops its own caches before it answers; the second call does no harm.
    pub fn tail(&self, drop_cached: impl Fn(&Change) + Send + 'static, shutdown: CancellationToken) {
        let log = self.clone();
        let from = *log.inner.applied.borrow();
        let until = shutdown.clone();
        tokio::spawn(async move {
            until.run_until_cancelled(log.apply_all(from, drop_cached)).await;
        });
        // An SQLite file has one process: its own writes are all there are.
        if let Database::Postgres(pool) = self.inner.database.clone() {
            let log = self.clone();
            tokio::spawn(async move {
                shutdown.run_until_cancelled(log.watch_head(pool)).await;
            });
        }
    }

    async fn apply_all(self, mut at: u64, drop_cached: impl Fn(&Change)) {
        let mut head = self.inner.head.subscribe();
        while head.wait_for(|head| *head > at).await.is_ok() {
            match self.read(at).await {
                Ok(changes) => {
                    for change in &changes {
                        drop_cached(change);
                        at = change.revision;
                    }
                    raise(&self.inner.applied, at);
                }
                Err(error) => {
                    tracing::debug!(error = %error, "reading the change log failed");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// Learns of new revisions by notification, and by asking where that fails.
    async fn watch_head(self, pool: PgPool) {
        loop {
            let Ok(mut listener) = PgListener::connect_with(&pool).await else {
                tokio::time::sleep(BACK_OFF).await;
                continue;
            };
            if listener.listen(&channel(self.inner.schema)).await.is_err() {
                continue;
            }
            loop {
                let heard = tokio::time::timeout(POLL, listener.recv()).await;
                if self.read_head().await.is_err() || matches!(heard, Ok(Err(_))) {
                    tokio::time::sleep(BACK_OFF).await;
                    break;
                }
            }
        }
    }
}
