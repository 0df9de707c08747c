//! Use cases of clients: what is prepared before one is published, and what is kept for it.

use std::collections::HashMap;

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::GetClientRequest;
use latchkey_api::roles::v1::*;
use latchkey_platform::database::Queries;
use serde_json::json;
use tonic::{Code, Request};

use crate::changes::Entry;
use crate::error::Error;
use crate::protocol_mappers::complete;
use crate::service::RoleMappingService;
use crate::service_accounts;
use crate::store::client_scopes::{Assignment, Choice};
use crate::store::clients::StoredClient;
use crate::store::{client_scopes, clients, erase, realms, users};

impl RoleMappingService {
    /// Stores what a client starts with. What an earlier try left behind is replaced.
    pub(crate) async fn prepare_client(
        &self,
        request: PrepareClientRequest,
    ) -> Result<(PrepareClientResponse, u64), Error> {
        let mapping = request.mapping.ok_or(Error::Invalid { what: "mapping", reason: "is missing" })?;
        let realm_id = mapping.realm_id.clone();
        let client = stored_client(&mapping, false)?;

        let mut tx = self.database.begin().await?;
        let realm = realms::find(&mut tx, &realm_id).await?.ok_or(Error::RealmNotFound)?;
        if let Some(earlier) = clients::find_locked(&mut tx, &realm_id, &client.id).await? {
            if earlier.published {
                return Err(Error::IdExists);
            }
            erase::client(&mut tx, &realm_id, &client.id).await?;
            if let Some(user) = users::service_account(&mut tx, &realm_id, &client.id).await? {
                users::delete(&mut tx, &realm_id, &user.id).await?;
            }
        }
        clients::insert(&mut tx, &client).await?;
        let choices = client_scopes::choices(&mut tx, &realm_id).await?;
        client_scopes::assign(&mut tx, &realm_id, &chosen_scopes(&mapping, &choices)).await?;
        let mut user_id = String::new();
        if request.service_account {
            user_id = service_accounts::make(&mut tx, &realm, &client, self.clock.now_ms()).await?.id;
        }
        let mapping = find_mapping(&mut tx, &realm_id, &client.id).await?;
        let entry = Entry::new(&realm_id, "client_mapping", Operation::Created, &client.id)
            .with(json!({ "client_id": client.client_id, "user_id": user_id }));
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((PrepareClientResponse { mapping }, revision))
    }

    pub(crate) async fn list_client_mappings(
        &self,
        request: ListClientMappingsRequest,
    ) -> Result<ListClientMappingsResponse, Error> {
        let ListClientMappingsRequest { realm_id, ids } = request;
        let mut db = self.database.clone();
        if let [id] = ids.as_slice() {
            let mappings = find_mapping(&mut db, &realm_id, id).await?.into_iter().collect();
            return Ok(ListClientMappingsResponse { mappings });
        }
        let mut by_id: HashMap<String, ClientMapping> =
            all_mappings(&mut db, &realm_id).await?.into_iter().map(|m| (m.id.clone(), m)).collect();
        let mappings = if ids.is_empty() {
            let mut all: Vec<ClientMapping> = by_id.into_values().collect();
            all.sort_by(|a, b| a.client_id.cmp(&b.client_id));
            all
        } else {
            ids.iter().filter_map(|id| by_id.remove(id)).collect()
        };
        Ok(ListClientMappingsResponse { mappings })
    }

    pub(crate) async fn update_client_mapping(
        &self,
        request: UpdateClientMappingRequest,
    ) -> Result<(UpdateClientMappingResponse, u64), Error> {
        let UpdateClientMappingRequest { realm_id, id, .. } = &request;
        let mut tx = self.database.begin().await?;
        let mut client = clients::find_locked(&mut tx, realm_id, id).await?.ok_or(Error::ClientNotFound)?;
        if let Some(full_scope_allowed) = request.full_scope_allowed {
            client.full_scope_allowed = full_scope_allowed;
        }
        if request.replace_protocol_mappers {
            client.protocol_mappers = complete(request.protocol_mappers.clone(), &[])?;
        }
        clients::update(&mut tx, &client).await?;
        if request.replace_client_scopes {
            let wanted = ClientMapping {
                id: id.clone(),
                default_client_scopes: request.default_client_scopes.clone(),
                optional_client_scopes: request.optional_client_scopes.clone(),
                ..ClientMapping::default()
            };
            let choices = client_scopes::choices(&mut tx, realm_id).await?;
            client_scopes::unassign_all(&mut tx, realm_id, id).await?;
            client_scopes::assign(&mut tx, realm_id, &chosen_scopes(&wanted, &choices)).await?;
        }
        let mapping = find_mapping(&mut tx, realm_id, id).await?;
        let entry = Entry::new(realm_id, "client_mapping", Operation::Updated, id)
            .with(json!({ "client_id": client.client_id }))
            .by(request.admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((UpdateClientMappingResponse { mapping }, revision))
    }

    /// Takes away what was prepared for a client that the registry does not have. Published clients go when the registry
    /// says so, not before.
    pub(crate) async fn drop_client(&self, request: DropClientRequest) -> Result<Option<u64>, Error> {
        let DropClientRequest { realm_id, id } = request;
        let asked = GetClientRequest { realm_id: realm_id.clone(), id: id.clone() };
        match self.registry.get_client(Request::new(asked)).await {
            Ok(_) => return Ok(None),
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(Error::Registry(status)),
        }
        let mut tx = self.database.begin().await?;
        let mut entries = Vec::new();
        if let Some(user) = users::service_account(&mut tx, &realm_id, &id).await? {
            users::delete(&mut tx, &realm_id, &user.id).await?;
            entries.push(service_accounts::user_entry(&user, Operation::Deleted));
        }
        erase::client(&mut tx, &realm_id, &id).await?;
        entries.push(Entry::new(&realm_id, "client_mapping", Operation::Deleted, &id));
        self.writer.commit(tx, entries).await.map(Some)
    }
}

/// A client's row as a request gives it.
pub(crate) fn stored_client(mapping: &ClientMapping, published: bool) -> Result<StoredClient, Error> {
    if mapping.id.is_empty() || mapping.client_id.is_empty() {
        return Err(Error::Invalid { what: "mapping", reason: "lacks id or client_id" });
    }
    Ok(StoredClient {
        realm_id: mapping.realm_id.clone(),
        id: mapping.id.clone(),
        client_id: mapping.client_id.clone(),
        published,
        full_scope_allowed: mapping.full_scope_allowed,
        protocol_mappers: complete(mapping.protocol_mappers.clone(), &[])?,
    })
}

/// The scopes that a new client gets: those of the realm's lists, or those it names. Unknown names are left out; a scope
/// named in both lists is a default one.
pub(crate) fn chosen_scopes(mapping: &ClientMapping, choices: &[Choice]) -> Vec<Assignment> {
    let kind = |choice: &Choice| {
        if mapping.realm_default_scopes {
            choice.optional
        } else if mapping.default_client_scopes.contains(&choice.name) {
            Some(false)
        } else {
            mapping.optional_client_scopes.contains(&choice.name).then_some(true)
        }
    };
    let assign = |choice: &Choice| {
        let optional = kind(choice)?;
        Some(Assignment { client_uuid: mapping.id.clone(), client_scope_id: choice.id.clone(), optional })
    };
    choices.iter().filter_map(assign).collect()
}

/// What is kept for a client, published or not: who asks has it from the registry.
pub(crate) async fn find_mapping(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<ClientMapping>, Error> {
    let Some(client) = clients::find(db, realm_id, id).await? else { return Ok(None) };
    let mut mapping = without_scopes(client);
    for named in client_scopes::assignments(db, realm_id, Some(id)).await? {
        add_scope(&mut mapping, named.name, named.assignment.optional);
    }
    mapping.service_account_user_id =
        users::service_account(db, realm_id, id).await?.map(|user| user.id).unwrap_or_default();
    Ok(Some(mapping))
}

async fn all_mappings(db: &mut impl Queries, realm_id: &str) -> Result<Vec<ClientMapping>, Error> {
    let mut mappings: HashMap<String, ClientMapping> = clients::list(db, realm_id)
        .await?
        .into_iter()
        .map(|client| (client.id.clone(), without_scopes(client)))
        .collect();
    for named in client_scopes::assignments(db, realm_id, None).await? {
        if let Some(mapping) = mappings.get_mut(&named.assignment.client_uuid) {
            add_scope(mapping, named.name, named.assignment.optional);
        }
    }
    for (client_uuid, user_id) in users::service_account_ids(db, realm_id).await? {
        if let Some(mapping) = mappings.get_mut(&client_uuid) {
            mapping.service_account_user_id = user_id;
        }
    }
    Ok(mappings.into_values().collect())
}

fn without_scopes(client: StoredClient) -> ClientMapping {
    ClientMapping {
        realm_id: client.realm_id,
        id: client.id,
        client_id: client.client_id,
        full_scope_allowed: client.full_scope_allowed,
        protocol_mappers: client.protocol_mappers,
        ..ClientMapping::default()
    }
}

fn add_scope(mapping: &mut ClientMapping, name: String, optional: bool) {
    if optional {
        mapping.optional_client_scopes.push(name);
    } else {
        mapping.default_client_scopes.push(name);
    }
}
