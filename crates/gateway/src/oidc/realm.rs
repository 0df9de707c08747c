//! Finding the realm that a path names.

use super::error::Error;
use crate::App;
use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
    response::Response,
};
use latchkey_api::registry::v1::{GetRealmRequest, Realm, get_realm_request::Key};
use tonic::{Code, Request};

/// The realm's name as the path has it, decoded; nothing says yet that there is such a realm.
pub(crate) struct RealmName(pub(crate) String);

impl FromRequestParts<App> for RealmName {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Error::RealmNotFound.response("", super::error::Caching::Unsaid)),
        }
    }
}

/// The realm, enabled or not.
pub(crate) async fn find(app: &App, name: &str) -> Result<Realm, Error> {
    by(app, Key::Name(name.to_owned())).await
}

/// The realm, by the id that a refusal names.
pub(crate) async fn find_by_id(app: &App, id: &str) -> Result<Realm, Error> {
    by(app, Key::Id(id.to_owned())).await
}

/// The realm, unless it is disabled.
pub(crate) async fn find_enabled(app: &App, name: &str) -> Result<Realm, Error> {
    let realm = find(app, name).await?;
    if realm.enabled { Ok(realm) } else { Err(Error::RealmDisabled) }
}

async fn by(app: &App, key: Key) -> Result<Realm, Error> {
    match app.services.registry.get_realm(Request::new(GetRealmRequest { key: Some(key) })).await {
        Ok(response) => response.into_inner().realm.ok_or(Error::IncompleteAnswer("a realm")),
        Err(status) if status.code() == Code::NotFound => Err(Error::RealmNotFound),
        Err(status) => Err(status.into()),
    }
}
