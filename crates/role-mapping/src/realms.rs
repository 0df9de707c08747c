//! Use cases of realms: what a new one holds, and taking it away.

use std::collections::HashMap;

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::{GetRealmRequest, get_realm_request};
use latchkey_api::roles::v1::*;
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use tonic::{Code, Request};

use crate::builtin::{self, Blueprint};
use crate::changes::Entry;
use crate::clients::{chosen_scopes, stored_client};
use crate::error::Error;
use crate::realm_scopes::RealmScopes;
use crate::service::RoleMappingService;
use crate::store::realms::StoredRealm;
use crate::store::role_mappings::Holder;
use crate::store::{client_scopes, clients, erase, realms, role_mappings, roles};

impl RoleMappingService {
    /// Makes what a new realm holds. A realm that is published stays as it is; what an earlier try left behind is replaced.
    pub(crate) async fn provision_realm(&self, request: ProvisionRealmRequest) -> Result<Option<u64>, Error> {
        let realm_id = request.realm_id.clone();
        if realm_id.is_empty() {
            return Err(Error::Invalid { what: "realm_id", reason: "is missing" });
        }
        let earlier = realms::find(&mut self.database.clone(), &realm_id).await?;
        if let Some(earlier) = &earlier
            && (earlier.published || self.has_realm(&realm_id).await?)
        {
            return Ok(None);
        }
        let mut tx = self.database.begin().await?;
        if earlier.is_some() {
            erase::realm(&mut tx, &realm_id).await?;
        }
        provision(&mut tx, request).await?;
        let entry = Entry::new(&realm_id, "realm", Operation::Created, &realm_id);
        self.writer.commit(tx, vec![entry]).await.map(Some)
    }

    /// Takes away what was provisioned for a realm that the registry does not have. Published realms go when the registry
    /// says so, not before.
    pub(crate) async fn drop_realm(&self, request: DropRealmRequest) -> Result<Option<u64>, Error> {
        let realm_id = request.realm_id;
        if self.has_realm(&realm_id).await? {
            return Ok(None);
        }
        let mut tx = self.database.begin().await?;
        erase::realm(&mut tx, &realm_id).await?;
        let entry = Entry::new(&realm_id, "realm", Operation::Deleted, &realm_id);
        self.writer.commit(tx, vec![entry]).await.map(Some)
    }

    /// Whether the registry has the realm.
    async fn has_realm(&self, realm_id: &str) -> Result<bool, Error> {
        let key = get_realm_request::Key::Id(realm_id.to_owned());
        match self.registry.get_realm(Request::new(GetRealmRequest { key: Some(key) })).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(Error::Registry(status)),
        }
    }
}

async fn provision(tx: &mut Transaction, request: ProvisionRealmRequest) -> Result<(), Error> {
    let ProvisionRealmRequest { realm_id, realm_name, master, clients, client_scopes, default_role_name } =
        request;
    let uuid_of: HashMap<String, String> =
        clients.iter().map(|client| (client.client_id.clone(), client.id.clone())).collect();
    let admin_client_id = master.then(|| format!("{realm_name}-realm"));

    let mut blueprints = builtin::realm(&realm_name);
    if !default_role_name.is_empty()
        && let Some(default_role) = blueprints.first_mut()
    {
        default_role.name = default_role_name;
    }
    if let Some(admin_client_id) = &admin_client_id {
        blueprints.extend(builtin::master(admin_client_id));
    }
    let made = make_roles(tx, &realm_id, &blueprints, &uuid_of).await?;
    let default_role_id = made.first().map(|role| role.id.clone()).unwrap_or_default();
    let realm =
        StoredRealm { id: realm_id.clone(), name: realm_name, master, published: false, default_role_id };
    realms::insert(tx, &realm).await?;

    let scopes = match client_scopes {
        None => RealmScopes::built_in(&realm_id),
        Some(imported) => RealmScopes::imported(&realm_id, imported)?,
    };
    let choices = scopes.make(tx, &realm_id, &made).await?;
    let role_of_account = |name: &str| {
        let account = uuid_of.get("account")?;
        made.iter().find(|role| role.client_uuid == *account && role.name == name).map(|role| role.id.clone())
    };
    let mut assignments = Vec::new();
    for mut mapping in clients {
        mapping.realm_id.clone_from(&realm_id);
        let built_in = builtin::client_of(&mapping.client_id);
        if let Some(built_in) = &built_in {
            mapping.full_scope_allowed = built_in.full_scope_allowed;
            mapping.protocol_mappers.clone_from(&built_in.protocol_mappers);
            mapping.realm_default_scopes = true;
        }
        // The client that carries master's own administration has no client scopes.
        if admin_client_id.as_ref() != Some(&mapping.client_id) {
            assignments.extend(chosen_scopes(&mapping, &choices));
        }
        clients::insert(tx, &stored_client(&mapping, false)?).await?;
        let mapped: Vec<String> = built_in
            .map(|built_in| built_in.scope_mappings.iter().filter_map(|name| role_of_account(name)).collect())
            .unwrap_or_default();
        role_mappings::add(tx, &realm_id, Holder::Client(&mapping.id), &mapped).await?;
    }
    client_scopes::assign(tx, &realm_id, &assignments).await
}

/// Makes roles with what they contain; those of clients that the realm does not have are left out.
pub(crate) async fn make_roles(
    tx: &mut Transaction,
    realm_id: &str,
    blueprints: &[Blueprint],
    uuid_of: &HashMap<String, String>,
) -> Result<Vec<Role>, Error> {
    let container = |client_id: &Option<String>| match client_id {
        None => Some(String::new()),
        Some(client_id) => uuid_of.get(client_id).cloned(),
    };
    let mut made = Vec::with_capacity(blueprints.len());
    for blueprint in blueprints {
        if let Some(client_uuid) = container(&blueprint.client_id) {
            made.push(Role {
                id: random::uuid(),
                realm_id: realm_id.to_owned(),
                client_uuid,
                name: blueprint.name.clone(),
                description: blueprint.description.clone(),
                ..Role::default()
            });
        }
    }
    let id_of: HashMap<(&str, &str), &str> =
        made.iter().map(|role| ((role.client_uuid.as_str(), role.name.as_str()), role.id.as_str())).collect();
    let find = |client_id: &Option<String>, name: &str| {
        container(client_id).and_then(|uuid| id_of.get(&(uuid.as_str(), name)).copied())
    };
    let mut edges = Vec::new();
    for blueprint in blueprints {
        let Some(role) = find(&blueprint.client_id, &blueprint.name) else { continue };
        let parts = blueprint.contains.iter().filter_map(|(client_id, name)| find(client_id, name));
        edges.extend(parts.map(|part| (role, part)));
    }
    roles::insert_many(tx, &made).await?;
    roles::add_composites(tx, realm_id, edges).await?;
    Ok(made)
}
