//! Realms in memory, by name and by id.

use std::sync::Arc;

use latchkey_api::registry::v1::Realm;
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;
use latchkey_platform::vault::Vault;

use super::dated::{Known, KnownOrAbsent};
use super::read_from::Of;
use crate::error::Error;
use crate::etag::{self, Etag};
use crate::store::is_storable;
use crate::store::realms::{self, StoredRealm};
use crate::verifier::VerifierKey;

/// A realm as a token needs it.
pub(crate) struct KnownRealm {
    /// Without `settings_json`: a token needs the rest.
    pub(crate) realm: Realm,
    pub(crate) settings_json: String,
    /// That of `realm`.
    pub(crate) etag: Etag,
    pub(crate) verifier_key: VerifierKey,
}

impl KnownRealm {
    /// All of the realm.
    pub(crate) fn whole(&self) -> Realm {
        Realm { settings_json: self.settings_json.clone(), ..self.realm.clone() }
    }

    fn weight(&self) -> usize {
        let realm = &self.realm;
        let attributes: usize =
            realm.attributes.iter().map(|(name, value)| 64 + name.len() + value.len()).sum();
        let event_types: usize = realm.enabled_event_types.iter().map(|kind| 24 + kind.len()).sum();
        attributes + event_types + self.settings_json.len() + realm.name.len()
    }
}

/// The cache.
pub(crate) struct KnownRealms {
    database: Database,
    vault: Vault,
    by_name: KnownOrAbsent<String, KnownRealm>,
    by_id: KnownOrAbsent<String, KnownRealm>,
}

impl KnownRealms {
    /// A cache that takes up to about `bytes`.
    pub(crate) fn new(database: Database, vault: Vault, epochs: &Arc<Epochs>, bytes: u64) -> Self {
        let weight = |key: &String, realm: &KnownRealm| key.len() + realm.weight();
        let half = || KnownOrAbsent::new(epochs, bytes / 2, weight);
        Self { database, vault, by_name: half(), by_id: half() }
    }

    /// A realm by its name.
    pub(crate) async fn by_name(&self, name: &str) -> Result<Option<Known<KnownRealm>>, Error> {
        if !is_storable(name) {
            return Ok(None);
        }
        let load =
            || async { self.known(realms::find_by_name(&mut self.database.clone(), name).await?).await };
        self.by_name.get(name, [Of::RealmName(name); 2], load).await
    }

    /// A realm by its id.
    pub(crate) async fn by_id(&self, id: &str) -> Result<Option<Known<KnownRealm>>, Error> {
        if !is_storable(id) {
            return Ok(None);
        }
        let load = || async { self.known(realms::find(&mut self.database.clone(), id).await?).await };
        self.by_id.get(id, [Of::Realm(id); 2], load).await
    }

    async fn known(&self, stored: Option<StoredRealm>) -> Result<Option<KnownRealm>, Error> {
        let Some(StoredRealm { mut realm, verifier_key, .. }) = stored else { return Ok(None) };
        let verifier_key = VerifierKey::open(&self.vault, &realm.id, &verifier_key).await?;
        let settings_json = std::mem::take(&mut realm.settings_json);
        let etag = etag::of_message(&realm);
        Ok(Some(KnownRealm { realm, settings_json, etag, verifier_key }))
    }
}
