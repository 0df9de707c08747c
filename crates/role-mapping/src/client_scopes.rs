//! Use cases of client scopes.

use latchkey_api::common::v1::{AdminEvent, Operation};
use latchkey_api::roles::v1::*;
use latchkey_platform::random;
use serde_json::json;

use crate::builtin::OPENID_CONNECT;
use crate::changes::Entry;
use crate::error::Error;
use crate::protocol_mappers::complete;
use crate::service::RoleMappingService;
use crate::store::client_scopes::{self, Assignment, REALM};
use crate::store::{clients, realms};

impl RoleMappingService {
    pub(crate) async fn create_client_scope(
        &self,
        request: CreateClientScopeRequest,
    ) -> Result<(CreateClientScopeResponse, u64), Error> {
        let mut scope = given(request.client_scope)?;
        if scope.id.is_empty() {
            scope.id = random::uuid();
        }
        scope.protocol_mappers = complete(scope.protocol_mappers, &[])?;
        let mut tx = self.database.begin().await?;
        realms::find(&mut tx, &scope.realm_id).await?.ok_or(Error::RealmNotFound)?;
        client_scopes::insert(&mut tx, &scope).await?;
        let entry = entry(&scope, Operation::Created, request.admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((CreateClientScopeResponse { client_scope: Some(scope) }, revision))
    }

    pub(crate) async fn get_client_scope(
        &self,
        request: GetClientScopeRequest,
    ) -> Result<GetClientScopeResponse, Error> {
        let scope = client_scopes::find(&mut self.database.clone(), &request.realm_id, &request.id).await?;
        Ok(GetClientScopeResponse { client_scope: Some(scope.ok_or(Error::ClientScopeNotFound)?) })
    }

    pub(crate) async fn list_client_scopes(
        &self,
        request: ListClientScopesRequest,
    ) -> Result<ListClientScopesResponse, Error> {
        let client_scopes = client_scopes::list(&mut self.database.clone(), &request.realm_id).await?;
        Ok(ListClientScopesResponse { client_scopes })
    }

    pub(crate) async fn update_client_scope(
        &self,
        request: UpdateClientScopeRequest,
    ) -> Result<(UpdateClientScopeResponse, u64), Error> {
        let mut scope = given(request.client_scope)?;
        let mut tx = self.database.begin().await?;
        let known = client_scopes::find_locked(&mut tx, &scope.realm_id, &scope.id).await?;
        scope.protocol_mappers = known.ok_or(Error::ClientScopeNotFound)?.protocol_mappers;
        client_scopes::update(&mut tx, &scope).await?;
        let entry = entry(&scope, Operation::Updated, request.admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((UpdateClientScopeResponse { client_scope: Some(scope) }, revision))
    }

    pub(crate) async fn delete_client_scope(&self, request: DeleteClientScopeRequest) -> Result<u64, Error> {
        let DeleteClientScopeRequest { realm_id, id, admin_event } = request;
        let mut tx = self.database.begin().await?;
        let scope = client_scopes::find(&mut tx, &realm_id, &id).await?.ok_or(Error::ClientScopeNotFound)?;
        client_scopes::delete(&mut tx, &realm_id, &id).await?;
        self.writer.commit(tx, vec![entry(&scope, Operation::Deleted, admin_event)]).await
    }

    pub(crate) async fn assign_client_scope(&self, request: AssignClientScopeRequest) -> Result<u64, Error> {
        let optional = |assignment| match assignment {
            ScopeAssignment::Default => Ok(Some(false)),
            ScopeAssignment::Optional => Ok(Some(true)),
            ScopeAssignment::None => Ok(None),
            ScopeAssignment::Unspecified => Err(Error::Invalid { what: "assignment", reason: "is missing" }),
        };
        let (target, from) = (optional(request.assignment())?, request.from());
        let AssignClientScopeRequest { realm_id, client_uuid, client_scope_id, admin_event, .. } = request;

        let mut tx = self.database.begin().await?;
        if client_uuid != REALM {
            clients::find_locked(&mut tx, &realm_id, &client_uuid).await?.ok_or(Error::ClientNotFound)?;
        }
        let scope = client_scopes::find(&mut tx, &realm_id, &client_scope_id).await?;
        scope.ok_or(Error::ClientScopeNotFound)?;
        let place = |optional| Assignment {
            client_uuid: client_uuid.clone(),
            client_scope_id: client_scope_id.clone(),
            optional,
        };
        match target {
            Some(optional) => {
                let known = client_scopes::assignments(&mut tx, &realm_id, Some(&client_uuid)).await?;
                let known = known.iter().find(|named| named.assignment.client_scope_id == client_scope_id);
                if client_uuid == REALM && known.is_some_and(|named| named.assignment.optional != optional) {
                    return Err(Error::ClientScopeExists);
                }
                client_scopes::assign(&mut tx, &realm_id, &[place(optional)]).await?;
            }
            None => {
                let optional =
                    optional(from)?.ok_or(Error::Invalid { what: "from", reason: "must name a list" })?;
                client_scopes::unassign(&mut tx, &realm_id, &place(optional)).await?;
            }
        }
        let entry = match client_uuid.as_str() {
            REALM => Entry::new(&realm_id, "client_scope", Operation::Updated, &client_scope_id),
            client => Entry::new(&realm_id, "client_mapping", Operation::Updated, client),
        };
        let entry = entry.with(json!({ "client_scope_id": client_scope_id })).by(admin_event);
        self.writer.commit(tx, vec![entry]).await
    }

    pub(crate) async fn list_realm_client_scopes(
        &self,
        request: ListRealmClientScopesRequest,
    ) -> Result<ListRealmClientScopesResponse, Error> {
        let assigned = client_scopes::assigned(&mut self.database.clone(), &request.realm_id, REALM).await?;
        let mut lists = ListRealmClientScopesResponse::default();
        for (scope, optional) in assigned {
            let list = if optional { &mut lists.optional_scopes } else { &mut lists.default_scopes };
            list.push(scope);
        }
        Ok(lists)
    }
}

fn given(scope: Option<ClientScope>) -> Result<ClientScope, Error> {
    let mut scope = scope.ok_or(Error::Invalid { what: "client_scope", reason: "is missing" })?;
    if scope.name.is_empty() {
        return Err(Error::Invalid { what: "client_scope", reason: "has no name" });
    }
    if scope.protocol.is_empty() {
        OPENID_CONNECT.clone_into(&mut scope.protocol);
    }
    Ok(scope)
}

fn entry(scope: &ClientScope, operation: Operation, admin_event: Option<AdminEvent>) -> Entry {
    Entry::new(&scope.realm_id, "client_scope", operation, &scope.id)
        .with(json!({ "name": scope.name }))
        .by(admin_event)
}
