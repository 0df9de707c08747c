//! Realms as documents: a whole realm in one request ([`realm`]), parts of one added to a realm that is there ([`plan`], [`partial`]), and
//! what a realm holds given out ([`export`]).
//!
//! Representations name things by their names; [`contents`] reads them, and [`importer`] makes what they list and finds what they
//! name.

mod contents;
mod export;
mod importer;
mod partial;
mod plan;
mod realm;

pub(super) use contents::Contents;
pub(super) use realm::{
    adopt_built_in_clients, identity_providers, import_contents, key_providers, realm_client_scopes,
};

use crate::App;
use axum::Router;

pub(super) fn router() -> Router<App> {
    Router::new().merge(export::router()).merge(partial::router())
}
