//! Following another service's change log, to cascade what it changed.
//!
//! The revision that has been applied is stored in the transaction of its effect: a restart resumes, and nothing is missed
//! or done twice, also when several replicas follow: one applies, the others notice.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use latchkey_api::ChangeStream;
use latchkey_api::common::v1::Change;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::database::{Database, Error, Queries as _, Transaction};
use crate::params;

/// The wait after a failure, doubled up to [`LONGEST_WAIT`].
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Opens the upstream's `Watch` from a revision.
pub type OpenWatch =
    Arc<dyn Fn(u64) -> Pin<Box<dyn Future<Output = Result<ChangeStream, Status>> + Send>> + Send + Sync>;

/// What a service does with another's changes.
#[async_trait::async_trait]
pub trait Apply: Send + Sync + 'static {
    /// Why a change could not be applied.
    type Error: std::error::Error + From<Error> + Send;

    /// Applies a change within the transaction that also stores its revision. Gives the revision of the own change log, if
    /// something was appended.
    async fn apply(&self, transaction: &mut Transaction, change: &Change)
    -> Result<Option<u64>, Self::Error>;

    /// Called after the commit, also for changes that another replica applied: drop what was cached. `revision` is what
    /// [`Apply::apply`] gave.
    async fn applied(&self, change: &Change, revision: Option<u64>);
}

/// How far a follower has come. Cloning it is cheap.
#[derive(Clone)]
pub struct Follower {
    applied: watch::Receiver<u64>,
}

impl Follower {
    /// Follows `upstream` (the service's name) until `shutdown`.
    ///
    /// # Errors
    /// When the stored revision cannot be read.
    pub async fn start<A: Apply>(
        database: Database,
        upstream: &'static str,
        open: OpenWatch,
        apply: Arc<A>,
        shutdown: CancellationToken,
    ) -> Result<Self, Error> {
        let mut first = database.clone();
        first
            .execute(
                "INSERT INTO followers (upstream, revision) VALUES ($1, 0) ON CONFLICT (upstream) DO NOTHING",
                params![upstream],
            )
            .await?;
        let at = stored(&mut first, upstream).await?;
        let (sender, applied) = watch::channel(at);
        let following = Following { database, upstream, open, apply, applied: sender };
        tokio::spawn(async move {
            shutdown.run_until_cancelled(following.run()).await;
        });
        Ok(Self { applied })
    }

    /// Waits until the upstream's changes up to `revision` have been applied.
    pub async fn caught_up(&self, revision: u64) {
        let mut applied = self.applied.clone();
        // The sender goes only when the process ends.
        let _ = applied.wait_for(|at| *at >= revision).await;
    }
}

struct Following<A> {
    database: Database,
    upstream: &'static str,
    open: OpenWatch,
    apply: Arc<A>,
    applied: watch::Sender<u64>,
}

impl<A: Apply> Following<A> {
    async fn run(self) {
        let mut wait = SHORTEST_WAIT;
        loop {
            let before = *self.applied.borrow();
            if let Err(error) = self.follow().await {
                tracing::debug!(upstream = self.upstream, error = %error, "following the change log broke off");
            }
            wait = if *self.applied.borrow() > before { SHORTEST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
            tokio::time::sleep(wait).await;
        }
    }

    async fn follow(&self) -> Result<(), Broken<A::Error>> {
        let from = stored(&mut self.database.clone(), self.upstream)
            .await
            .map_err(|error| Broken::Applying(error.into()))?;
        self.applied.send_replace(from);
        let mut changes = (self.open)(from).await.map_err(Broken::Upstream)?;
        while let Some(answer) = changes.next().await {
            if let Some(change) = answer.map_err(Broken::Upstream)?.change {
                self.one(&change).await.map_err(Broken::Applying)?;
            }
        }
        Ok(())
    }

    async fn one(&self, change: &Change) -> Result<(), A::Error> {
        let mut transaction = self.database.begin().await?;
        // The row's lock puts replicas in a line; who comes second finds the revision there.
        let sql = "UPDATE followers SET revision = $2 WHERE upstream = $1 AND revision < $2";
        let ours = transaction.execute(sql, params![self.upstream, change.revision.cast_signed()]).await? > 0;
        let revision = if ours { self.apply.apply(&mut transaction, change).await? } else { None };
        transaction.commit().await?;
        self.apply.applied(change, revision).await;
        self.applied.send_replace(change.revision);
        Ok(())
    }
}

async fn stored(database: &mut Database, upstream: &str) -> Result<u64, Error> {
    let row = database
        .fetch_optional("SELECT revision FROM followers WHERE upstream = $1", params![upstream])
        .await?;
    row.map_or(Ok(0), |row| Ok(row.integer("revision")?.cast_unsigned()))
}

#[derive(Debug, thiserror::Error)]
enum Broken<E: std::error::Error> {
    #[error("the upstream failed: {}", .0.message())]
    Upstream(Status),
    #[error("a change could not be applied: {0}")]
    Applying(E),
}
