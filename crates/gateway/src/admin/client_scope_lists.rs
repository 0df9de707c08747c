//! The lists of default and optional client scopes: a client's, and the realm's for clients to come.

use super::{
    answer::{json, no_content},
    authorization::{Admin, ManageClients, ViewClients},
    client_scopes::ScopePath,
    clients::ClientPath,
    error::{Answer, Error},
};
use crate::App;
use axum::{
    Router,
    extract::Path,
    routing::{get, put},
};
use latchkey_api::{
    error::{Kind, reason},
    roles::v1::{AssignClientScopeRequest, ClientScope, ListRealmClientScopesRequest, ScopeAssignment},
};
use serde::Deserialize;
use serde_json::json;
use tonic::Request;

/// A client and a client scope.
#[derive(Deserialize)]
struct ClientAndScope {
    id: String,
    scope: String,
}

const DEFAULT: i32 = ScopeAssignment::Default as i32;
const OPTIONAL: i32 = ScopeAssignment::Optional as i32;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/clients/{id}/default-client-scopes", get(list::<DEFAULT>))
        .route(
            "/admin/realms/{realm}/clients/{id}/default-client-scopes/{scope}",
            put(add::<DEFAULT>).delete(remove::<DEFAULT>),
        )
        .route("/admin/realms/{realm}/clients/{id}/optional-client-scopes", get(list::<OPTIONAL>))
        .route(
            "/admin/realms/{realm}/clients/{id}/optional-client-scopes/{scope}",
            put(add::<OPTIONAL>).delete(remove::<OPTIONAL>),
        )
        .route("/admin/realms/{realm}/default-default-client-scopes", get(realm_list::<DEFAULT>))
        .route(
            "/admin/realms/{realm}/default-default-client-scopes/{scope}",
            put(realm_add::<DEFAULT>).delete(realm_remove::<DEFAULT>),
        )
        .route("/admin/realms/{realm}/default-optional-client-scopes", get(realm_list::<OPTIONAL>))
        .route(
            "/admin/realms/{realm}/default-optional-client-scopes/{scope}",
            put(realm_add::<OPTIONAL>).delete(realm_remove::<OPTIONAL>),
        )
}

/// A client's list: ids and names.
async fn list<const LIST: i32>(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    let mapping = admin.mapping(&path.id).await?;
    let names = if LIST == DEFAULT { mapping.default_client_scopes } else { mapping.optional_client_scopes };
    let scopes = admin.client_scopes().await?;
    let listed = scopes.iter().filter(|scope| names.contains(&scope.name));
    json(&listed.map(|scope| json!({ "id": scope.id, "name": scope.name })).collect::<Vec<_>>())
}

async fn add<const LIST: i32>(admin: Admin<ManageClients>, Path(path): Path<ClientAndScope>) -> Answer {
    admin.client(&path.id).await?;
    let change = AssignClientScopeRequest { assignment: LIST, ..AssignClientScopeRequest::default() };
    assign(&admin, Some(&path.id), &path.scope, "CREATE", LIST, change).await
}

async fn remove<const LIST: i32>(admin: Admin<ManageClients>, Path(path): Path<ClientAndScope>) -> Answer {
    admin.client(&path.id).await?;
    assign(&admin, Some(&path.id), &path.scope, "DELETE", LIST, taken_off(LIST)).await
}

async fn realm_list<const LIST: i32>(admin: Admin<ViewClients>) -> Answer {
    let request = ListRealmClientScopesRequest { realm_id: admin.realm_id() };
    let answer = admin.services().roles.list_realm_client_scopes(Request::new(request)).await?.into_inner();
    let listed = if LIST == DEFAULT { answer.default_scopes } else { answer.optional_scopes };
    let show =
        |scope: &ClientScope| json!({ "id": scope.id, "name": scope.name, "protocol": scope.protocol });
    json(&listed.iter().map(show).collect::<Vec<_>>())
}

async fn realm_add<const LIST: i32>(admin: Admin<ManageClients>, Path(path): Path<ScopePath>) -> Answer {
    let change = AssignClientScopeRequest { assignment: LIST, ..AssignClientScopeRequest::default() };
    assign(&admin, None, &path.scope, "CREATE", LIST, change).await
}

async fn realm_remove<const LIST: i32>(admin: Admin<ManageClients>, Path(path): Path<ScopePath>) -> Answer {
    assign(&admin, None, &path.scope, "DELETE", LIST, taken_off(LIST)).await
}

fn taken_off(list: i32) -> AssignClientScopeRequest {
    let none = ScopeAssignment::None as i32;
    AssignClientScopeRequest { assignment: none, from: list, ..AssignClientScopeRequest::default() }
}

/// Puts a client scope on a list, or takes it off.
async fn assign(
    admin: &Admin<ManageClients>,
    client: Option<&str>,
    scope: &str,
    operation: &'static str,
    list: i32,
    change: AssignClientScopeRequest,
) -> Answer {
    let kind = if list == DEFAULT { "default" } else { "optional" };
    let path = match client {
        Some(client) => format!("clients/{client}/{kind}-client-scopes/{scope}"),
        None => format!("default-{kind}-client-scopes/{scope}"),
    };
    let resource_type = if client.is_some() { "CLIENT_SCOPE_CLIENT_MAPPING" } else { "CLIENT_SCOPE" };
    let request = AssignClientScopeRequest {
        realm_id: admin.realm_id(),
        client_uuid: client.unwrap_or_default().to_owned(),
        client_scope_id: scope.to_owned(),
        admin_event: admin.event(operation, resource_type, &path, None),
        ..change
    };
    match admin.services().roles.assign_client_scope(Request::new(request)).await {
        Ok(_) => Ok(no_content()),
        Err(status) if reason(&status).as_deref() == Some("CLIENT_SCOPE_NOT_FOUND") => {
            Err(Error::AssignedClientScopeNotFound)
        }
        Err(status) if Kind::of(&status) == Kind::Conflict => Err(Error::Duplicate),
        Err(status) => Err(status.into()),
    }
}
