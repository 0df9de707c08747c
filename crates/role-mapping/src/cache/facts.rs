//! The facts of realms, clients and accounts in memory.

use std::sync::Arc;

use latchkey_platform::cache::{Dated, DatedCache, Names};
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;

use super::read_from::Of;
use crate::error::Error;
use crate::load;
use crate::resolve::{AccountFacts, ClientFacts, RealmFacts};

/// Facts with the epochs that they are good for: their realm's and their own.
pub(crate) type Known<T> = Arc<Dated<T, 2>>;

/// The caches.
pub(crate) struct FactCaches {
    database: Database,
    realms: DatedCache<String, RealmFacts, 2>,
    clients: DatedCache<Names<2>, ClientFacts, 2>,
    accounts: DatedCache<Names<2>, AccountFacts, 2>,
}

impl FactCaches {
    /// Caches that take up to about `bytes` in all.
    pub(crate) fn new(database: Database, epochs: &Arc<Epochs>, bytes: u64) -> Self {
        let epochs = || Arc::clone(epochs);
        Self {
            database,
            realms: DatedCache::new(epochs(), bytes / 2, |id, facts| id.len() + facts.weight()),
            clients: DatedCache::new(epochs(), bytes / 4, |key, facts| key.weight() + facts.weight()),
            accounts: DatedCache::new(epochs(), bytes / 4, |key, facts| key.weight() + facts.weight()),
        }
    }

    /// The facts of a realm; empty ones where nothing has been provisioned.
    pub(crate) async fn realm(&self, realm_id: &str) -> Result<Known<RealmFacts>, Error> {
        let load = || async { load::realm(&mut self.database.clone(), realm_id).await.map(Some) };
        let found = self.realms.get(realm_id, [Of::Realm(realm_id); 2], load).await?;
        found.ok_or(Error::RealmNotFound)
    }

    /// The facts of a client, if it is there.
    pub(crate) async fn client(
        &self,
        realm_id: &str,
        uuid: &str,
    ) -> Result<Option<Known<ClientFacts>>, Error> {
        let load = || async { load::client(&mut self.database.clone(), realm_id, uuid).await };
        let of = [Of::Realm(realm_id), Of::Client(realm_id, uuid)];
        self.clients.get(&[realm_id, uuid], of, load).await
    }

    /// The facts of an account, if it is there.
    pub(crate) async fn account(
        &self,
        realm_id: &str,
        id: &str,
    ) -> Result<Option<Known<AccountFacts>>, Error> {
        let load = || async { load::account(&mut self.database.clone(), realm_id, id).await };
        let of = [Of::Realm(realm_id), Of::Account(realm_id, id)];
        self.accounts.get(&[realm_id, id], of, load).await
    }
}
