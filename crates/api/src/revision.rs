//! Read your writes across replicas: the revision of a service's change log that a write reached, and that a later read must have.
//!
//! A service answers a write with [`set_revision`]. The forwarder remembers the highest it has seen and sends it with every call to
//! that service; there [`ServerLayer`](crate::server::ServerLayer) and the pipeline wait until the replica has [`Applied`] it.

use futures::future::BoxFuture;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::watch;
use tonic::{Response, metadata::MetadataMap};

/// The metadata of a response by which a service tells the revision that a write reached.
pub const REVISION: &str = "latchkey-revision";
/// The metadata of a request by which a caller asks for a replica that has applied at least this revision.
pub const MIN_REVISION: &str = "latchkey-min-revision";

/// How far a replica has applied its own service's change log.
pub trait Applied: Send + Sync + 'static {
    /// The last revision applied.
    fn revision(&self) -> u64;
    /// Waits until `revision` is applied. The caller bounds the wait.
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
