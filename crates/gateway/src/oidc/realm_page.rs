//! `GET /realms/{realm}`: the realm's page, by which old adapters find its key.

use super::{
    discovery::endpoint_base,
    error::{Caching, Error},
    json_object::JsonObject,
    public_document::public_document,
    realm::{self, RealmName},
};
use crate::{App, address::base_url, request_context::RequestContext};
use axum::{extract::State, http::HeaderMap, response::Response};
use latchkey_api::issuer::v1::{ListKeysRequest, ListKeysResponse};
use tonic::Request;

/// The page. A disabled realm still has one.
pub(crate) async fn realm_page(
    State(app): State<App>,
    RealmName(realm_name): RealmName,
    context: RequestContext,
    headers: HeaderMap,
) -> Response {
    match page(&app, &context, &realm_name).await {
        Ok(page) => public_document(page, "application/json;charset=UTF-8", "no-cache", &headers),
        Err(error) => error.response(context.id(), Caching::Unsaid),
    }
}

async fn page(app: &App, context: &RequestContext, realm_name: &str) -> Result<String, Error> {
    let realm = realm::find(app, realm_name).await?;
    let asked = ListKeysRequest { realm_id: realm.id.clone() };
    let keys = app.services.issuer.list_keys(Request::new(asked)).await?.into_inner();
    let issuer = base_url::issuer(&app.config, context, &realm);
    let mut page = JsonObject::with_capacity(1024);
    page.text("realm", &realm.name);
    if let Some(public_key) = signing_key(&keys) {
        page.plain("public_key", public_key);
    }
    page.text("token-service", &endpoint_base(&issuer));
    page.text("account-service", &format!("{issuer}/account"));
    page.number("tokens-not-before", realm.not_before_s);
    Ok(page.finish())
}

/// The RS256 key that signs now, or else the first key that signs and can be shown.
fn signing_key(keys: &ListKeysResponse) -> Option<&str> {
    let rs256 = keys.active.get("RS256").and_then(|kid| keys.keys.iter().find(|key| key.kid == *kid));
    let any = || {
        keys.keys
            .iter()
            .find(|key| key.r#use == "SIG" && key.status == "ACTIVE" && !key.public_key.is_empty())
    };
    rs256.or_else(any).map(|key| key.public_key.as_str())
}
