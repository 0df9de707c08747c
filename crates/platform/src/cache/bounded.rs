//! A cache that takes so many bytes and no more.

use std::convert::Infallible;
use std::hash::{Hash, RandomState};
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, OptionsBuilder, Weighter};

/// What an entry takes beside the value's own weight: the key, the table's slots, a pointer's counters.
pub(super) const OVERHEAD: usize = 200;

/// What most entries take, to guess how many there will be.
const TYPICAL: u64 = 1024;

/// A value with its weight, which is counted once.
pub(super) struct Weighed<T> {
    pub(super) value: T,
    weight: u64,
}

impl<T> Weighed<T> {
    pub(super) fn new(value: T, weight: usize) -> Arc<Self> {
        Arc::new(Self { value, weight: (OVERHEAD + weight) as u64 })
    }
}

#[derive(Clone)]
pub(super) struct ByWeight;

impl<K, T> Weighter<K, Arc<Weighed<T>>> for ByWeight {
    fn weight(&self, _: &K, weighed: &Arc<Weighed<T>>) -> u64 {
        weighed.weight
    }
}

pub(super) type WeighedCache<K, T> =
    Cache<K, Arc<Weighed<T>>, ByWeight, RandomState, DefaultLifecycle<K, Arc<Weighed<T>>>>;

/// The table is hashed with a key of its own, so that nobody can choose names that collide.
pub(super) fn weighed_cache<K: Hash + Eq, T>(bytes: u64) -> WeighedCache<K, T> {
    let items = usize::try_from(bytes / TYPICAL).unwrap_or(usize::MAX);
    let options = OptionsBuilder::new()
        .weight_capacity(bytes)
        .estimated_items_capacity(items)
        .build()
        .expect("both capacities are given");
    Cache::with_options(options, ByWeight, RandomState::new(), DefaultLifecycle::default())
}

/// Values by key, until there is no more room. What was used lately stays.
pub struct Bounded<K, T>(WeighedCache<K, T>);

impl<K: Hash + Eq, T: Clone> Bounded<K, T> {
    /// A cache that takes up to about `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(weighed_cache(bytes))
    }

    /// A value, if it is there.
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<T> {
        self.0.get(key).map(|weighed| weighed.value.clone())
    }

    /// Keeps a value that itself takes about `weight` bytes, its key included.
    pub fn insert(&self, key: K, value: T, weight: usize) {
        self.0.insert(key, Weighed::new(value, weight));
    }

    /// A value, which is made if it is not there; it takes about `weight` bytes, its key included.
    pub fn get_or_insert_with(&self, key: &K, weight: usize, make: impl FnOnce() -> T) -> T
    where
        K: Clone,
    {
        let found = self.0.get_or_insert_with(key, || Ok::<_, Infallible>(Weighed::new(make(), weight)));
        match found {
            Ok(weighed) => weighed.value.clone(),
            Err(never) => match never {},
        }
    }

    /// Lets go of a value.
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) {
        self.0.remove(key);
    }

    /// About how many bytes the entries take.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.0.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_no_more_than_it_may() {
        let cache = Bounded::new(100_000);
        for number in 0..10_000 {
            cache.insert(number, number, 300);
        }
        assert!(cache.weight() <= 100_000);
        assert_eq!(cache.get(&9_999), Some(9_999));
        cache.remove(&9_999);
        assert_eq!(cache.get(&9_999), None);
    }
}
