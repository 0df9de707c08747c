//! The keys of realms in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_platform::cache::DatedCache;
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;
use latchkey_platform::vault::Vault;

use crate::error::Error;
use crate::key::realm_keys::RealmKeys;
use crate::store::{key_providers, realms};

/// Keys as they were read once.
pub(crate) struct ReadKeys {
    pub(crate) keys: RealmKeys,
    /// Another one each time that keys are read: what was verified with them counts no longer than they do.
    pub(crate) generation: u64,
}

/// Keys with the epoch that they are good for.
pub(crate) type Dated = latchkey_platform::cache::Dated<ReadKeys, 1>;

/// The cache.
pub(crate) struct KeyCache {
    database: Database,
    vault: Vault,
    kept: DatedCache<String, ReadKeys, 1>,
    generations: AtomicU64,
}

impl KeyCache {
    /// A cache that takes up to about `bytes`.
    pub(crate) fn new(database: Database, vault: Vault, epochs: Arc<Epochs>, bytes: u64) -> Self {
        let weight = |realm_id: &String, read: &ReadKeys| realm_id.len() + read.keys.weight();
        let kept = DatedCache::new(epochs, bytes, weight);
        Self { database, vault, kept, generations: AtomicU64::new(0) }
    }

    /// A realm's keys: from memory if current; else read once, however many ask. What is not there is not kept.
    ///
    /// # Errors
    /// [`Error::RealmNotFound`].
    pub(crate) async fn get(&self, realm_id: &str) -> Result<Arc<Dated>, Error> {
        let load =
            || async {
                let keys = self.read(realm_id).await?;
                Ok::<_, Error>(keys.map(|keys| ReadKeys {
                    keys,
                    generation: self.generations.fetch_add(1, Ordering::Relaxed),
                }))
            };
        self.kept.get(realm_id, [realm_id], load).await?.ok_or(Error::RealmNotFound)
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
