//! The Admin REST API: `/admin/realms/...`, in Keycloak's representations.
//!
//! Handlers mirror paths: `clients.rs` answers `/admin/realms/{realm}/clients`. A handler's arguments prove that its caller may do
//! what it does ([`authorization`]), its errors become answers in [`error`], and the wire forms live in [`representation`].
//!
//! To add an endpoint: its handler in the file of its path, its route in that file's `router`, its representation where it has
//! a new one.

pub(crate) mod answer;
mod authorization;
pub(crate) mod body;
pub(crate) mod caller;
mod clear_caches;
mod client_certificates;
pub(crate) mod client_creation;
pub(crate) mod client_deletion;
mod client_installation;
pub(crate) mod client_parts;
mod client_scope_lists;
mod client_scopes;
mod client_secret;
pub(crate) mod client_update;
pub(crate) mod clients;
mod components;
mod composites;
pub(crate) mod error;
mod evaluate_scopes;
mod events;
mod federated_identities;
mod identity_providers;
mod import_export;
mod initial_access;
mod keys;
mod mapped_roles;
mod protocol_mappers;
mod push_revocation;
mod query;
mod realm_creation;
mod realm_template;
mod realms;
mod registration_access_token;
pub(crate) mod representation;
mod role_holders;
mod role_path;
mod roles;
mod server_info;
mod sessions;
mod user_profile;
mod users;

pub mod bootstrap;

use crate::App;
use axum::Router;

/// The routes below `/admin`.
pub fn router() -> Router<App> {
    Router::new()
        .merge(realms::router())
        .merge(import_export::router())
        .merge(clients::router())
        .merge(client_secret::router())
        .merge(registration_access_token::router())
        .merge(initial_access::router())
        .merge(clear_caches::router())
        .merge(client_certificates::router())
        .merge(client_installation::router())
        .merge(evaluate_scopes::router())
        .merge(client_scopes::router())
        .merge(client_scope_lists::router())
        .merge(protocol_mappers::router())
        .merge(push_revocation::router())
        .merge(roles::router())
        .merge(composites::router())
        .merge(role_holders::router())
        .merge(users::router())
        .merge(user_profile::router())
        .merge(components::router())
        .merge(federated_identities::router())
        .merge(identity_providers::router())
        .merge(keys::router())
        .merge(sessions::router())
        .merge(events::router())
        .merge(server_info::router())
        .method_not_allowed_fallback(method_not_allowed)
}

async fn method_not_allowed() -> error::Error {
    error::Error::MethodNotAllowed
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_routes_clash() {
        let _ = super::router();
    }
}
