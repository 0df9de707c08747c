//! Use cases of realms: what a new one holds, and taking it away.

use latchkey_api::common::v1::Operation;
use latchkey_api::issuer::v1::*;
use latchkey_api::registry::v1::{GetRealmRequest, get_realm_request};
use latchkey_platform::random;
use tonic::{Code, Request};

use crate::changes::Entry;
use crate::error::Error;
use crate::key::material::Material;
use crate::providers::provider;
use crate::providers::settings::{ALGORITHM, Kind, PRIORITY};
use crate::service::IssuerService;
use crate::store::realms;

impl IssuerService {
    /// Makes a new realm's keys. What an earlier try made stays, unless other keys are asked for now.
    pub(crate) async fn provision_realm(&self, request: ProvisionRealmRequest) -> Result<Option<u64>, Error> {
        let realm_id = request.realm_id;
        if realm_id.is_empty() {
            return Err(Error::Invalid { what: "realm_id", reason: "is missing" });
        }
        let exists = realms::exists(&mut self.database.clone(), &realm_id).await?;
        if exists && (request.providers.is_empty() || self.is_published(&realm_id).await?) {
            return Ok(None);
        }
        let asked = if request.providers.is_empty() { first_providers(&realm_id) } else { request.providers };
        let made = self.new_keys(&realm_id, asked).await?;
        let mut tx = self.database.begin().await?;
        if exists {
            realms::erase(&mut tx, &self.vault, &realm_id).await?;
        }
        if !realms::insert(&mut tx, &realm_id).await? {
            return Ok(None);
        }
        for (provider, material) in made {
            let position = realms::lock(&mut tx, &realm_id).await?.ok_or(Error::RealmNotFound)?;
            self.store_new(&mut tx, &provider, material, position).await?;
        }
        self.writer.commit(tx, Entry::realm(&realm_id, Operation::Created)).await.map(Some)
    }

    /// Takes away what was provisioned for a realm that the registry does not have. Published realms go when the registry
    /// says so, not before.
    pub(crate) async fn drop_realm(&self, request: DropRealmRequest) -> Result<Option<u64>, Error> {
        let realm_id = request.realm_id;
        if self.is_published(&realm_id).await? {
            return Ok(None);
        }
        let mut tx = self.database.begin().await?;
        realms::erase(&mut tx, &self.vault, &realm_id).await?;
        self.writer.commit(tx, Entry::realm(&realm_id, Operation::Deleted)).await.map(Some)
    }

    /// The keys of several providers. Two at a time: where the pool is empty, RSA keys are made on the spot.
    async fn new_keys(
        &self,
        realm_id: &str,
        providers: Vec<KeyProvider>,
    ) -> Result<Vec<(KeyProvider, Material)>, Error> {
        let make = async |mut provider: KeyProvider| {
            realm_id.clone_into(&mut provider.realm_id);
            if provider.id.is_empty() {
                provider.id = random::uuid();
            }
            let material = self.new_key(&mut provider).await?;
            Ok::<_, Error>((provider, material))
        };
        let mut made = Vec::with_capacity(providers.len());
        let mut left = providers.into_iter();
        while let Some(one) = left.next() {
            match left.next() {
                Some(other) => {
                    let (one, other) = tokio::try_join!(Box::pin(make(one)), Box::pin(make(other)))?;
                    made.extend([one, other]);
                }
                None => made.push(Box::pin(make(one)).await?),
            }
        }
        Ok(made)
    }

    /// Whether the registry has the realm.
    async fn is_published(&self, realm_id: &str) -> Result<bool, Error> {
        let key = get_realm_request::Key::Id(realm_id.to_owned());
        match self.registry.get_realm(Request::new(GetRealmRequest { key: Some(key) })).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(Error::Registry(status)),
        }
    }
}

/// What Keycloak gives a new realm.
fn first_providers(realm_id: &str) -> Vec<KeyProvider> {
    let priority = (PRIORITY, "100");
    let made = |kind: Kind, config: &[_]| provider(realm_id, kind.id(), kind, config);
    vec![
        made(Kind::RsaGenerated, &[priority]),
        made(Kind::RsaEncGenerated, &[priority, (ALGORITHM, "RSA-OAEP")]),
        provider(realm_id, "hmac-generated-hs512", Kind::HmacGenerated, &[priority, (ALGORITHM, "HS512")]),
        made(Kind::AesGenerated, &[priority]),
    ]
}
