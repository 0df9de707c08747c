//! Sessions: of a client, of a user, of the realm; and their end.

use super::{
    answer::{json, no_content},
    authorization::{Admin, ManageUsers, RealmAdmin, ViewClients, ViewRealm, ViewUsers},
    clients::ClientPath,
    error::{Answer, Error},
    query::Query,
    representation::{show_session, show_session_stats},
    users::UserPath,
};
use crate::App;
use axum::{
    Router,
    extract::Path,
    routing::{delete, get, post},
};
use latchkey_api::{
    roles::v1::UpdateUserRequest,
    session::v1::{
        CheckRequest, ClientSessions, CountSessionsRequest, EndAllRequest, EndRequest, ListSessionsRequest,
        SessionKind,
    },
};
use latchkey_platform::clock::{Clock as _, SystemClock};
use serde::Deserialize;
use serde_json::json;
use tonic::Request;

const ONLINE: i32 = SessionKind::Online as i32;
const OFFLINE: i32 = SessionKind::Offline as i32;

/// The session that a path names.
#[derive(Deserialize)]
struct SessionPath {
    session: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/client-session-stats", get(stats))
        .route("/admin/realms/{realm}/sessions/{session}", delete(end))
        .route("/admin/realms/{realm}/clients/{id}/session-count", get(count::<ONLINE>))
        .route("/admin/realms/{realm}/clients/{id}/offline-session-count", get(count::<OFFLINE>))
        .route("/admin/realms/{realm}/clients/{id}/user-sessions", get(of_client::<ONLINE>))
        .route("/admin/realms/{realm}/clients/{id}/offline-sessions", get(of_client::<OFFLINE>))
        .route("/admin/realms/{realm}/users/{user}/sessions", get(of_user))
        .route("/admin/realms/{realm}/users/{user}/offline-sessions/{client}", get(offline_of_user))
        .route("/admin/realms/{realm}/users/{user}/logout", post(log_user_out))
}

impl RealmAdmin {
    async fn count_sessions(&self, client_uuid: &str) -> Result<Vec<ClientSessions>, Error> {
        let request = CountSessionsRequest { realm_id: self.realm_id(), client_uuid: client_uuid.to_owned() };
        let answer = self.services().sessions.count_sessions(Request::new(request)).await?;
        Ok(answer.into_inner().clients)
    }

    async fn show_sessions(&self, request: ListSessionsRequest) -> Answer {
        let request = ListSessionsRequest { realm_id: self.realm_id(), ..request };
        let found = self.services().sessions.list_sessions(Request::new(request)).await?.into_inner();
        json(&found.sessions.iter().map(show_session).collect::<Vec<_>>())
    }

    /// Ends all sessions of a user.
    pub(super) async fn end_sessions_of_user(&self, user_id: &str) -> Result<(), Error> {
        let request = EndAllRequest {
            realm_id: self.realm_id(),
            user_id: user_id.to_owned(),
            ..EndAllRequest::default()
        };
        self.services().sessions.end_all(Request::new(request)).await?;
        Ok(())
    }
}

/// Only clients that have sessions.
async fn stats(admin: Admin<ViewRealm>) -> Answer {
    let counts = admin.count_sessions("").await?;
    let with_sessions = counts.iter().filter(|count| count.online + count.offline > 0);
    json(&with_sessions.map(show_session_stats).collect::<Vec<_>>())
}

/// Ends one session: an online one, or an offline one with `isOffline=true`.
async fn end(admin: Admin<ManageUsers>, Path(path): Path<SessionPath>, query: Query) -> Answer {
    let kind = if query.flag("isOffline").unwrap_or(false) { OFFLINE } else { ONLINE };
    let check = CheckRequest {
        realm_id: admin.realm_id(),
        session_id: path.session.clone(),
        ..CheckRequest::default()
    };
    let sessions = &admin.services().sessions;
    let found = sessions.check(Request::new(check)).await?.into_inner().session;
    if found.is_none_or(|session| session.kind != kind) {
        return Err(Error::SessionNotFound);
    }
    let request = EndRequest { realm_id: admin.realm_id(), session_id: path.session };
    if sessions.end(Request::new(request)).await?.into_inner().existed {
        Ok(no_content())
    } else {
        Err(Error::SessionNotFound)
    }
}

async fn count<const KIND: i32>(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    admin.client(&path.id).await?;
    let counts = admin.count_sessions(&path.id).await?;
    let count: u64 =
        counts.iter().map(|count| if KIND == ONLINE { count.online } else { count.offline }).sum();
    json(&json!({ "count": count }))
}

async fn of_client<const KIND: i32>(
    admin: Admin<ViewClients>,
    Path(path): Path<ClientPath>,
    query: Query,
) -> Answer {
    admin.client(&path.id).await?;
    let page = query.page()?;
    let request = ListSessionsRequest {
        client_uuid: path.id,
        kind: KIND,
        first: page.first,
        max: page.max,
        ..ListSessionsRequest::default()
    };
    admin.show_sessions(request).await
}

async fn of_user(admin: Admin<ViewUsers>, Path(path): Path<UserPath>) -> Answer {
    let user_id = admin.user(&path.user).await?.id;
    admin.show_sessions(ListSessionsRequest { user_id, kind: ONLINE, ..ListSessionsRequest::default() }).await
}

async fn offline_of_user(admin: Admin<ViewUsers>, Path(path): Path<UserPath>) -> Answer {
    let user_id = admin.user(&path.user).await?.id;
    admin
        .show_sessions(ListSessionsRequest { user_id, kind: OFFLINE, ..ListSessionsRequest::default() })
        .await
}

/// Ends a user's sessions, and makes the tokens that have none stale: by their `iat`, as Keycloak does.
async fn log_user_out(admin: Admin<ManageUsers>, Path(path): Path<UserPath>) -> Answer {
    let mut user = admin.user(&path.user).await?;
    admin.end_sessions_of_user(&user.id).await?;
    user.not_before_s = SystemClock.now_s();
    let admin_event = admin.event("ACTION", "USER", &format!("users/{}/logout", user.id), None);
    let request = UpdateUserRequest { user: Some(user), admin_event };
    admin.services().roles.update_user(Request::new(request)).await?;
    Ok(no_content())
}
