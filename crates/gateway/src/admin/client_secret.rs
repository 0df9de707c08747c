//! `/admin/realms/{realm}/clients/{id}/client-secret`.

use super::{
    answer::{json, no_content},
    authorization::{Admin, ManageClients, ViewClients},
    clients::ClientPath,
    error::{Answer, Error},
};
use crate::App;
use axum::{Router, extract::Path, routing::get};
use latchkey_api::registry::v1::SetClientSecretRequest;
use serde_json::json;
use tonic::Request;

pub(super) fn router() -> Router<App> {
    Router::new().route("/admin/realms/{realm}/clients/{id}/client-secret", get(show).post(regenerate)).route(
        "/admin/realms/{realm}/clients/{id}/client-secret/rotated",
        get(show_rotated).delete(drop_rotated),
    )
}

async fn show(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    match admin.secret_of(&path.id).await? {
        Some(secret) => json(&json!({ "type": "secret", "value": secret })),
        None => json(&json!({ "type": "secret" })),
    }
}

async fn regenerate(admin: Admin<ManageClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    let event = admin.event("ACTION", "CLIENT", &format!("clients/{}/client-secret", path.id), None);
    let request = SetClientSecretRequest {
        realm_id: admin.realm_id(),
        id: path.id,
        admin_event: event,
        ..SetClientSecretRequest::default()
    };
    let answer = admin.services().registry.set_client_secret(Request::new(request)).await?.into_inner();
    json(&json!({ "type": "secret", "value": answer.secret }))
}

/// A secret that a rotation policy would leave valid beside the new one: there is no such policy.
async fn show_rotated(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    Err(Error::RotatedSecretNotFound)
}

async fn drop_rotated(admin: Admin<ManageClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    Ok(no_content())
}
