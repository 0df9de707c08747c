//! A cache of values with the epochs that they are good for.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use moka::Equivalent;
use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};
use moka::policy::EvictionPolicy;

use super::epoch::{Epoch, Epochs, Of};
use crate::error::Error;

/// What an entry takes beside the value's own weight: keys, counters, the cache's bookkeeping.
const OVERHEAD: usize = 300;

struct Dated<T> {
    value: Arc<T>,
    epochs: [Epoch; 2],
}

/// The cache.
pub(super) struct DatedCache<K, T> {
    kept: Cache<K, Arc<Dated<T>>>,
    epochs: Arc<Epochs>,
}

impl<K: Hash + Eq + Send + Sync + 'static, T: Send + Sync + 'static> DatedCache<K, T> {
    /// A cache that takes up to about `bytes`. Least recently used goes first: an outdated entry is never read again, however
    /// popular it was.
    pub(super) fn new(epochs: Arc<Epochs>, bytes: u64, weight: fn(&T) -> usize) -> Self {
        let kept = Cache::builder()
            .max_capacity(bytes)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(move |_, dated: &Arc<Dated<T>>| {
                u32::try_from(OVERHEAD + weight(&dated.value)).unwrap_or(u32::MAX)
            })
            .build();
        Self { kept, epochs }
    }

    /// From memory if current; else read once, however many ask. What is not there is not kept: a name that somebody made up takes
    /// no memory, and one that is created is seen at once.
    pub(super) async fn get<Q, F>(
        &self,
        key: &Q,
        of: [Of<'_>; 2],
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, Error>
    where
        Q: Equivalent<K> + Hash + ?Sized,
        K: for<'q> From<&'q Q>,
        F: Future<Output = Result<Option<T>, Error>>,
    {
        if let Some(dated) = self.kept.get(key).await
            && self.is_current(&dated)
        {
            return Ok(Some(Arc::clone(&dated.value)));
        }
        let computed = self.kept.entry(K::from(key)).and_try_compute_with(|entry| async {
            let entry = entry.map(moka::Entry::into_value);
            if entry.as_ref().is_some_and(|dated| self.is_current(dated)) {
                return Ok(Op::Nop);
            }
            // Before the reading: a write that comes between makes what was read outdated from the start.
            let epochs = of.map(|of| self.epochs.now(of));
            Ok::<_, Error>(match load().await? {
                Some(value) => Op::Put(Arc::new(Dated { value: Arc::new(value), epochs })),
                None => Op::Remove,
            })
        });
        Ok(match Box::pin(computed).await? {
            CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
                Some(Arc::clone(&entry.into_value().value))
            }
            CompResult::Removed(_) | CompResult::StillNone(_) => None,
        })
    }

    fn is_current(&self, dated: &Dated<T>) -> bool {
        dated.epochs.iter().all(|epoch| self.epochs.is_current(*epoch))
    }
}
