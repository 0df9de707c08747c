//! Clients in memory, with what decides about their credentials.

use std::sync::Arc;

use latchkey_api::registry::v1::Client;
use latchkey_platform::cache::Names;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;
use latchkey_platform::vault::Vault;

use super::dated::{Known, KnownOrAbsent};
use super::read_from::Of;
use crate::authentication::{self, Authenticator, Preparation};
use crate::error::Error;
use crate::etag::{self, Etag};
use crate::secret_uses::SecretUses;
use crate::store::{clients, is_storable};

/// A client as a token needs it.
pub(crate) struct KnownClient {
    /// Without `settings_json`: a token needs the rest.
    pub(crate) client: Client,
    pub(crate) settings_json: String,
    /// That of `client`.
    pub(crate) etag: Etag,
    /// Decides about credentials that are presented for it.
    pub(crate) authenticator: Box<dyn Authenticator>,
}

impl KnownClient {
    /// All of the client.
    pub(crate) fn whole(&self) -> Client {
        Client { settings_json: self.settings_json.clone(), ..self.client.clone() }
    }

    fn weight(&self) -> usize {
        let client = &self.client;
        let attributes: usize =
            client.attributes.iter().map(|(name, value)| 64 + name.len() + value.len()).sum();
        let lists = client.redirect_uris.iter().chain(&client.web_origins);
        let lists: usize = lists.map(|uri| 24 + uri.len()).sum();
        let texts = [&client.client_id, &client.name, &client.description, &self.settings_json];
        let texts: usize = texts.map(String::len).iter().sum();
        200 + attributes + lists + texts + self.authenticator.weight()
    }
}

/// The cache.
pub(crate) struct KnownClients {
    database: Database,
    vault: Vault,
    clock: SharedClock,
    secret_uses: Arc<SecretUses>,
    kept: KnownOrAbsent<Names<2>, KnownClient>,
}

impl KnownClients {
    /// A cache that takes up to about `bytes`.
    pub(crate) fn new(
        database: Database,
        vault: Vault,
        clock: SharedClock,
        epochs: &Arc<Epochs>,
        secret_uses: Arc<SecretUses>,
        bytes: u64,
    ) -> Self {
        let kept = KnownOrAbsent::new(epochs, bytes, |key: &Names<2>, client: &KnownClient| {
            key.weight() + client.weight()
        });
        Self { database, vault, clock, secret_uses, kept }
    }

    /// A client by its client_id.
    pub(crate) async fn find(
        &self,
        realm_id: &str,
        client_id: &str,
    ) -> Result<Option<Known<KnownClient>>, Error> {
        if !is_storable(realm_id) || !is_storable(client_id) {
            return Ok(None);
        }
        let of = [Of::AllClients(realm_id), Of::Client(realm_id, client_id)];
        self.kept.get(&[realm_id, client_id], of, || self.load(realm_id, client_id)).await
    }

    async fn load(&self, realm_id: &str, client_id: &str) -> Result<Option<KnownClient>, Error> {
        let mut database = self.database.clone();
        let Some(mut client) = clients::find_by_client_id(&mut database, realm_id, client_id).await? else {
            return Ok(None);
        };
        let with = Preparation { vault: &self.vault, uses: &self.secret_uses, now_ms: self.clock.now_ms() };
        let authenticator = authentication::prepare(&mut database, &with, &client).await?;
        let settings_json = std::mem::take(&mut client.settings_json);
        let etag = etag::of_message(&client);
        Ok(Some(KnownClient { client, settings_json, etag, authenticator }))
    }
}
