//! Read your writes across replicas: the revision of a service's change log that a write reached, and that a later read must have.
//!
//! A service answers a write with [`set_revision`]. The forwarder remembers the highest it has seen and sends it with every call to
//! that service; there [`ServerLayer`](crate::server::ServerLayer) and the pipeline wait until the replica has [`Applied`] it; one that is
//! too far [behind](REPLICA_BEHIND) refuses, and the forwarder tries another.

use crate::error::{self, Kind};
use futures::future::BoxFuture;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use tonic::{Response, Status, metadata::MetadataMap};

/// The metadata of a response by which a service tells the revision that a write reached.
pub const REVISION: &str = "latchkey-revision";
/// The metadata of a request by which a caller asks for a replica that has applied at least this revision.
pub const MIN_REVISION: &str = "latchkey-min-revision";

/// The reason of a refusal by a replica that hasn't applied what the caller must read. The call was not run.
pub const REPLICA_BEHIND: &str = "REPLICA_BEHIND";

/// How long a replica lets a caller wait for a revision. Replicas promise to apply a write within a second; one that doesn't has
/// lost its database, and another may do better.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far a replica has applied its own service's change log.
pub trait Applied: Send + Sync + 'static {
    /// The last revision applied.
    fn revision(&self) -> u64;
    /// Waits until `revision` is applied, however long it takes.
    fn wait(&self, revision: u64) -> BoxFuture<'_, ()>;
}

/// A follower publishes what it has applied through a watch channel. When its sender is gone nobody waits any longer.
impl Applied for watch::Receiver<u64> {
    fn revision(&self) -> u64 {
        *self.borrow()
    }

    fn wait(&self, revision: u64) -> BoxFuture<'_, ()> {
        let mut receiver = self.clone();
        Box::pin(async move {
            // An error says that the follower has ended, with its process.
            let _ = receiver.wait_for(|applied| *applied >= revision).await;
        })
    }
}

/// For a service without a change log: nothing is ever waited for.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoChangeLog;

impl Applied for NoChangeLog {
    fn revision(&self) -> u64 {
        u64::MAX
    }

    fn wait(&self, _revision: u64) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Waits until `revision` is applied, but not for ever.
///
/// # Errors
/// UNAVAILABLE [`REPLICA_BEHIND`].
pub(crate) async fn reach(applied: &dyn Applied, revision: u64) -> Result<(), Status> {
    if revision <= applied.revision() {
        return Ok(());
    }
    let late = |_| error::status(Kind::Unavailable, REPLICA_BEHIND, "this replica is behind");
    tokio::time::timeout(PATIENCE, applied.wait(revision)).await.map_err(late)
}

/// Tells the caller which revision its write reached.
pub fn set_revision<T>(response: &mut Response<T>, revision: u64) {
    response.metadata_mut().insert(REVISION, revision.into());
}

/// The revision a write reached, if the answer tells.
pub fn revision_of<T>(response: &Response<T>) -> Option<u64> {
    read(response.metadata(), REVISION)
}

/// Reads a revision from metadata.
pub(crate) fn read(metadata: &MetadataMap, name: &str) -> Option<u64> {
    metadata.get(name)?.to_str().ok()?.parse().ok()
}

/// The highest revision of a service that this process has been told of.
#[derive(Clone, Debug, Default)]
pub(crate) struct HighestRevision(Arc<AtomicU64>);

impl HighestRevision {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn observe(&self, revision: u64) {
        self.0.fetch_max(revision, Ordering::AcqRel);
    }
}
