//! UserSessionRepresentation, and the counts of sessions.

use latchkey_api::session::v1::{ClientSessions, Session};
use serde_json::{Map, Value, json};

/// As Keycloak shows it.
pub(crate) fn show_session(session: &Session) -> Value {
    let clients = Map::from_iter([(session.client_uuid.clone(), Value::from(session.client_id.as_str()))]);
    json!({
        "id": session.id,
        "username": session.username,
        "userId": session.user_id,
        "ipAddress": session.ip_address,
        "start": session.started_ms,
        "lastAccess": session.last_access_ms,
        "rememberMe": false,
        "transientUser": false,
        "clients": clients,
    })
}

/// A client's line in client-session-stats: its numbers are text.
pub(crate) fn show_session_stats(sessions: &ClientSessions) -> Value {
    json!({
        "id": sessions.client_uuid,
        "clientId": sessions.client_id,
        "active": sessions.online.to_string(),
        "offline": sessions.offline.to_string(),
    })
}
