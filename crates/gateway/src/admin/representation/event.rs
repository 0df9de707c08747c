//! EventRepresentation and AdminEventRepresentation.

use latchkey_api::audit::v1::{LoginEvent, StoredAdminEvent};
use serde_json::{Value, json};

/// As Keycloak shows a login event: what is unknown is left out.
pub(crate) fn show_login_event(event: &LoginEvent) -> Value {
    let mut shown = json!({
        "id": event.id,
        "time": event.time_ms,
        "type": event.r#type,
        "realmId": event.realm_id,
        "ipAddress": event.ip_address,
        "details": event.details,
    });
    for (name, value) in [
        ("clientId", &event.client_id),
        ("userId", &event.user_id),
        ("sessionId", &event.session_id),
        ("error", &event.error),
    ] {
        if !value.is_empty() {
            shown[name] = Value::from(value.as_str());
        }
    }
    shown
}

/// As Keycloak shows an administrator's act.
pub(crate) fn show_admin_event(stored: &StoredAdminEvent) -> Value {
    let event = stored.event.clone().unwrap_or_default();
    let mut shown = json!({
        "id": stored.id,
        "time": stored.time_ms,
        "realmId": stored.realm_id,
        "authDetails": {
            "realmId": event.auth_realm_id,
            "clientId": event.auth_client_id,
            "userId": event.auth_user_id,
            "ipAddress": event.ip_address,
        },
        "operationType": event.operation_type,
        "resourceType": event.resource_type,
    });
    for (name, value) in
        [("resourcePath", event.resource_path), ("representation", event.representation_json)]
    {
        if !value.is_empty() {
            shown[name] = Value::from(value);
        }
    }
    shown
}
