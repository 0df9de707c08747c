//! `PUT /realms/{realm}/clients-registrations/{provider}/{client_id}` (RFC 7592 section 2.2).

use super::{
    authorization::Registered,
    client_metadata::ClientMetadata,
    error::Error,
    events::CLIENT_UPDATE,
    provider::Provider,
    read::Shown,
    request::RegistrationRequest,
    tokens::{NewToken, REGISTRATION_ACCESS_TOKEN},
};
use crate::admin::{
    self, body::JsonBody, client_parts::mapping, client_update::ClientUpdate, clients::carries_admin_roles,
    representation::ClientRepresentation,
};
use axum::response::{IntoResponse as _, Response};
use latchkey_api::registry::v1::RegistrationTokenRotation;
use latchkey_platform::random;

/// Answers the client as it is now. A registration access token is good for one change: the answer has the next one.
pub(super) async fn update(
    request: RegistrationRequest,
    body: Result<JsonBody, admin::error::Error>,
) -> Response {
    let changed = change(&request, body).await;
    request.record(CLIENT_UPDATE, &request.client_id, &changed);
    changed.unwrap_or_else(Error::into_response)
}

async fn change(
    request: &RegistrationRequest,
    body: Result<JsonBody, admin::error::Error>,
) -> Result<Response, Error> {
    let mut representation = read(request.provider, &body?)?;
    let Registered { client, token } = request.may_update().await?;
    if carries_admin_roles(&request.realm.name, &client) {
        return Err(Error::Admin(admin::error::Error::Forbidden));
    }
    if representation.client_id.as_ref() != Some(&client.client_id) {
        return Err(Error::ClientIdModified);
    }
    let services = request.services();
    let current = mapping(services, &request.realm.id, &client.id).await?;
    if request.provider == Provider::OpenIdConnect && representation.optional_client_scopes.is_some() {
        representation.default_client_scopes = Some(current.default_client_scopes.clone());
    }
    request.check_policies(&representation, Some(&client), Some(&current)).await?;

    let rotation = token
        .as_ref()
        .map(|token| RegistrationTokenRotation { presented_id: token.id.clone(), next_id: random::uuid() });
    let next_id = rotation.as_ref().map(|rotation| rotation.next_id.clone());
    let update =
        ClientUpdate { representation: &representation, event: None, rotation, replaces_scopes: true };
    let client = update.apply(services, client).await?;
    let token = match (token, &next_id) {
        (Some(presented), Some(next_id)) => {
            let next = NewToken {
                token_type: REGISTRATION_ACCESS_TOKEN,
                jti: next_id,
                lifetime_s: 0,
                allowed_origins: Some(presented.allowed_origins),
            };
            Some(next.sign(services, &request.realm.id, &request.issuer).await?)
        }
        _ => None,
    };
    request.show(Shown { client: &client, token, issued: false }).await
}

fn read(provider: Provider, body: &JsonBody) -> Result<ClientRepresentation, Error> {
    match provider {
        Provider::Default => Ok(body.read()?),
        Provider::OpenIdConnect => body.read::<ClientMetadata>()?.representation(),
    }
}
