//! `/admin/realms/{realm}/client-scopes`, and the lists of default and optional client scopes of the realm and of a client.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, ManageClients, QueryClients, RealmAdmin, ViewClients},
    body::JsonBody,
    error::{Answer, Error},
    representation::{ClientScopeRepresentation, show_client_scope},
};
use crate::App;
use axum::{Router, extract::Path, routing::get};
use latchkey_api::{
    error::reason,
    roles::v1::{
        ClientScope, CreateClientScopeRequest, DeleteClientScopeRequest, GetClientScopeRequest,
        ListClientScopesRequest, UpdateClientScopeRequest,
    },
};
use latchkey_platform::random;
use serde::Deserialize;
use tonic::Request;

/// The protocols that Keycloak knows.
const PROTOCOLS: &[&str] = &["openid-connect", "saml"];

/// The client scope (uuid) that a path names.
#[derive(Deserialize)]
pub(super) struct ScopePath {
    pub(super) scope: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/client-scopes", get(list).post(create))
        .route("/admin/realms/{realm}/client-scopes/{scope}", get(show).put(update).delete(delete))
}

impl RealmAdmin {
    /// The client scope that a path names.
    pub(super) async fn client_scope(&self, id: &str) -> Result<ClientScope, Error> {
        let request = GetClientScopeRequest { realm_id: self.realm_id(), id: id.to_owned() };
        let answer = self.services().roles.get_client_scope(Request::new(request)).await?.into_inner();
        answer.client_scope.ok_or(Error::IncompleteAnswer("a client scope"))
    }

    /// All client scopes of the realm.
    pub(super) async fn client_scopes(&self) -> Result<Vec<ClientScope>, Error> {
        let request = ListClientScopesRequest { realm_id: self.realm_id() };
        let answer = self.services().roles.list_client_scopes(Request::new(request)).await?;
        Ok(answer.into_inner().client_scopes)
    }
}

async fn list(admin: Admin<QueryClients>) -> Answer {
    json(&admin.client_scopes().await?.iter().map(show_client_scope).collect::<Vec<_>>())
}

async fn create(admin: Admin<ManageClients>, body: JsonBody) -> Answer {
    let mut representation: ClientScopeRepresentation = body.read()?;
    let mut scope = ClientScope {
        id: representation.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(random::uuid),
        realm_id: admin.realm_id(),
        ..ClientScope::default()
    };
    representation.apply(&mut scope);
    let mappers = representation.protocol_mappers.take().unwrap_or_default();
    scope.protocol_mappers = mappers.into_iter().map(|mapper| mapper.message(random::uuid)).collect();
    check(&scope)?;
    let (id, name) = (scope.id.clone(), scope.name.clone());
    let path = format!("client-scopes/{id}");
    let request = CreateClientScopeRequest {
        admin_event: admin.event("CREATE", "CLIENT_SCOPE", &path, Some(show_client_scope(&scope))),
        client_scope: Some(scope),
    };
    admin
        .services()
        .roles
        .create_client_scope(Request::new(request))
        .await
        .map_err(|status| taken(status, name))?;
    created(&admin.app, &admin.context, &[&admin.realm.name, "client-scopes", &id])
}

async fn show(admin: Admin<ViewClients>, Path(path): Path<ScopePath>) -> Answer {
    json(&show_client_scope(&admin.client_scope(&path.scope).await?))
}

async fn update(admin: Admin<ManageClients>, Path(path): Path<ScopePath>, body: JsonBody) -> Answer {
    let mut scope = admin.client_scope(&path.scope).await?;
    let representation: ClientScopeRepresentation = body.read()?;
    representation.apply(&mut scope);
    check(&scope)?;
    let name = scope.name.clone();
    let path = format!("client-scopes/{}", scope.id);
    let request = UpdateClientScopeRequest {
        admin_event: admin.event("UPDATE", "CLIENT_SCOPE", &path, Some(show_client_scope(&scope))),
        client_scope: Some(scope),
    };
    admin
        .services()
        .roles
        .update_client_scope(Request::new(request))
        .await
        .map_err(|status| taken(status, name))?;
    Ok(no_content())
}

async fn delete(admin: Admin<ManageClients>, Path(path): Path<ScopePath>) -> Answer {
    let scope = admin.client_scope(&path.scope).await?;
    let path = format!("client-scopes/{}", scope.id);
    let request = DeleteClientScopeRequest {
        realm_id: admin.realm_id(),
        admin_event: admin.event("DELETE", "CLIENT_SCOPE", &path, Some(show_client_scope(&scope))),
        id: scope.id,
    };
    admin.services().roles.delete_client_scope(Request::new(request)).await?;
    Ok(no_content())
}

fn check(scope: &ClientScope) -> Result<(), Error> {
    if scope.name.is_empty() || scope.name.chars().any(char::is_whitespace) {
        return Err(Error::Invalid(format!("Unexpected name \"{}\" for ClientScope", scope.name)));
    }
    if PROTOCOLS.contains(&scope.protocol.as_str()) {
        Ok(())
    } else {
        Err(Error::Invalid("Unexpected protocol".to_owned()))
    }
}

fn taken(status: tonic::Status, name: String) -> Error {
    match reason(&status).as_deref() {
        Some("CLIENT_SCOPE_EXISTS") => Error::ClientScopeExists(name),
        _ => status.into(),
    }
}
