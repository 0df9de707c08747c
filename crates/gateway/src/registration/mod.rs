//! Dynamic client registration (RFC 7591, RFC 7592): `/realms/{realm}/clients-registrations/{provider}`.
//!
//! A client is registered by whoever holds an initial access token or an administrator's access token, and from then on reads and
//! changes itself with its registration access token. Who may do what is decided in `authorization`, what nobody may ask for in
//! `policies`; the two providers differ only in how they write a client: `default` as the Admin REST API does, `openid-connect`
//! as RFC 7591 does.
//!
//! Clients are made, changed and deleted as the Admin REST API does it.

mod authorization;
mod bearer;
mod client_metadata;
mod client_metadata_response;
mod create;
mod delete;
mod error;
mod events;
mod policies;
mod provider;
mod read;
mod request;
pub(crate) mod tokens;
mod update;

use crate::{App, oidc};
use axum::{Router, routing::get, routing::post};

/// The routes below `/realms/{realm}/clients-registrations`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/realms/{realm}/clients-registrations/{provider}", post(create::create))
        .route(
            "/realms/{realm}/clients-registrations/{provider}/{client_id}",
            get(read::read).put(update::update).delete(delete::delete),
        )
        .method_not_allowed_fallback(oidc::method_not_allowed)
}
