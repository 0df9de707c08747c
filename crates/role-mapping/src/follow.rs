//! Following the client-registry's change log: what happens to a realm or client there has consequences here.
//!
//! Each change is applied in one transaction with the revision it brings the follower to, so nothing is missed or done twice.

use std::collections::HashMap;

use latchkey_api::common::v1::{Change, Operation};
use latchkey_api::roles::v1::ClientMapping;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Transaction;
use latchkey_platform::follower::Apply;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::builtin;
use crate::cache::read_from::Of;
use crate::changes::{Entry, Writer};
use crate::clients::{chosen_scopes, stored_client};
use crate::error::Error;
use crate::realms::make_roles;
use crate::service_accounts::{self, user_entry};
use crate::store::role_mappings::Holder;
use crate::store::{
    client_scopes, clients, erase, federated_identities, realms, role_mappings, roles, users,
};

/// The service whose log is followed.
pub(crate) const UPSTREAM: &str = "client-registry";

/// Applies the registry's changes.
pub(crate) struct Cascade {
    pub(crate) writer: Writer,
    pub(crate) clock: SharedClock,
    /// What the change that is being applied outdates here.
    pub(crate) entries: Mutex<Vec<Entry>>,
}

#[async_trait::async_trait]
impl Apply for Cascade {
    type Error = Error;

    async fn apply(&self, tx: &mut Transaction, change: &Change) -> Result<Option<u64>, Error> {
        let payload: Value = serde_json::from_str(&change.payload_json).unwrap_or_default();
        let (realm_id, id) = (change.realm_id.as_str(), change.entity_id.as_str());
        let entries = match (change.entity.as_str(), change.operation()) {
            ("realm", Operation::Created) => realm_created(tx, realm_id, &payload).await?,
            ("realm", Operation::Updated) => {
                realms::rename(tx, realm_id, text(&payload, "name")).await?;
                Vec::new()
            }
            ("realm", Operation::Deleted) => realm_deleted(tx, realm_id, &payload).await?,
            ("client", Operation::Created) => self.client_created(tx, realm_id, id, &payload).await?,
            ("client", Operation::Updated) => client_renamed(tx, realm_id, id, &payload).await?,
            ("client", Operation::Deleted) => client_deleted(tx, realm_id, id).await?,
            ("identity_provider", Operation::Deleted) => {
                federated_identities::delete_all_of(tx, realm_id, text(&payload, "alias")).await?;
                Vec::new()
            }
            _ => Vec::new(),
        };
        let mut revision = None;
        for entry in &entries {
            revision = Some(self.writer.append(tx, entry).await?);
        }
        *self.entries.lock() = entries;
        Ok(revision)
    }

    async fn applied(&self, change: &Change, revision: Option<u64>) {
        let entries = std::mem::take(&mut *self.entries.lock());
        match revision {
            Some(revision) => {
                self.writer.outdate(&entries);
                self.writer.changes.committed(revision);
            }
            // Another replica may have applied it: what exactly it did comes with our own log, soon. Until then all of the
            // realm, and of master, is read anew where it could matter.
            None if matches!(change.entity.as_str(), "realm" | "client") => {
                self.writer.epochs.advance(Of::Realm(&change.realm_id));
            }
            None => {}
        }
    }
}

impl Cascade {
    /// What was prepared for a client comes to light. Whatever of it is missing is made good.
    async fn client_created(
        &self,
        tx: &mut Transaction,
        realm_id: &str,
        id: &str,
        payload: &Value,
    ) -> Result<Vec<Entry>, Error> {
        let Some(realm) = realms::find(tx, realm_id).await? else { return Ok(Vec::new()) };
        let mut client = match clients::find_locked(tx, realm_id, id).await? {
            Some(client) => client,
            None => {
                let mapping = ClientMapping {
                    realm_id: realm_id.to_owned(),
                    id: id.to_owned(),
                    client_id: text(payload, "client_id").to_owned(),
                    full_scope_allowed: true,
                    realm_default_scopes: true,
                    ..ClientMapping::default()
                };
                let client = stored_client(&mapping, true)?;
                clients::insert(tx, &client).await?;
                let choices = client_scopes::choices(tx, realm_id).await?;
                client_scopes::assign(tx, realm_id, &chosen_scopes(&mapping, &choices)).await?;
                client
            }
        };
        client.published = true;
        clients::update(tx, &client).await?;
        let mut entries = vec![mapping_entry(realm_id, id, Operation::Updated)];
        let has_account = users::publish_service_account(tx, realm_id, id).await?;
        if !has_account && payload["service_accounts_enabled"].as_bool() == Some(true) {
            match service_accounts::make(tx, &realm, &client, self.clock.now_ms()).await {
                Ok(user) => entries.push(user_entry(&user, Operation::Created)),
                // It cannot be had under this name; the registry has the client nonetheless.
                Err(Error::UsernameExists) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }
}

/// The realm is published: so is all that was provisioned for it. Master gets the roles to administer it.
async fn realm_created(tx: &mut Transaction, realm_id: &str, payload: &Value) -> Result<Vec<Entry>, Error> {
    realms::publish(tx, realm_id).await?;
    clients::publish_all(tx, realm_id).await?;
    let (admin_client, name) = (text(payload, "admin_client_id"), text(payload, "name"));
    let Some(master_id) = realms::master_id(tx).await? else { return Ok(Vec::new()) };
    if admin_client.is_empty() || clients::find(tx, &master_id, admin_client).await?.is_some() {
        return Ok(Vec::new());
    }
    let client_id = format!("{name}-realm");
    let mapping = ClientMapping {
        realm_id: master_id.clone(),
        id: admin_client.to_owned(),
        client_id: client_id.clone(),
        ..ClientMapping::default()
    };
    clients::insert(tx, &stored_client(&mapping, true)?).await?;
    let uuid_of = HashMap::from([(client_id.clone(), admin_client.to_owned())]);
    let rights = make_roles(tx, &master_id, &builtin::admin_client(&client_id), &uuid_of).await?;
    let mut entries = vec![Entry::new(&master_id, "realm", Operation::Updated, &master_id)];

    let admin =
        latchkey_api::roles::v1::RoleKey { name: builtin::ADMIN_ROLE.to_owned(), ..Default::default() };
    if let Some(admin) = roles::find(tx, &master_id, &admin).await? {
        let edges = rights.iter().map(|right| (admin.id.as_str(), right.id.as_str()));
        roles::add_composites(tx, &master_id, edges).await?;
    }
    let maker = text(payload, "created_by");
    if !maker.is_empty() && users::find_any(tx, &master_id, maker).await?.is_some() {
        let ids: Vec<String> = rights.into_iter().map(|right| right.id).collect();
        role_mappings::add(tx, &master_id, Holder::User(maker), &ids).await?;
        entries.push(Entry::new(&master_id, "role_mapping", Operation::Updated, maker));
    }
    Ok(entries)
}

async fn realm_deleted(tx: &mut Transaction, realm_id: &str, payload: &Value) -> Result<Vec<Entry>, Error> {
    erase::realm(tx, realm_id).await?;
    let mut entries = vec![Entry::new(realm_id, "realm", Operation::Deleted, realm_id)];
    let admin_client = text(payload, "admin_client_id");
    if let (false, Some(master_id)) = (admin_client.is_empty(), realms::master_id(tx).await?) {
        entries.extend(client_deleted(tx, &master_id, admin_client).await?);
    }
    Ok(entries)
}

/// The client's roles take its new name as their label, and so does its service account.
async fn client_renamed(
    tx: &mut Transaction,
    realm_id: &str,
    id: &str,
    payload: &Value,
) -> Result<Vec<Entry>, Error> {
    let client_id = text(payload, "client_id");
    let Some(mut client) = clients::find_locked(tx, realm_id, id).await? else { return Ok(Vec::new()) };
    if client_id.is_empty() || client.client_id == client_id {
        return Ok(Vec::new());
    }
    client_id.clone_into(&mut client.client_id);
    clients::update(tx, &client).await?;
    // The label is in the realm's role graph.
    let mut entries = vec![
        mapping_entry(realm_id, id, Operation::Updated),
        Entry::new(realm_id, "realm", Operation::Updated, realm_id),
    ];
    if let Some(mut user) = users::service_account(tx, realm_id, id).await? {
        let username = service_accounts::username(client_id);
        let other = users::find_by_username(tx, realm_id, &username).await?;
        if let Some(leftover) = users::find_provisional(tx, realm_id, &username).await?
            && leftover != user.id
        {
            users::delete(tx, realm_id, &leftover).await?;
        }
        if other.is_none_or(|other| other.id == user.id) {
            user.username = username;
            users::update(tx, &user).await?;
            entries.push(user_entry(&user, Operation::Updated));
        }
    }
    Ok(entries)
}

/// The client's roles, scopes and account go with it.
async fn client_deleted(tx: &mut Transaction, realm_id: &str, id: &str) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    if let Some(user) = users::service_account(tx, realm_id, id).await? {
        users::delete(tx, realm_id, &user.id).await?;
        entries.push(user_entry(&user, Operation::Deleted));
    }
    if erase::client(tx, realm_id, id).await? {
        entries.push(mapping_entry(realm_id, id, Operation::Deleted));
    }
    Ok(entries)
}

fn mapping_entry(realm_id: &str, id: &str, operation: Operation) -> Entry {
    Entry::new(realm_id, "client_mapping", operation, id).with(json!({}))
}

fn text<'a>(payload: &'a Value, name: &str) -> &'a str {
    payload[name].as_str().unwrap_or_default()
}
