//! What exists, and what is known not to.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use latchkey_platform::cache::{Dated, DatedCache, Equivalent, Names};
use latchkey_platform::epoch::Epochs;

use super::read_from::Of;
use crate::error::Error;

/// The part of the room that is for names which nobody has.
const ABSENT: u64 = 16;

/// A value with the epochs that it is good for.
pub(crate) type Known<T> = Arc<Dated<T, 2>>;

/// A cache that also keeps that a name is nobody's, apart and in less room: whoever makes names up pushes out none that exist, and
/// the second question for one is answered as quickly as for one that exists.
pub(super) struct KnownOrAbsent<K, T> {
    kept: DatedCache<K, T, 2>,
    absent: DatedCache<K, (), 2>,
    epochs: Arc<Epochs>,
}

/// A key that can be cached.
pub(super) trait CacheKey: Hash + Eq + Clone {
    /// The bytes that it points to.
    fn weight(&self) -> usize;
}

impl CacheKey for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl<const N: usize> CacheKey for Names<N> {
    fn weight(&self) -> usize {
        self.weight()
    }
}

impl<K: CacheKey, T> KnownOrAbsent<K, T> {
    /// A cache that takes up to about `bytes`; `weight` is what a key and its value take.
    pub(super) fn new(epochs: &Arc<Epochs>, bytes: u64, weight: fn(&K, &T) -> usize) -> Self {
        Self {
            kept: DatedCache::new(Arc::clone(epochs), bytes - bytes / ABSENT, weight),
            absent: DatedCache::new(Arc::clone(epochs), bytes / ABSENT, |key, ()| key.weight()),
            epochs: Arc::clone(epochs),
        }
    }

    /// From memory if current; else read once, however many ask.
    pub(super) async fn get<Q, F>(
        &self,
        key: &Q,
        of: [Of<'_>; 2],
        load: impl FnOnce() -> F,
    ) -> Result<Option<Known<T>>, Error>
    where
        Q: Equivalent<K> + Hash + ?Sized,
        K: for<'q> From<&'q Q>,
        F: Future<Output = Result<Option<T>, Error>>,
    {
        if let Some(current) = self.kept.current(key) {
            return Ok(Some(current));
        }
        if self.absent.current(key).is_some() {
            return Ok(None);
        }
        let epochs = of.map(|of| self.epochs.now(of));
        let found = self.kept.get(key, of, load).await?;
        if found.is_none() {
            self.absent.put(K::from(key), (), epochs);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(epochs: &Arc<Epochs>) -> KnownOrAbsent<String, u32> {
        KnownOrAbsent::new(epochs, 1 << 20, |key, _| key.len())
    }

    #[tokio::test]
    async fn that_there_is_none_is_known_until_there_is_one() {
        let epochs = Arc::new(Epochs::default());
        let cache = cache(&epochs);
        let of = || [Of::Realm("r"); 2];
        for (value, expected) in [(None, None), (Some(1), None)] {
            let found = cache.get("r", of(), || async { Ok(value) }).await.unwrap();
            assert_eq!(found.map(|known| **known), expected);
        }
        epochs.advance(Of::Realm("r"));
        assert!(cache.get("r", of(), || async { Ok(Some(1)) }).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn that_there_is_none_is_forgotten_if_somebody_wrote_meanwhile() {
        let epochs = Arc::new(Epochs::default());
        let cache = cache(&epochs);
        let of = || [Of::Realm("r"); 2];
        let racing = || async {
            epochs.advance(Of::Realm("r"));
            Ok(None)
        };
        assert!(cache.get("r", of(), racing).await.unwrap().is_none());
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
        assert!(cache.absent.weight() <= (1 << 20) / ABSENT);
        assert!(cache.kept.current("real").is_some());
    }
}
