//! All replicas of a service: found by name, chosen by load.

use super::{
    link::{Link, unavailable},
    replica::{Replica, Signals},
    target::{Error, Target},
};
use arc_swap::ArcSwap;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

/// The replicas of one service. Dropping it lets the calls under way end, and closes the connections.
#[derive(Debug)]
pub(crate) struct Replicas {
    shared: Arc<Shared>,
    _finder: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: Target,
    members: ArcSwap<Vec<Member>>,
    signals: Arc<Signals>,
    /// Where the next choice begins, so that equals take turns.
    turn: AtomicUsize,
}

#[derive(Clone, Debug)]
struct Member {
    replica: Arc<Replica>,
    _keeper: Arc<Keeper>,
}

/// Keeps a replica's pipeline open for as long as it is a member.
#[derive(Debug)]
struct Keeper {
    replica: Arc<Replica>,
    _task: AbortOnDropHandle<()>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.replica.stop();
    }
}

impl Replicas {
    /// Begins to look for replicas. Needs a tokio runtime.
    ///
    /// # Errors
    /// A target that can't be used.
    pub(crate) fn find(target: Target) -> Result<Self, Error> {
        // Whatever is wrong with the target shows here rather than at the first call.
        target.host_and_port()?;
        target.channel(SocketAddr::from(([127, 0, 0, 1], 1)))?;
        let shared = Arc::new(Shared {
            target,
            members: ArcSwap::default(),
            signals: Arc::default(),
            turn: AtomicUsize::new(0),
        });
        let finder = tokio::spawn(Arc::clone(&shared).follow_addresses());
        Ok(Self { shared, _finder: AbortOnDropHandle::new(finder) })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.shared.target
    }

    /// The ready replica with the least in flight, as soon as there is one. `avoid` is taken only where there is no other.
    ///
    /// # Errors
    /// UNAVAILABLE when there is none until `deadline`, or for as long as the settings allow.
    pub(crate) async fn choose(
        &self,
        deadline: Instant,
        avoid: Option<&Arc<Replica>>,
    ) -> Result<Arc<Replica>, Status> {
        if let Some(replica) = self.shared.choose_now(avoid) {
            return Ok(replica);
        }
        let patience = Instant::now() + self.shared.target.settings.wait_for_ready;
        loop {
            let mut ready = pin!(self.shared.signals.ready.notified());
            ready.as_mut().enable();
            if let Some(replica) = self.shared.choose_now(avoid) {
                return Ok(replica);
            }
            if tokio::time::timeout_at(deadline.min(patience).into(), ready).await.is_err() {
                return self.shared.choose_now(avoid).ok_or_else(|| unavailable(None));
            }
        }
    }
}

impl Shared {
    fn choose_now(&self, avoid: Option<&Arc<Replica>>) -> Option<Arc<Replica>> {
        let is_avoided = |replica: &Arc<Replica>| avoid.is_some_and(|avoided| Arc::ptr_eq(avoided, replica));
        let members = self.members.load();
        let turn = if members.len() > 1 { self.turn.fetch_add(1, Ordering::Relaxed) } else { 0 };
        (0..members.len())
            .map(|offset| &members[(turn.wrapping_add(offset)) % members.len()].replica)
            .filter(|replica| replica.is_ready())
            .min_by_key(|replica| (is_avoided(replica), replica.in_flight()))
            .cloned()
    }

    async fn follow_addresses(self: Arc<Self>) {
        loop {
            match self.look_up().await {
                Ok(addresses) if !addresses.is_empty() => self.update(&addresses),
                Ok(_) => tracing::warn!(service = %self.target.uri, "the service's name has no address"),
                Err(error) => {
                    tracing::warn!(service = %self.target.uri, %error, "the service's name can't be looked up")
                }
            }
            let interval = self.target.settings.resolve_interval;
            // A lost replica may have come back elsewhere.
            let _ = tokio::time::timeout(interval, self.signals.lost.notified()).await;
        }
    }

    async fn look_up(&self) -> std::io::Result<BTreeSet<SocketAddr>> {
        let (host, port) = self.target.host_and_port().map_err(std::io::Error::other)?;
        let found = (self.target.look_up)(host.to_owned(), port).await?;
        Ok(found.into_iter().collect())
    }

    fn update(&self, addresses: &BTreeSet<SocketAddr>) {
        let known = self.members.load();
        let is_known = |address: &SocketAddr| known.iter().any(|member| member.replica.address == *address);
        if known.len() == addresses.len() && addresses.iter().all(is_known) {
            return;
        }
        let mut members: Vec<Member> =
            known.iter().filter(|member| addresses.contains(&member.replica.address)).cloned().collect();
        for address in addresses.iter().filter(|address| !is_known(address)) {
            match self.target.channel(*address) {
                Ok(channel) => members.push(self.member(Replica::new(*address, Link::new(channel)))),
                Err(error) => tracing::error!(replica = %address, %error, "the replica can't be used"),
            }
        }
        self.members.store(Arc::new(members));
    }

    fn member(&self, replica: Replica) -> Member {
        let replica = Arc::new(replica);
        let (kept, settings, signals) =
            (Arc::clone(&replica), self.target.settings.clone(), Arc::clone(&self.signals));
        let task = tokio::spawn(async move { kept.keep_open(&settings, &signals).await });
        let keeper = Keeper { replica: Arc::clone(&replica), _task: AbortOnDropHandle::new(task) };
        Member { replica, _keeper: Arc::new(keeper) }
    }
}
