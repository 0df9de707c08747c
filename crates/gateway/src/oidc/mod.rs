//! The OAuth 2.0 and OpenID Connect endpoints of a realm: `/realms/{realm}/...`.

mod client_credentials_presented;
mod error;
mod form;
mod json_object;

use crate::App;
use axum::{
    Router,
    extract::State,
    http::{Method, Uri},
    response::Response,
};
pub(crate) use error::Error;

/// The routes below `/realms`.
pub fn router() -> Router<App> {
    Router::new()
}

/// Answers a path that is none of ours: below an unknown realm it is the realm that does not exist.
pub async fn unknown_path(State(app): State<App>, method: Method, uri: Uri) -> Response {
    let _ = (app, method, uri);
    Error::PathNotFound.response("", error::Caching::Unsaid)
}
