//! Following the registry's change log: the sessions of a deleted realm or client end.
//!
//! Applied at least once: ending sessions twice does no harm. The position is kept in the store, by all replicas together.

use crate::{
    Error,
    store::{Store, Whose},
};
use futures::StreamExt;
use latchkey_api::{
    DynClientRegistry,
    common::v1::{Change, Operation, WatchRequest},
};
use latchkey_platform::clock::SharedClock;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

/// The service whose log is followed; the position is stored under this name.
const UPSTREAM: &str = "client-registry";

/// The wait after a failure, doubled up to the longest.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How many changes that end no session pass before the position is stored.
const STORE_EVERY: u64 = 100;

/// How far the clocks of two hosts may be apart: a session that began this long after a deletion is taken for an older one.
const SKEW_MS: i64 = 60_000;

/// Follows until `shutdown`, over and over when the registry or the store fails.
pub(crate) async fn follow(
    registry: Arc<DynClientRegistry>,
    store: Arc<dyn Store>,
    clock: SharedClock,
    shutdown: CancellationToken,
) {
    let follower = Follower { registry, store, clock };
    shutdown.run_until_cancelled(follower.run()).await;
}

struct Follower {
    registry: Arc<DynClientRegistry>,
    store: Arc<dyn Store>,
    clock: SharedClock,
}

/// Why following broke off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the registry's change log can't be read: {}", .0.message())]
    Registry(#[from] Status),
    #[error("sessions can't be ended")]
    Store(#[from] Error),
}

impl Follower {
    async fn run(&self) {
        let mut wait = SHORTEST_WAIT;
        loop {
            let mut applied = 0_u64;
            if let Err(error) = self.follow(&mut applied).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "following the registry broke off");
            }
            wait = if applied > 0 { SHORTEST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
            tokio::time::sleep(wait).await;
        }
    }

    async fn follow(&self, applied: &mut u64) -> Result<(), Broken> {
        let from_revision = self.store.position(UPSTREAM).await?;
        let mut stored = from_revision;
        let mut changes =
            self.registry.watch(Request::new(WatchRequest { from_revision })).await?.into_inner();
        while let Some(answer) = changes.next().await {
            let Some(change) = answer?.change else { continue };
            let ended = self.apply(&change).await?;
            *applied += 1;
            if ended || change.revision >= stored + STORE_EVERY {
                self.store.set_position(UPSTREAM, change.revision).await?;
                stored = change.revision;
            }
        }
        Ok(())
    }

    /// Ends the sessions of what was deleted; whether anything was.
    async fn apply(&self, change: &Change) -> Result<bool, Error> {
        if change.operation() != Operation::Deleted {
            return Ok(false);
        }
        let whose = match change.entity.as_str() {
            "realm" => Whose::Realm,
            "client" => Whose::Client(change.entity_id.clone()),
            _ => return Ok(false),
        };
        // An id may be in use again when the log is followed late: newer sessions are not meant.
        let until_ms = self.clock.now_ms().min(change.time_ms.saturating_add(SKEW_MS));
        self.store.end_all(&change.realm_id, &whose, false, until_ms).await?;
        Ok(true)
    }
}
