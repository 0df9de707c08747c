//! The keys of realms in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_platform::database::Database;
use latchkey_platform::epoch::{Epoch, Epochs};
use latchkey_platform::vault::Vault;
use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};
use moka::policy::EvictionPolicy;

use crate::error::Error;
use crate::key::realm_keys::RealmKeys;
use crate::store::{key_providers, realms};

/// Keys with the epoch that they are good for.
pub(crate) struct Dated {
    pub(crate) keys: RealmKeys,
    /// Another one each time that keys are read: what was verified with them counts no longer than they do.
    pub(crate) generation: u64,
    epoch: Epoch,
}

/// The cache.
pub(crate) struct KeyCache {
    database: Database,
    vault: Vault,
    epochs: Arc<Epochs>,
    realms: Cache<String, Arc<Dated>>,
    generations: AtomicU64,
}

impl KeyCache {
    /// A cache that takes up to about `bytes`.
    pub(crate) fn new(database: Database, vault: Vault, epochs: Arc<Epochs>, bytes: u64) -> Self {
        // Least recently used goes first: an outdated entry is never read again, however popular it was.
        let realms = Cache::builder()
            .max_capacity(bytes)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, dated: &Arc<Dated>| u32::try_from(200 + dated.keys.weight()).unwrap_or(u32::MAX))
            .build();
        Self { database, vault, epochs, realms, generations: AtomicU64::new(0) }
    }

    /// A realm's keys: from memory if current; else read once, however many ask. What is not there is not kept.
    ///
    /// # Errors
    /// [`Error::RealmNotFound`].
    pub(crate) async fn get(&self, realm_id: &str) -> Result<Arc<Dated>, Error> {
        if let Some(dated) = self.realms.get(realm_id).await
            && self.epochs.is_current(dated.epoch)
        {
            return Ok(dated);
        }
        let computed = self
            .realms
            .entry(realm_id.to_owned())
            .and_try_compute_with(|entry| async {
                let entry = entry.map(moka::Entry::into_value);
                if entry.is_some_and(|dated| self.epochs.is_current(dated.epoch)) {
                    return Ok(Op::Nop);
                }
                let epoch = self.epochs.now(realm_id);
                Ok::<_, Error>(match Box::pin(self.read(realm_id)).await? {
                    Some(keys) => {
                        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
                        Op::Put(Arc::new(Dated { keys, generation, epoch }))
                    }
                    None => Op::Remove,
                })
            })
            .await?;
        match computed {
            CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
                Ok(entry.into_value())
            }
            CompResult::Removed(_) | CompResult::StillNone(_) => Err(Error::RealmNotFound),
        }
    }

    async fn read(&self, realm_id: &str) -> Result<Option<RealmKeys>, Error> {
        let mut database = self.database.clone();
        let stored = key_providers::list(&mut database, realm_id).await?;
        if stored.is_empty() && !realms::exists(&mut database, realm_id).await? {
            return Ok(None);
        }
        RealmKeys::open(&self.vault, &stored).await.map(Some)
    }
}
