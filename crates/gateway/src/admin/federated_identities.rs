//! `/admin/realms/{realm}/users/{user}/federated-identity`: a user's accounts at identity providers.

use super::{
    answer::{json, no_content},
    authorization::{Admin, ManageUsers, ViewUsers},
    body::JsonBody,
    error::Answer,
    representation::{FederatedIdentityRepresentation, show_federated_identity},
    users::UserPath,
};
use crate::App;
use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use latchkey_api::roles::v1::{
    LinkFederatedIdentityRequest, ListFederatedIdentitiesRequest, UnlinkFederatedIdentityRequest,
};
use serde::Deserialize;
use tonic::Request;

/// The link that a path names.
#[derive(Deserialize)]
struct LinkPath {
    user: String,
    provider: String,
}

impl LinkPath {
    fn resource_path(&self) -> String {
        format!("users/{}/federated-identity/{}", self.user, self.provider)
    }
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/users/{user}/federated-identity", get(list))
        .route("/admin/realms/{realm}/users/{user}/federated-identity/{provider}", post(link).delete(unlink))
}

/// Links to identity providers that the realm does not have are not shown, as in Keycloak.
async fn list(admin: Admin<ViewUsers>, Path(path): Path<UserPath>) -> Answer {
    let request = ListFederatedIdentitiesRequest { realm_id: admin.realm_id(), user_id: path.user };
    let answer = admin.services().roles.list_federated_identities(Request::new(request)).await?;
    let identities = answer.into_inner().identities;
    if identities.is_empty() {
        return json(&identities);
    }
    let providers = admin.identity_providers().await?;
    let known = identities
        .iter()
        .filter(|identity| providers.iter().any(|provider| provider.alias == identity.identity_provider));
    json(&known.map(show_federated_identity).collect::<Vec<_>>())
}

async fn link(admin: Admin<ManageUsers>, Path(path): Path<LinkPath>, body: JsonBody) -> Answer {
    let representation: FederatedIdentityRepresentation = body.read()?;
    let identity = representation.message(path.provider.clone());
    let shown = show_federated_identity(&identity);
    let request = LinkFederatedIdentityRequest {
        realm_id: admin.realm_id(),
        admin_event: admin.event("CREATE", "USER", &path.resource_path(), Some(shown)),
        user_id: path.user,
        identity: Some(identity),
    };
    admin.services().roles.link_federated_identity(Request::new(request)).await?;
    Ok(no_content())
}

async fn unlink(admin: Admin<ManageUsers>, Path(path): Path<LinkPath>) -> Answer {
    let request = UnlinkFederatedIdentityRequest {
        realm_id: admin.realm_id(),
        admin_event: admin.event("DELETE", "USER", &path.resource_path(), None),
        user_id: path.user,
        identity_provider: path.provider,
    };
    admin.services().roles.unlink_federated_identity(Request::new(request)).await?;
    Ok(no_content())
}
