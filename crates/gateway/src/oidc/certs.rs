//! `GET /realms/{realm}/protocol/openid-connect/certs`: the realm's public keys, RFC 7517.

use super::{
    error::{Caching, Error},
    public_document::public_document,
    realm::{self, RealmName},
};
use crate::{App, request_context::RequestContext};
use axum::{extract::State, http::HeaderMap, response::Response};
use latchkey_api::issuer::v1::PublicKeysRequest;
use tonic::Request;

/// The realm's JWKS document. A disabled realm still shows its keys.
pub(crate) async fn certs(
    State(app): State<App>,
    RealmName(realm_name): RealmName,
    context: RequestContext,
    headers: HeaderMap,
) -> Response {
    let jwks = async {
        let realm = realm::find(&app, &realm_name).await?;
        let asked = PublicKeysRequest { realm_id: realm.id };
        Ok::<_, Error>(app.services.issuer.public_keys(Request::new(asked)).await?.into_inner().jwks)
    };
    match jwks.await {
        Ok(jwks) => public_document(jwks, "application/json", "no-cache", &headers),
        Err(error) => error.response(context.id(), Caching::Unsaid),
    }
}
