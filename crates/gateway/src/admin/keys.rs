//! `/admin/realms/{realm}/keys`.

use super::{
    answer::json,
    authorization::{Admin, ViewRealm},
    error::Answer,
    representation::show_keys,
};
use crate::App;
use axum::{Router, routing::get};
use latchkey_api::issuer::v1::ListKeysRequest;
use tonic::Request;

pub(super) fn router() -> Router<App> {
    Router::new().route("/admin/realms/{realm}/keys", get(list))
}

async fn list(admin: Admin<ViewRealm>) -> Answer {
    let request = ListKeysRequest { realm_id: admin.realm_id() };
    json(&show_keys(&admin.services().issuer.list_keys(Request::new(request)).await?.into_inner()))
}
