//! A cache of values with the epochs that they are good for.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use moka::Equivalent;
use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};
use moka::policy::EvictionPolicy;

use super::read_from::Of;
use crate::error::Error;
use latchkey_platform::epoch::{Epoch, Epochs};

/// What an entry takes beside the value's own weight: keys, counters, the cache's bookkeeping.
const OVERHEAD: usize = 300;

struct Dated<T> {
    value: Arc<T>,
    epochs: [Epoch; 2],
}

/// The part of the room that is for names which nobody has.
const ABSENT: u64 = 16;

/// The cache. That a name is nobody's is kept too, apart and in less room: whoever makes names up pushes out none that exist, and
/// the second question for one is answered as quickly as for one that exists.
pub(super) struct DatedCache<K, T> {
    kept: Cache<K, Arc<Dated<T>>>,
    absent: Cache<K, [Epoch; 2]>,
    epochs: Arc<Epochs>,
}

impl<K: Hash + Eq + Send + Sync + 'static, T: Send + Sync + 'static> DatedCache<K, T> {
    /// A cache that takes up to about `bytes`. Least recently used goes first: an outdated entry is never read again, however
    /// popular it was.
    pub(super) fn new(
        epochs: Arc<Epochs>,
        bytes: u64,
        key_weight: fn(&K) -> usize,
        weight: fn(&T) -> usize,
    ) -> Self {
        let bytes_of = |weight: usize| u32::try_from(OVERHEAD + weight).unwrap_or(u32::MAX);
        let kept = Cache::builder()
            .max_capacity(bytes - bytes / ABSENT)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(move |key, dated: &Arc<Dated<T>>| bytes_of(key_weight(key) + weight(&dated.value)))
            .build();
        let absent = Cache::builder()
            .max_capacity(bytes / ABSENT)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(move |key, _| bytes_of(key_weight(key)))
            .build();
        Self { kept, absent, epochs }
    }

    /// From memory if current; else read once, however many ask.
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
            && self.are_current(&dated.epochs)
        {
            return Ok(Some(Arc::clone(&dated.value)));
        }
        if let Some(epochs) = self.absent.get(key).await
            && self.are_current(&epochs)
        {
            return Ok(None);
        }
        let computed = self.kept.entry(K::from(key)).and_try_compute_with(|entry| async {
            let entry = entry.map(moka::Entry::into_value);
            if entry.as_ref().is_some_and(|dated| self.are_current(&dated.epochs)) {
                return Ok(Op::Nop);
            }
            // Before the reading: a write that comes between makes what was read outdated from the start.
            let epochs = of.map(|of| self.epochs.now(of));
            Ok::<_, Error>(match load().await? {
                Some(value) => Op::Put(Arc::new(Dated { value: Arc::new(value), epochs })),
                None => {
                    self.absent.insert(K::from(key), epochs).await;
                    Op::Remove
                }
            })
        });
        Ok(match Box::pin(computed).await? {
            CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
                Some(Arc::clone(&entry.into_value().value))
            }
            CompResult::Removed(_) | CompResult::StillNone(_) => None,
        })
    }

    fn are_current(&self, epochs: &[Epoch; 2]) -> bool {
        epochs.iter().all(|epoch| self.epochs.is_current(*epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(epochs: &Arc<Epochs>) -> DatedCache<String, u32> {
        DatedCache::new(Arc::clone(epochs), 1 << 20, String::len, |_| 0)
    }

    #[tokio::test]
    async fn a_value_read_while_somebody_wrote_is_not_shown_again() {
        let epochs = Arc::new(Epochs::default());
        let cache = cache(&epochs);
        let of = || [Of::Realm("r"); 2];
        for racing in [Some(1), None] {
            epochs.advance(Of::Realm("r"));
            let racing = || async {
                epochs.advance(Of::Realm("r"));
                Ok(racing)
            };
            cache.get("r", of(), racing).await.unwrap();
            for value in [2, 3] {
                let found = cache.get("r", of(), || async { Ok(Some(value)) }).await.unwrap();
                assert_eq!(found.as_deref(), Some(&2), "read anew, and then kept");
            }
        }
    }

    #[tokio::test]
    async fn that_there_is_none_is_known_until_there_is_one() {
        let epochs = Arc::new(Epochs::default());
        let cache = cache(&epochs);
        let of = || [Of::Realm("r"); 2];
        for (value, expected) in [(None, None), (Some(1), None)] {
            let found = cache.get("r", of(), || async { Ok(value) }).await.unwrap();
            assert_eq!(found.as_deref(), expected);
        }
        epochs.advance(Of::Realm("r"));
        assert!(cache.get("r", of(), || async { Ok(Some(1)) }).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn names_that_nobody_has_take_little_memory_and_push_nothing_out() {
        let cache = cache(&Arc::new(Epochs::default()));
        cache.get("real", [Of::RealmName("real"); 2], || async { Ok(Some(1)) }).await.unwrap();
        for number in 0..2_000 {
            let name = format!("{number:01000}");
            let of = [Of::RealmName(&name); 2];
            assert!(cache.get(name.as_str(), of, || async { Ok(None) }).await.unwrap().is_none());
        }
        cache.kept.run_pending_tasks().await;
        cache.absent.run_pending_tasks().await;
        assert!(cache.absent.weighted_size() <= (1 << 20) / ABSENT);
        assert_eq!(cache.kept.entry_count(), 1);
    }
}
