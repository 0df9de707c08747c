//! The OAuth 2.0 and OpenID Connect endpoints of a realm: `/realms/{realm}/...`.

pub(crate) mod authenticate;
pub(crate) mod binding;
mod certs;
mod client_credentials_presented;
mod compatibility;
mod cors;
mod discovery;
pub(crate) mod dpop;
mod encryption;
pub(crate) mod error;
pub(crate) mod form;
mod form_request;
mod grant;
mod introspect;
pub(crate) mod issue;
mod json_object;
mod kept_clients;
pub(crate) mod live_token;
mod logout;
pub(crate) mod presented_token;
mod public_document;
pub(crate) mod realm;
mod realm_page;
mod resolve;
mod resource;
mod revoke;
pub(crate) mod session_lifetime;
mod signed_answer;
mod token;
mod userinfo;

use crate::{App, request_context::RequestContext};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
    routing::{get, options, post},
};
use error::{Caching, Error};
pub use kept_clients::KeptClients;
use percent_encoding::percent_decode_str;

/// The routes below `/realms`.
pub fn router() -> Router<App> {
    let form = |headers: HeaderMap| cors::preflight("POST, OPTIONS", headers);
    let document = |headers: HeaderMap| cors::preflight("GET", headers);
    let both = |headers: HeaderMap| cors::preflight("GET, POST, OPTIONS", headers);
    Router::new()
        .route("/realms/{realm}", get(realm_page::realm_page).merge(options(document)))
        .route(
            "/realms/{realm}/.well-known/openid-configuration",
            get(discovery::discovery).merge(options(document)),
        )
        .route(
            "/realms/{realm}/.well-known/oauth-authorization-server",
            get(discovery::discovery).merge(options(document)),
        )
        .route("/realms/{realm}/protocol/openid-connect/certs", get(certs::certs).merge(options(document)))
        .route("/realms/{realm}/protocol/openid-connect/token", post(token::token).merge(options(form)))
        .route(
            "/realms/{realm}/protocol/openid-connect/token/introspect",
            post(introspect::introspect).merge(options(form)),
        )
        .route("/realms/{realm}/protocol/openid-connect/revoke", post(revoke::revoke).merge(options(form)))
        .route("/realms/{realm}/protocol/openid-connect/logout", post(logout::logout).merge(options(form)))
        .route(
            "/realms/{realm}/protocol/openid-connect/userinfo",
            get(userinfo::get).post(userinfo::post).merge(options(both)),
        )
        .method_not_allowed_fallback(method_not_allowed)
}

/// Answers a path that is none of ours.
pub async fn unknown_path(
    State(app): State<App>,
    context: RequestContext,
    method: Method,
    uri: Uri,
) -> Response {
    let below_realm = uri.path().strip_prefix("/realms/").is_some_and(|rest| rest.contains('/'));
    let error = match method {
        Method::GET | Method::HEAD => Error::PathNotFound,
        // Keycloak finds the realm, and then no method for the path.
        _ if below_realm => Error::MethodNotAllowed,
        _ => Error::PathNotFound,
    };
    unless_realm_is_unknown(&app, uri.path(), error).await.response(context.id(), Caching::Unsaid)
}

pub(crate) async fn method_not_allowed(
    State(app): State<App>,
    context: RequestContext,
    uri: Uri,
) -> Response {
    unless_realm_is_unknown(&app, uri.path(), Error::MethodNotAllowed)
        .await
        .response(context.id(), Caching::Unsaid)
}

/// Below an unknown realm, whatever the path, it is the realm that does not exist.
async fn unless_realm_is_unknown(app: &App, path: &str, error: Error) -> Error {
    let Some(rest) = path.strip_prefix("/realms/") else { return error };
    let name = rest.split('/').next().unwrap_or_default();
    let Ok(name) = percent_decode_str(name).decode_utf8() else { return Error::RealmNotFound };
    realm::find(app, &name).await.err().unwrap_or(error)
}
