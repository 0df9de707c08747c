//! `GET /realms/{realm}/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and `.../oauth-authorization-server`
//! (RFC 8414): the same document.

use super::{
    error::{Caching, Error},
    public_document::public_document,
    realm::{self, RealmName},
};
use crate::{App, address::base_url, request_context::RequestContext};
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use latchkey_api::roles::v1::ListClientScopesRequest;
use serde_json::json;
use tonic::Request;

/// What clients sign with, and what the realm can sign with.
const SIGNING: [&str; 13] = [
    "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "RS256",
    "RS384", "RS512",
];
pub(crate) const ASYMMETRIC: [&str; 10] =
    ["ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
const CLIENT_AUTHENTICATION: [&str; 5] =
    ["private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "client_secret_jwt"];
const KEY_ENCRYPTION: [&str; 7] =
    ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW", "RSA-OAEP", "RSA-OAEP-256", "RSA1_5"];
const CONTENT_ENCRYPTION: [&str; 6] =
    ["A128CBC-HS256", "A128GCM", "A192CBC-HS384", "A192GCM", "A256CBC-HS512", "A256GCM"];
const GRANTS: [&str; 10] = [
    "authorization_code",
    "client_credentials",
    "implicit",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:uma-ticket",
    "urn:openid:params:grant-type:ciba",
];
const CLAIMS: [&str; 14] = [
    "acr",
    "aud",
    "auth_time",
    "azp",
    "email",
    "exp",
    "family_name",
    "given_name",
    "iat",
    "iss",
    "name",
    "nonce",
    "preferred_username",
    "sub",
];

/// The address below which an issuer's endpoints are.
pub(crate) fn endpoint_base(issuer: &str) -> String {
    format!("{issuer}/protocol/openid-connect")
}

/// The address of one of an issuer's endpoints.
pub(crate) fn endpoint(issuer: &str, path: &str) -> String {
    format!("{issuer}/protocol/openid-connect/{path}")
}

/// The document. A disabled realm still has one.
pub(crate) async fn discovery(
    State(app): State<App>,
    RealmName(realm_name): RealmName,
    context: RequestContext,
    headers: HeaderMap,
) -> Response {
    let document = async {
        let document = document(&app, &context, &realm_name).await?;
        if accepts_json(&headers) { Ok(document) } else { Err(Error::NotAcceptable) }
    };
    match document.await {
        Ok(document) => public_document(
            document,
            "application/json",
            "no-cache, must-revalidate, no-transform, no-store",
            &headers,
        ),
        Err(error) => error.response(context.id(), Caching::Unsaid),
    }
}

async fn document(app: &App, context: &RequestContext, realm_name: &str) -> Result<String, Error> {
    let realm = realm::find(app, realm_name).await?;
    let asked = ListClientScopesRequest { realm_id: realm.id.clone() };
    let scopes = app.services.roles.list_client_scopes(Request::new(asked)).await?.into_inner().client_scopes;
    let scopes: Vec<String> = ["openid".to_owned()]
        .into_iter()
        .chain(scopes.into_iter().filter(|scope| scope.protocol != "saml").map(|scope| scope.name))
        .collect();

    let issuer = base_url::issuer(&app.config, context, &realm);
    let at = |path| endpoint(&issuer, path);
    let userinfo_signing: Vec<&str> = SIGNING.into_iter().chain(["none"]).collect();
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("auth"),
        "token_endpoint": at("token"),
        "introspection_endpoint": at("token/introspect"),
        "revocation_endpoint": at("revoke"),
        "userinfo_endpoint": at("userinfo"),
        "end_session_endpoint": at("logout"),
        "jwks_uri": at("certs"),
        "registration_endpoint": format!("{issuer}/clients-registrations/openid-connect"),
        "grant_types_supported": GRANTS,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public", "pairwise"],
        "scopes_supported": scopes,
        "claim_types_supported": ["normal"],
        "claims_supported": CLAIMS,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": SIGNING,
        "id_token_encryption_alg_values_supported": KEY_ENCRYPTION,
        "id_token_encryption_enc_values_supported": CONTENT_ENCRYPTION,
        "userinfo_signing_alg_values_supported": userinfo_signing,
        "userinfo_encryption_alg_values_supported": KEY_ENCRYPTION,
        "userinfo_encryption_enc_values_supported": CONTENT_ENCRYPTION,
        "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "token_endpoint_auth_signing_alg_values_supported": SIGNING,
        "introspection_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "introspection_endpoint_auth_signing_alg_values_supported": SIGNING,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_signing_alg_values_supported": SIGNING,
        "dpop_signing_alg_values_supported": ASYMMETRIC,
        "tls_client_certificate_bound_access_tokens": true,
    });
    Ok(document.to_string())
}

/// Whether an `Accept` header leaves room for JSON.
fn accepts_json(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()) else {
        return true;
    };
    accept.trim().is_empty()
        || accept.split(',').any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim();
            matches!(range.to_ascii_lowercase().as_str(), "application/json" | "application/*" | "*/*" | "*")
        })
}
