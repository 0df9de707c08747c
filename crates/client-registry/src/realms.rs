//! Use cases of realms.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::*;
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use serde_json::{Value, json};

use crate::changes::{Entry, REALM};
use crate::clients::{deleted, updated};
use crate::error::Error;
use crate::key_rotation::KeyRotation;
use crate::secret_policy::{SecretKeeping, SecretPolicy};
use crate::service::RegistryService;
use crate::store::client_secrets::Of;
use crate::store::clients::Filter;
use crate::store::realms::StoredRealm;
use crate::store::{client_secrets, clients, is_storable, realms};
use crate::verifier::VerifierKey;

/// The realm whose clients `<name>-realm` carry the admin roles of the others.
const MASTER: &str = "master";

/// What a realm's attributes say to this service.
struct Checked {
    /// None if its keys are not to be rotated.
    key_rotation: Option<KeyRotation>,
    secrets: SecretPolicy,
}

impl RegistryService {
    pub(crate) async fn get_realm(&self, request: GetRealmRequest) -> Result<GetRealmResponse, Error> {
        let known = match &request.key {
            Some(get_realm_request::Key::Name(name)) => self.realms.by_name(name).await?,
            Some(get_realm_request::Key::Id(id)) => self.realms.by_id(id).await?,
            None => return Err(Error::Invalid { what: "key", reason: "is missing" }),
        };
        Ok(GetRealmResponse { realm: Some(known.ok_or(Error::RealmNotFound)?.whole()) })
    }

    pub(crate) async fn list_realms(&self) -> Result<ListRealmsResponse, Error> {
        Ok(ListRealmsResponse { realms: realms::list(&mut self.database.clone()).await? })
    }

    /// Publishes a realm with its first clients, and its admin client in master: all of it or nothing.
    pub(crate) async fn create_realm(
        &self,
        request: CreateRealmRequest,
    ) -> Result<(CreateRealmResponse, u64), Error> {
        let CreateRealmRequest {
            realm,
            clients,
            mut admin_client,
            created_by_user_id,
            admin_event,
            identity_providers,
        } = request;
        let admin_client_id = admin_client.as_mut().map(identified).unwrap_or_default();
        let mut realm = realm.ok_or(Error::Invalid { what: "realm", reason: "is missing" })?;
        if realm.id.is_empty() {
            realm.id = random::uuid();
        }
        let checked = self.check(&realm)?;
        realm.version = 1;

        let master_id = admin_client.as_ref().and_then(|new| Some(new.client.as_ref()?.realm_id.clone()));
        // Its key is opened before the transaction: that may need a connection of its own.
        let (mut tx, master) = match &master_id {
            Some(master_id) => {
                let (tx, keeping) = self.begin_in_realm(master_id).await?;
                (tx, Some((master_id, keeping)))
            }
            None => (self.database.begin().await?, None),
        };
        let (key, verifier_key) = VerifierKey::generate(&self.vault, &mut tx, &realm.id).await?;
        let keeping = SecretKeeping { key, policy: checked.secrets };
        let stored =
            StoredRealm { realm: realm.clone(), admin_client_id: admin_client_id.clone(), verifier_key };
        realms::insert(&mut tx, &stored).await?;
        if let (Some(new), Some((master_id, keeping))) = (admin_client, &master) {
            self.insert_client(&mut tx, keeping, master_id, new).await?;
        }
        let mut published = Vec::with_capacity(clients.len());
        for new in clients {
            let (client, _) = self.insert_client(&mut tx, &keeping, &realm.id, new).await?;
            published.push(json!({ "id": client.id, "client_id": client.client_id }));
        }
        for new in identity_providers {
            self.insert_identity_provider(&mut tx, &realm.id, new).await?;
        }
        let payload = json!({
            "name": realm.name,
            "admin_client_id": admin_client_id,
            "created_by": created_by_user_id,
            "clients": published,
            "key_rotation": checked.key_rotation,
        });
        let entry = Entry { admin_event, ..entry(&realm.id, Operation::Created, payload) };
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((CreateRealmResponse { realm: Some(realm), revision }, revision))
    }

    pub(crate) async fn update_realm(
        &self,
        request: UpdateRealmRequest,
    ) -> Result<(UpdateRealmResponse, u64), Error> {
        let UpdateRealmRequest { realm, admin_event } = request;
        let mut realm = realm.ok_or(Error::Invalid { what: "realm", reason: "is missing" })?;
        let checked = self.check(&realm)?;
        let mut tx = self.database.begin().await?;
        let stored = realms::find_locked(&mut tx, &realm.id).await?.ok_or(Error::RealmNotFound)?;
        if stored.realm.version != realm.version {
            return Err(Error::VersionMismatch);
        }
        realm.version += 1;
        if !realms::update(&mut tx, &realm).await? {
            return Err(Error::VersionMismatch);
        }
        if checked.secrets.forgets_after(SecretPolicy::of(&stored.realm)?) {
            forget_secrets(&mut tx, &realm.id, checked.secrets).await?;
        }
        let mut entries = Vec::new();
        if stored.realm.name != realm.name {
            entries.extend(rename_admin_client(&mut tx, &stored, &realm.name).await?);
        }
        let payload = json!({
            "name": realm.name,
            "previous_name": stored.realm.name,
            "key_rotation": checked.key_rotation,
        });
        entries.push(Entry { admin_event, ..entry(&realm.id, Operation::Updated, payload) });
        let revision = self.writer.commit(tx, entries).await?;
        Ok((UpdateRealmResponse { realm: Some(realm), revision }, revision))
    }

    pub(crate) async fn delete_realm(&self, request: DeleteRealmRequest) -> Result<u64, Error> {
        let DeleteRealmRequest { realm_id, admin_event } = request;
        let mut tx = self.database.begin().await?;
        let stored = realms::find_locked(&mut tx, &realm_id).await?.ok_or(Error::RealmNotFound)?;
        // Waits for whoever is adding a client to it.
        realms::delete(&mut tx, &realm_id).await?;
        self.vault.forget(&mut tx, &realm_id).await?;
        let mut entries = Vec::new();
        if let Some(client) = admin_client(&mut tx, &stored).await? {
            clients::delete(&mut tx, &client.realm_id, &client.id).await?;
            entries.push(deleted(&client));
        }
        let payload = json!({ "name": stored.realm.name, "admin_client_id": stored.admin_client_id });
        entries.push(Entry { admin_event, ..entry(&realm_id, Operation::Deleted, payload) });
        self.writer.commit(tx, entries).await
    }

    /// Checks a realm that is about to be stored, and gives what its attributes say.
    fn check(&self, realm: &Realm) -> Result<Checked, Error> {
        if realm.id.is_empty() || realm.name.is_empty() {
            return Err(Error::Invalid { what: "realm", reason: "lacks id or name" });
        }
        if !is_storable(&realm.id) || !is_storable(&realm.name) {
            return Err(Error::Invalid { what: "realm", reason: "has a zero byte in its id or name" });
        }
        Ok(Checked {
            key_rotation: KeyRotation::of(realm, self.shortest_key_rotation_s)?,
            secrets: SecretPolicy::of(realm)?,
        })
    }
}

/// Gives a new client an id if it has none, and says which it has.
fn identified(new: &mut NewClient) -> String {
    let client = new.client.get_or_insert_default();
    if client.id.is_empty() {
        client.id = random::uuid();
    }
    client.id.clone()
}

/// The client of master that carries a realm's admin roles.
async fn admin_client(tx: &mut Transaction, stored: &StoredRealm) -> Result<Option<Client>, Error> {
    if stored.admin_client_id.is_empty() {
        return Ok(None);
    }
    let Some(master) = realms::find_by_name(tx, MASTER).await? else { return Ok(None) };
    clients::find_locked(tx, &master.realm.id, &stored.admin_client_id).await
}

/// The admin client is called after its realm.
async fn rename_admin_client(
    tx: &mut Transaction,
    stored: &StoredRealm,
    name: &str,
) -> Result<Option<Entry>, Error> {
    let Some(mut client) = admin_client(tx, stored).await? else { return Ok(None) };
    let previous = std::mem::replace(&mut client.client_id, format!("{name}-realm"));
    client.version += 1;
    if !clients::update(tx, &client).await? {
        return Err(Error::VersionMismatch);
    }
    Ok(Some(updated(&client, &previous)))
}

fn entry(realm_id: &str, operation: Operation, payload: Value) -> Entry {
    Entry {
        realm_id: realm_id.to_owned(),
        entity: REALM,
        operation,
        entity_id: realm_id.to_owned(),
        payload,
        admin_event: None,
    }
}

/// Forgets the secrets that are no longer to be read. Their clients authenticate as before.
async fn forget_secrets(tx: &mut Transaction, realm_id: &str, policy: SecretPolicy) -> Result<(), Error> {
    for listed in clients::list(tx, realm_id, &Filter::default()).await? {
        if !policy.keeps_readable(&listed.client) {
            client_secrets::forget(tx, Of { realm_id, client_uuid: &listed.client.id }).await?;
        }
    }
    Ok(())
}
