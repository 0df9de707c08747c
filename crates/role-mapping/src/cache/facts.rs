//! The facts of realms, clients and accounts in memory.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use latchkey_platform::database::Database;
use latchkey_platform::epoch::{Epoch, Epochs};
use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};
use moka::policy::EvictionPolicy;

use super::read_from::Of;
use crate::error::Error;
use crate::load;
use crate::resolve::{AccountFacts, ClientFacts, RealmFacts};

/// Facts with the epochs that they are good for: their own and their realm's.
#[derive(Debug)]
pub(crate) struct Dated<T> {
    pub(crate) facts: T,
    pub(crate) epochs: [Epoch; 2],
}

type Kept<K, T> = Cache<K, Arc<Dated<T>>>;
type Pair = (String, String);

/// The caches.
pub(crate) struct FactCaches {
    database: Database,
    epochs: Arc<Epochs>,
    realms: Kept<String, RealmFacts>,
    clients: Kept<Pair, ClientFacts>,
    accounts: Kept<Pair, AccountFacts>,
}

impl FactCaches {
    /// Caches that take up to about `bytes` in all.
    pub(crate) fn new(database: Database, epochs: Arc<Epochs>, bytes: u64) -> Self {
        Self {
            database,
            epochs,
            realms: kept(bytes / 2, RealmFacts::weight),
            clients: kept(bytes / 4, ClientFacts::weight),
            accounts: kept(bytes / 4, AccountFacts::weight),
        }
    }

    /// The facts of a realm; empty ones where nothing has been provisioned.
    pub(crate) async fn realm(&self, realm_id: &str) -> Result<Arc<Dated<RealmFacts>>, Error> {
        let load = || async {
            let facts = load::realm(&mut self.database.clone(), realm_id).await?;
            Ok(Some(facts))
        };
        let found = self.get(&self.realms, realm_id.to_owned(), [Of::Realm(realm_id); 2], load).await?;
        found.ok_or(Error::RealmNotFound)
    }

    /// The facts of a client, if it is there.
    pub(crate) async fn client(
        &self,
        realm_id: &str,
        uuid: &str,
    ) -> Result<Option<Arc<Dated<ClientFacts>>>, Error> {
        let load = || async { load::client(&mut self.database.clone(), realm_id, uuid).await };
        self.get(&self.clients, pair(realm_id, uuid), [Of::Realm(realm_id), Of::Client(realm_id, uuid)], load)
            .await
    }

    /// The facts of an account, if it is there.
    pub(crate) async fn account(
        &self,
        realm_id: &str,
        id: &str,
    ) -> Result<Option<Arc<Dated<AccountFacts>>>, Error> {
        let load = || async { load::account(&mut self.database.clone(), realm_id, id).await };
        self.get(&self.accounts, pair(realm_id, id), [Of::Realm(realm_id), Of::Account(realm_id, id)], load)
            .await
    }

    /// From memory if current; else read once, however many ask. What is not there is not kept.
    async fn get<K, T, F>(
        &self,
        cache: &Kept<K, T>,
        key: K,
        of: [Of<'_>; 2],
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<Dated<T>>>, Error>
    where
        K: Hash + Eq + Send + Sync + 'static,
        T: Send + Sync + 'static,
        F: Future<Output = Result<Option<T>, Error>>,
    {
        if let Some(dated) = cache.get(&key).await
            && self.is_current(&dated)
        {
            return Ok(Some(dated));
        }
        let computed = cache
            .entry(key)
            .and_try_compute_with(|entry| async {
                let entry = entry.map(moka::Entry::into_value);
                if entry.as_ref().is_some_and(|dated| self.is_current(dated)) {
                    return Ok(Op::Nop);
                }
                let epochs = of.map(|of| self.epochs.now(of));
                Ok::<_, Error>(match load().await? {
                    Some(facts) => Op::Put(Arc::new(Dated { facts, epochs })),
                    None => Op::Remove,
                })
            })
            .await?;
        Ok(match computed {
            CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
                Some(entry.into_value())
            }
            CompResult::Removed(_) | CompResult::StillNone(_) => None,
        })
    }

    fn is_current<T>(&self, dated: &Dated<T>) -> bool {
        dated.epochs.iter().all(|epoch| self.epochs.is_current(*epoch))
    }
}

fn pair(realm_id: &str, id: &str) -> Pair {
    (realm_id.to_owned(), id.to_owned())
}

/// Least recently used goes first: an outdated entry is never read again, however popular it was.
fn kept<K: Hash + Eq + Send + Sync + 'static, T: Send + Sync + 'static>(
    bytes: u64,
    weight: fn(&T) -> usize,
) -> Kept<K, T> {
    Cache::builder()
        .max_capacity(bytes)
        .eviction_policy(EvictionPolicy::lru())
        .weigher(move |_, dated: &Arc<Dated<T>>| {
            u32::try_from(150 + weight(&dated.facts)).unwrap_or(u32::MAX)
        })
        .build()
}
