//! `/admin/realms/{realm}/clients/{id}/installation/providers/{provider}`: what a client's adapter is configured with.

use super::{
    authorization::{Admin, ViewClients},
    client_parts::WhichSecret,
    error::{Answer, Error},
    representation::show_realm,
};
use crate::{App, address::base_url};
use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderValue, header},
    response::Response,
    routing::get,
};
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{ListRolesRequest, Role},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Request;

/// The only provider: `keycloak.json`.
const KEYCLOAK_JSON: &str = "keycloak-oidc-keycloak-json";
/// Seconds for which an adapter's assertions are good.
const ASSERTION_TIMEOUT_S: u32 = 10;

/// The client (uuid) and the provider.
#[derive(Deserialize)]
struct ProviderPath {
    id: String,
    provider: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/clients/{id}/installation/providers/{provider}", get(installation))
}

async fn installation(admin: Admin<ViewClients>, Path(path): Path<ProviderPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    if path.provider != KEYCLOAK_JSON {
        return Err(Error::UnknownProvider);
    }
    let ssl_required =
        show_realm(&admin.realm, None)["sslRequired"].as_str().unwrap_or("external").to_lowercase();
    let mut document = json!({
        "realm": admin.realm.name,
        "auth-server-url": format!("{}/", base_url::base(&admin.app.config, &admin.context)),
        "ssl-required": ssl_required,
        "resource": client.client_id,
        "confidential-port": 0,
    });
    if client.bearer_only {
        document["bearer-only"] = Value::from(true);
    } else if client.public_client {
        document["public-client"] = Value::from(true);
    } else {
        let secret = admin.secret_of(&client.id, WhichSecret::Newest).await?.text().unwrap_or_default();
        document["credentials"] = credentials(&client, &secret);
    }
    let request = ListRolesRequest {
        realm_id: admin.realm_id(),
        client_uuid: client.id.clone(),
        ..ListRolesRequest::default()
    };
    let roles: Vec<Role> = admin.services().roles.list_roles(Request::new(request)).await?.into_inner().roles;
    if !roles.is_empty() {
        document["verify-token-audience"] = Value::from(true);
        document["use-resource-role-mappings"] = Value::from(true);
    }
    let text = serde_json::to_vec_pretty(&document)
        .map_err(|_| Error::IncompleteAnswer("a document that JSON can hold"))?;
    let mut answer = Response::new(Body::from(text));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

/// How an adapter authenticates, by the client's way to do so.
fn credentials(client: &Client, secret: &str) -> Value {
    match client.client_authenticator_type.as_str() {
        "client-secret-jwt" => json!({ "secret-jwt": { "secret": secret, "algorithm": "HS256" } }),
        "client-jwt" => json!({ "jwt": {
            "client-keystore-file": "REPLACE WITH THE LOCATION OF YOUR KEYSTORE FILE",
            "client-keystore-type": "jks",
            "client-keystore-password": "REPLACE WITH THE KEYSTORE PASSWORD",
            "client-key-password": "REPLACE WITH THE KEY PASSWORD IN KEYSTORE",
            "client-key-alias": client.client_id,
            "token-timeout": ASSERTION_TIMEOUT_S,
        } }),
        "client-x509" => json!({}),
        _ => json!({ "secret": secret }),
    }
}
