//! `/admin/realms/{realm}/clients/{id}/registration-access-token`.

use super::{
    answer::json,
    authorization::{Admin, ManageClients},
    client_parts::mapping,
    clients::{ClientPath, carries_admin_roles, shown_in_event},
    error::{Answer, Error},
    representation::{MASK, ShownClient, show_client},
};
use crate::{
    App,
    address::base_url,
    registration::tokens::{NewToken, REGISTRATION_ACCESS_TOKEN},
};
use axum::{Router, extract::Path, routing::post};
use latchkey_api::registry::v1::SetRegistrationTokenRequest;
use latchkey_platform::random;
use serde_json::Value;
use tonic::Request;

pub(super) fn router() -> Router<App> {
    Router::new().route("/admin/realms/{realm}/clients/{id}/registration-access-token", post(regenerate))
}

/// Gives the client a registration access token in the place of the one it may have. Its secret is not shown.
async fn regenerate(admin: Admin<ManageClients>, Path(path): Path<ClientPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    if carries_admin_roles(&admin.realm.name, &client) {
        return Err(Error::Forbidden);
    }
    let token_id = random::uuid();
    let event_path = format!("clients/{}/registration-access-token", path.id);
    let event = admin.event("ACTION", "CLIENT", &event_path, Some(shown_in_event(&client)));
    let request = SetRegistrationTokenRequest {
        realm_id: admin.realm_id(),
        id: path.id,
        token_id: token_id.clone(),
        admin_event: event,
    };
    admin.services().registry.set_registration_token(Request::new(request)).await?;

    let issuer = base_url::issuer(&admin.app.config, &admin.context, &admin.realm);
    let token = NewToken {
        token_type: REGISTRATION_ACCESS_TOKEN,
        jti: &token_id,
        lifetime_s: 0,
        allowed_origins: None,
    };
    let token = token.sign(admin.services(), &admin.realm.id, &issuer).await?;
    let secret = if client.public_client || client.bearer_only { "" } else { MASK };
    let mapping = mapping(admin.services(), &admin.realm.id, &client.id).await?;
    let mut shown = show_client(&ShownClient { client: &client, mapping: &mapping, secret, access: None });
    shown["registrationAccessToken"] = Value::from(token);
    json(&shown)
}
