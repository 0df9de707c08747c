//! A cache of values with the epochs that they are good for.

use std::future::Future;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::{EntryAction, EntryResult};

use super::bounded::{Weighed, WeighedCache, weighed_cache};
use crate::epoch::{Epoch, Epochs};

/// A value, with the epochs before it was read. It dereferences to the value.
pub struct Dated<T, const N: usize> {
    value: T,
    epochs: [Epoch; N],
}

impl<T, const N: usize> Dated<T, N> {
    /// The epochs before the value was read.
    #[must_use]
    pub fn epochs(&self) -> &[Epoch; N] {
        &self.epochs
    }
}

impl<T, const N: usize> Deref for Dated<T, N> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The cache. Each value is good for `N` epochs: those of what it was read from.
pub struct DatedCache<K, T, const N: usize> {
    kept: WeighedCache<K, Arc<Dated<T, N>>>,
    epochs: Arc<Epochs>,
    weight: fn(&K, &T) -> usize,
}

impl<K: Hash + Eq + Clone, T, const N: usize> DatedCache<K, T, N> {
    /// A cache that takes up to about `bytes`; `weight` is what a key and its value take.
    #[must_use]
    pub fn new(epochs: Arc<Epochs>, bytes: u64, weight: fn(&K, &T) -> usize) -> Self {
        Self { kept: weighed_cache(bytes), epochs, weight }
    }

    /// A value, if it is there and current.
    pub fn current<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Arc<Dated<T, N>>> {
        let weighed = self.kept.get(key)?;
        self.is_current(&weighed.value).then(|| Arc::clone(&weighed.value))
    }

    /// From memory if current; else read once, however many ask. `of` is what `load` reads from. What is not there is not kept.
    ///
    /// # Errors
    /// Those of `load`, to this caller only: the next one tries again.
    pub async fn get<Q, O, F, E>(
        &self,
        key: &Q,
        of: [O; N],
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<Dated<T, N>>>, E>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: for<'q> From<&'q Q>,
        O: Hash,
        F: Future<Output = Result<Option<T>, E>>,
    {
        if let Some(current) = self.current(key) {
            return Ok(Some(current));
        }
        let key = K::from(key);
        let kept = self.kept.entry_async(&key, |_, weighed| {
            if self.is_current(&weighed.value) {
                EntryAction::Retain(Arc::clone(&weighed.value))
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        let place = match kept.await {
            EntryResult::Retained(current) => return Ok(Some(current)),
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => place,
            EntryResult::Removed(..) | EntryResult::Timeout => return Ok(None),
        };
        // Before the reading: a write that comes between makes what was read outdated from the start.
        let epochs = of.map(|of| self.epochs.now(of));
        let Some(value) = Box::pin(load()).await? else { return Ok(None) };
        let weight = size_of::<Dated<T, N>>() + (self.weight)(&key, &value);
        let dated = Arc::new(Dated { value, epochs });
        // It is not kept where somebody has put another value there meanwhile.
        let _ = place.insert(Weighed::new(Arc::clone(&dated), weight));
        Ok(Some(dated))
    }

    /// Keeps a value that was read after its epochs were asked for.
    pub fn put(&self, key: K, value: T, epochs: [Epoch; N]) {
        let weight = size_of::<Dated<T, N>>() + (self.weight)(&key, &value);
        self.kept.insert(key, Weighed::new(Arc::new(Dated { value, epochs }), weight));
    }

    /// About how many bytes the entries take.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.kept.weight()
    }

    fn is_current(&self, dated: &Dated<T, N>) -> bool {
        dated.epochs.iter().all(|epoch| self.epochs.is_current(*epoch))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn cache(epochs: &Arc<Epochs>) -> DatedCache<String, u32, 1> {
        DatedCache::new(Arc::clone(epochs), 1 << 20, |key, _| key.len())
    }

    async fn get(cache: &DatedCache<String, u32, 1>, value: Option<u32>) -> Option<u32> {
        let found = cache.get("r", ["r"], || async { Ok::<_, Infallible>(value) }).await;
        found.unwrap_or_else(|never| match never {}).map(|dated| **dated)
    }

    #[tokio::test]
    async fn a_value_read_while_somebody_wrote_is_not_shown_again() {
        let epochs = Arc::new(Epochs::default());
        let cache = cache(&epochs);
        let racing = || async {
            epochs.advance("r");
            Ok::<_, Infallible>(Some(1))
        };
        assert!(cache.get("r", ["r"], racing).await.is_ok());
        assert_eq!(get(&cache, Some(2)).await, Some(2), "read anew");
        assert_eq!(get(&cache, Some(3)).await, Some(2), "and then kept");
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_kept() {
        let cache = cache(&Arc::new(Epochs::default()));
        assert_eq!(get(&cache, None).await, None);
        assert_eq!(get(&cache, Some(1)).await, Some(1));
    }

    #[tokio::test]
    async fn a_value_is_read_once_however_many_ask() {
        let cache = cache(&Arc::new(Epochs::default()));
        let reads = AtomicU32::new(0);
        let ask = || {
            cache.get("r", ["r"], || async {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(Some(reads.fetch_add(1, Ordering::Relaxed)))
            })
        };
        let found = futures::future::join_all((0..100).map(|_| ask())).await;
        assert!(found.iter().all(|found| matches!(found, Ok(Some(dated)) if ***dated == 0)));
        assert_eq!(reads.into_inner(), 1);
    }
}
