//! Use cases of key providers: Keycloak's components of type `org.keycloak.keys.KeyProvider`.

pub(crate) mod fallback;
mod given_key;
mod key;
pub(crate) mod settings;

use latchkey_api::common::v1::Operation;
use latchkey_api::issuer::v1::*;
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use latchkey_platform::vault::Place;

use crate::changes::Entry;
use crate::error::Error;
use crate::key::material::Material;
use crate::key::realm_keys::PURPOSE;
use crate::rotation::schedule::Stage;
use crate::service::IssuerService;
use crate::store::key_providers::{self, StoredProvider, document};
use crate::store::{key_rotations, realms};
use settings::{Kind, Settings};

/// How often an update begins anew when somebody else was faster.
const ATTEMPTS: usize = 3;

impl IssuerService {
    pub(crate) async fn create_key_provider(
        &self,
        request: CreateKeyProviderRequest,
    ) -> Result<(CreateKeyProviderResponse, u64), Error> {
        let mut provider = given(request.provider)?;
        if provider.id.is_empty() {
            provider.id = random::uuid();
        }
        if !realms::exists(&mut self.database.clone(), &provider.realm_id).await? {
            return Err(Error::RealmNotFound);
        }
        let material = self.new_key(&mut provider).await?;
        let mut tx = self.database.begin().await?;
        let position = realms::lock(&mut tx, &provider.realm_id).await?.ok_or(Error::RealmNotFound)?;
        key_rotations::look_again(&mut tx, &provider.realm_id).await?;
        self.store_new(&mut tx, &provider, material, position).await?;
        let entry =
            Entry::key_provider(&provider.realm_id, Operation::Created, &provider.id, request.admin_event);
        let revision = self.writer.commit(tx, entry).await?;
        Ok((CreateKeyProviderResponse { provider: Some(provider) }, revision))
    }

    pub(crate) async fn list_key_providers(
        &self,
        request: ListKeyProvidersRequest,
    ) -> Result<ListKeyProvidersResponse, Error> {
        let mut database = self.database.clone();
        let stored = key_providers::list(&mut database, &request.realm_id).await?;
        if stored.is_empty() && !realms::exists(&mut database, &request.realm_id).await? {
            return Err(Error::RealmNotFound);
        }
        Ok(ListKeyProvidersResponse { providers: stored.into_iter().map(|stored| stored.provider).collect() })
    }

    /// Making a key takes long, so it is done before the transaction, which then sees whether all is still as it was.
    pub(crate) async fn update_key_provider(
        &self,
        request: UpdateKeyProviderRequest,
    ) -> Result<(UpdateKeyProviderResponse, u64), Error> {
        let asked = given(request.provider)?;
        for _ in 0..ATTEMPTS {
            let mut provider = asked.clone();
            let before =
                key_providers::find(&mut self.database.clone(), &provider.realm_id, &provider.id).await?;
            let before = before.ok_or(Error::KeyProviderNotFound)?;
            let new = self.changed_key(&mut provider, &before).await?;
            let mut tx = self.database.begin().await?;
            key_rotations::look_again(&mut tx, &provider.realm_id).await?;
            let after = match new {
                Some(material) => self.sealed(&mut tx, &provider, material).await?,
                None => self.with_settings(&before, &provider)?,
            };
            if key_providers::update(&mut tx, &after, &before.document).await? {
                let (realm_id, id) = (&provider.realm_id, &provider.id);
                let entry = Entry::key_provider(realm_id, Operation::Updated, id, request.admin_event);
                let revision = self.writer.commit(tx, entry).await?;
                return Ok((UpdateKeyProviderResponse { provider: Some(provider) }, revision));
            }
        }
        Err(Error::KeyProviderChanged)
    }

    pub(crate) async fn delete_key_provider(&self, request: DeleteKeyProviderRequest) -> Result<u64, Error> {
        let DeleteKeyProviderRequest { realm_id, id, admin_event } = request;
        let mut tx = self.database.begin().await?;
        key_rotations::look_again(&mut tx, &realm_id).await?;
        if !key_providers::delete(&mut tx, &realm_id, &id).await? {
            return Err(Error::KeyProviderNotFound);
        }
        self.writer.commit(tx, Entry::key_provider(&realm_id, Operation::Deleted, &id, admin_event)).await
    }

    /// Every key of a realm as its administrator sees it.
    pub(crate) async fn list_keys(&self, request: ListKeysRequest) -> Result<ListKeysResponse, Error> {
        let dated = self.keys.get(&request.realm_id).await?;
        let mut answer = ListKeysResponse::default();
        for key in &dated.keys.keys {
            if let Some(active) = dated.keys.active(key.algorithm) {
                answer.active.entry(key.algorithm.to_owned()).or_insert_with(|| active.kid.clone());
            }
            answer.keys.push(Key {
                kid: key.kid.clone(),
                provider_id: key.provider_id.clone(),
                provider_priority: key.priority,
                status: key.status.name().to_owned(),
                r#type: key.kind.to_owned(),
                algorithm: key.algorithm.to_owned(),
                r#use: if key.encrypts { "ENC" } else { "SIG" }.to_owned(),
                public_key: key.public_key.clone(),
                certificate: key.certificate.clone(),
                valid_to_ms: key.valid_to_ms,
            });
        }
        Ok(answer)
    }

    pub(crate) async fn store_new(
        &self,
        tx: &mut Transaction,
        provider: &KeyProvider,
        material: Material,
        position: i64,
    ) -> Result<(), Error> {
        let stored = self.sealed(tx, provider, material).await?;
        key_providers::insert(tx, &stored, position).await
    }

    /// A provider with other settings and the key that it has. One that an administrator makes active or passive is his: it counts as
    /// new, and nobody deletes it but him.
    fn with_settings(
        &self,
        before: &StoredProvider,
        provider: &KeyProvider,
    ) -> Result<StoredProvider, Error> {
        let is_active = |provider| Settings::read(provider).map(|settings| settings.active);
        let (stage, since_ms) = if is_active(&before.provider)? == is_active(provider)? {
            (before.stage, before.since_ms)
        } else {
            (Stage::Plain, self.clock.now_ms())
        };
        Ok(StoredProvider {
            document: document(provider)?,
            certificate: key::certificate(provider)?.or_else(|| before.certificate.clone()),
            provider: provider.clone(),
            stage,
            since_ms,
            ..before.clone()
        })
    }

    pub(crate) async fn sealed(
        &self,
        tx: &mut Transaction,
        provider: &KeyProvider,
        material: Material,
    ) -> Result<StoredProvider, Error> {
        let Material { kid, secret, public_key, certificate } = material;
        let place = Place { realm_id: &provider.realm_id, purpose: PURPOSE, id: &provider.id };
        let sealed = self.vault.seal(tx, place, &secret).await?;
        Ok(StoredProvider {
            document: document(provider)?,
            provider: provider.clone(),
            kid,
            sealed,
            public_key,
            certificate,
            stage: Stage::Plain,
            since_ms: self.clock.now_ms(),
        })
    }
}

fn given(provider: Option<KeyProvider>) -> Result<KeyProvider, Error> {
    provider
        .filter(|provider| !provider.realm_id.is_empty())
        .ok_or(Error::Invalid { what: "provider", reason: "is missing" })
}

/// A provider with settings of one value each.
pub(crate) fn provider(realm_id: &str, name: &str, kind: Kind, config: &[(&str, &str)]) -> KeyProvider {
    let list = |value: &str| StringList { values: vec![value.to_owned()] };
    KeyProvider {
        id: random::uuid(),
        realm_id: realm_id.to_owned(),
        name: name.to_owned(),
        provider_id: kind.id().to_owned(),
        config: config.iter().map(|(name, value)| ((*name).to_owned(), list(value))).collect(),
        ..KeyProvider::default()
    }
}
