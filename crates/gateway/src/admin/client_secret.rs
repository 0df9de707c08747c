//! `/admin/realms/{realm}/clients/{id}/client-secret`: the secret that counts, and those that it has replaced.

use super::{
    answer::{json, no_content},
    authorization::{Admin, ManageClients, ViewClients},
    client_parts::WhichSecret,
    clients::ClientPath,
    error::{Answer, Error},
    representation::show_client_secret,
};
use crate::App;
use axum::{
    Router,
    extract::Path,
    routing::{delete, get},
};
use latchkey_api::registry::v1::{
    DeleteClientSecretsRequest, ListClientSecretsRequest, SetClientSecretRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Request;

/// A replaced secret that a path names.
#[derive(Deserialize)]
struct SecretPath {
    id: String,
    secret: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/clients/{id}/client-secret", get(show).post(regenerate))
        .route(
            "/admin/realms/{realm}/clients/{id}/client-secret/rotated",
            get(show_rotated).delete(drop_rotated),
        )
        // Keycloak has none of these.
        .route("/admin/realms/{realm}/clients/{id}/client-secrets", get(list))
        .route("/admin/realms/{realm}/clients/{id}/client-secrets/{secret}", delete(drop_one))
}

async fn show(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    let secret = admin.secret_of(&path.id, WhichSecret::Newest).await?;
    json(&credential(secret.text()))
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
    json(&credential(Some(answer.secret)))
}

/// The youngest secret that is still good beside the one that has replaced it.
async fn show_rotated(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    let secret = admin.secret_of(&path.id, WhichSecret::Replaced).await?;
    if !secret.is_there() {
        return Err(Error::RotatedSecretNotFound);
    }
    json(&credential(secret.text()))
}

/// Ends all that were replaced.
async fn drop_rotated(admin: Admin<ManageClients>, Path(path): Path<ClientPath>) -> Answer {
    end(&admin, format!("clients/{}/client-secret/rotated", path.id), path.id, None).await
}

async fn list(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    let request = ListClientSecretsRequest { realm_id: admin.realm_id(), id: path.id };
    let answer = admin.services().registry.list_client_secrets(Request::new(request)).await?.into_inner();
    json(&answer.secrets.iter().map(show_client_secret).collect::<Vec<_>>())
}

async fn drop_one(admin: Admin<ManageClients>, Path(path): Path<SecretPath>) -> Answer {
    end(&admin, format!("clients/{}/client-secrets/{}", path.id, path.secret), path.id, Some(path.secret))
        .await
}

async fn end(
    admin: &Admin<ManageClients>,
    event_path: String,
    client: String,
    secret_id: Option<String>,
) -> Answer {
    admin.client(&client).await?;
    let request = DeleteClientSecretsRequest {
        realm_id: admin.realm_id(),
        id: client,
        secret_id,
        admin_event: admin.event("ACTION", "CLIENT", &event_path, None),
    };
    admin.services().registry.delete_client_secrets(Request::new(request)).await?;
    Ok(no_content())
}

/// A CredentialRepresentation; without a `value` where there is none to show.
fn credential(secret: Option<String>) -> Value {
    match secret {
        Some(secret) => json!({ "type": "secret", "value": secret }),
        None => json!({ "type": "secret" }),
    }
}
