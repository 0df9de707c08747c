//! KeysMetadataRepresentation.

use latchkey_api::issuer::v1::{Key, ListKeysResponse};
use serde_json::{Value, json};

/// As Keycloak shows them: symmetric keys without any material.
pub(crate) fn show_keys(keys: &ListKeysResponse) -> Value {
    json!({ "active": keys.active, "keys": keys.keys.iter().map(show_key).collect::<Vec<_>>() })
}

fn show_key(key: &Key) -> Value {
    let mut shown = json!({
        "providerId": key.provider_id,
        "providerPriority": key.provider_priority,
        "kid": key.kid,
        "status": key.status,
        "type": key.r#type,
        "algorithm": key.algorithm,
        "use": key.r#use,
    });
    if !key.public_key.is_empty() {
        shown["publicKey"] = Value::from(key.public_key.as_str());
    }
    if !key.certificate.is_empty() {
        shown["certificate"] = Value::from(key.certificate.as_str());
    }
    if key.valid_to_ms != 0 {
        shown["validTo"] = Value::from(key.valid_to_ms);
    }
    shown
}
