//! `/admin/realms/{realm}/clients-initial-access`: leave to register clients, for somebody without an account.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, ManageClients, ViewClients},
    body::JsonBody,
    error::{Answer, Error},
    representation::{InitialAccessRepresentation, show_initial_access},
};
use crate::{
    App,
    address::base_url,
    registration::tokens::{INITIAL_ACCESS_TOKEN, NewToken},
};
use axum::{
    Router,
    body::Body,
    extract::Path,
    routing::{delete, get},
};
use latchkey_api::registry::v1::{
    CreateInitialAccessRequest, DeleteInitialAccessRequest, ListInitialAccessRequest,
};
use latchkey_platform::random;
use serde::Deserialize;
use serde_json::Value;
use tonic::Request;

const RESOURCE_TYPE: &str = "CLIENT_INITIAL_ACCESS_MODEL";

/// The initial access token that a path names.
#[derive(Deserialize)]
struct InitialAccessPath {
    id: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/clients-initial-access", get(list).post(create))
        .route("/admin/realms/{realm}/clients-initial-access/{id}", delete(remove))
}

async fn list(admin: Admin<ViewClients>) -> Answer {
    let request = ListInitialAccessRequest { realm_id: admin.realm_id() };
    let answer = admin.services().registry.list_initial_access(Request::new(request)).await?.into_inner();
    json(&answer.initial_access.iter().map(show_initial_access).collect::<Vec<_>>())
}

/// 201 with a body, and the only time that the token is shown.
async fn create(admin: Admin<ManageClients>, body: JsonBody) -> Answer {
    let representation: InitialAccessRepresentation = body.read()?;
    let (expiration_s, count) = representation.limits()?;
    let id = random::uuid();
    let path = format!("clients-initial-access/{id}");
    let event = admin.event("CREATE", RESOURCE_TYPE, &path, Some(representation.show()));
    let request = CreateInitialAccessRequest {
        realm_id: admin.realm_id(),
        expiration_s,
        count,
        id,
        admin_event: event,
    };
    let answer = admin.services().registry.create_initial_access(Request::new(request)).await?.into_inner();
    let access = answer.initial_access.ok_or(Error::IncompleteAnswer("an initial access token"))?;

    let issuer = base_url::issuer(&admin.app.config, &admin.context, &admin.realm);
    let token = NewToken {
        token_type: INITIAL_ACCESS_TOKEN,
        jti: &access.id,
        lifetime_s: access.expiration_s,
        allowed_origins: representation.web_origins.clone(),
    };
    let token = token.sign(admin.services(), &admin.realm.id, &issuer).await?;
    let mut shown = show_initial_access(&access);
    shown["token"] = Value::from(token);
    let mut response =
        created(&admin.app, &admin.context, &[&admin.realm.name, "clients-initial-access", &access.id])?;
    let (described, body) = json(&shown)?.into_parts();
    response.headers_mut().extend(described.headers);
    *response.body_mut() = Body::new(body);
    Ok(response)
}

async fn remove(admin: Admin<ManageClients>, Path(path): Path<InitialAccessPath>) -> Answer {
    let event =
        admin.event("DELETE", RESOURCE_TYPE, &format!("clients-initial-access/{}", path.id), None::<Value>);
    let request = DeleteInitialAccessRequest { realm_id: admin.realm_id(), id: path.id, admin_event: event };
    admin.services().registry.delete_initial_access(Request::new(request)).await?;
    Ok(no_content())
}
