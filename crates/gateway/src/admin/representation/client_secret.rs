//! What is known of a client's secret. Keycloak has no such representation.

use latchkey_api::registry::v1::ClientSecret;
use serde_json::{Value, json};

/// Its times are in milliseconds since the epoch; `expiration` and `lastUsed` are absent where there is none.
pub(crate) fn show_client_secret(secret: &ClientSecret) -> Value {
    let mut shown = json!({ "id": secret.id, "createdDate": secret.created_ms, "readable": secret.readable });
    for (member, time_ms) in [("expiration", secret.expires_ms), ("lastUsed", secret.last_used_ms)] {
        if let Some(time_ms) = time_ms {
            shown[member] = Value::from(time_ms);
        }
    }
    shown
}
