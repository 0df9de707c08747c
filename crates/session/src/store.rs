//! Where sessions are kept: one trait, two stores, one contract suite over both.

#[cfg(test)]
mod contract;
pub mod redis;
pub mod sqlite;

use crate::{
    Error,
    family::{Refusal, Reuse},
    record::Record,
    session_id::SessionId,
};
use async_trait::async_trait;
use latchkey_api::session::v1::{ClientSessions, Session, SessionKind};
use std::sync::Arc;

/// The most sessions that one list answers.
pub const MAX_LISTED: u32 = 10_000;

/// Ten years: the end of what has no other bound, since everything that is stored has an end.
pub const UNBOUNDED_MS: i64 = 10 * 365 * 24 * 3_600_000;

/// The lifespans of a session, in milliseconds; `None` for no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifespan {
    /// From the last refresh.
    pub idle_ms: Option<i64>,
    /// From the start.
    pub max_ms: Option<i64>,
}

impl Lifespan {
    /// The end of a session in any case.
    pub fn maximum(&self, started_ms: i64) -> Option<i64> {
        self.max_ms.map(|max| started_ms.saturating_add(max))
    }

    /// The end of a session that is refreshed at `now_ms` and never again.
    pub fn expires_ms(&self, started_ms: i64, now_ms: i64) -> i64 {
        let idle = now_ms.saturating_add(self.idle_ms.unwrap_or(UNBOUNDED_MS));
        self.maximum(started_ms).map_or(idle, |maximum| idle.min(maximum))
    }
}

/// One use of a refresh token.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The client that presents it.
    pub client_uuid: String,
    /// The session's user where the caller knows it, else empty.
    pub user_id: String,
    /// The token presented.
    pub jti: String,
    /// The token that will follow.
    pub next_jti: String,
    /// What the realm says of reuse.
    pub reuse: Reuse,
    /// The lifespans by the realm's and client's settings of now.
    pub lifespan: Lifespan,
}

impl Rotation {
    /// Whether the session is over at `now_ms`, by what was stored or by lifespans that were shortened since.
    pub(crate) fn has_expired(&self, record: &Record, now_ms: i64) -> bool {
        let idle = self.lifespan.idle_ms.map(|idle| record.session.last_access_ms.saturating_add(idle));
        let ends = [Some(record.expires_ms), idle, self.lifespan.maximum(record.id.started_ms())];
        ends.into_iter().flatten().any(|end| end <= now_ms)
    }
}

/// Whose sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A user's, by id.
    User(String),
    /// A client's, by uuid.
    Client(String),
    /// All of the realm.
    Realm,
}

/// What a check finds.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The session, if it lives.
    pub record: Option<Arc<Record>>,
    /// Whether the token's id is revoked.
    pub revoked: bool,
}

/// Keeps sessions. The realm is part of each key; `now_ms` is the caller's clock. Every method is one atomic transition
/// for each session it concerns, and returns after the change is stored.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores a new session.
    async fn open(&self, realm_id: &str, record: Record, now_ms: i64) -> Result<(), Error>;

    /// Spends a refresh token: of any number of concurrent uses of one, as many win as the realm allows.
    async fn rotate(
        &self,
        realm_id: &str,
        id: SessionId,
        rotation: Rotation,
        now_ms: i64,
    ) -> Result<Result<Arc<Record>, Refusal>, Error>;

    /// The session, if it lives, and whether a token's id is revoked: one look for both.
    async fn check(
        &self,
        realm_id: &str,
        id: Option<SessionId>,
        jti: Option<&str>,
        now_ms: i64,
    ) -> Result<Found, Error>;

    /// Ends a session; its kind if it was there.
    async fn end(&self, realm_id: &str, id: SessionId, now_ms: i64) -> Result<Option<SessionKind>, Error>;

    /// Ends the sessions that began up to `now_ms`; how many lived.
    async fn end_all(
        &self,
        realm_id: &str,
        whose: &Whose,
        online_only: bool,
        now_ms: i64,
    ) -> Result<u64, Error>;

    /// Live sessions of one kind in the order of their expiry, at most [`MAX_LISTED`].
    async fn list(
        &self,
        realm_id: &str,
        whose: &Whose,
        kind: SessionKind,
        first: u32,
        max: u32,
        now_ms: i64,
    ) -> Result<Vec<Session>, Error>;

    /// How many sessions live, of one client or of each that has any.
    async fn count(
        &self,
        realm_id: &str,
        client_uuid: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<ClientSessions>, Error>;

    /// Revokes a token's id until `expires_ms`.
    async fn revoke(&self, realm_id: &str, jti: &str, expires_ms: i64, now_ms: i64) -> Result<(), Error>;

    /// Claims an id for `ttl_ms`: true for exactly one of any number of claims.
    async fn claim(
        &self,
        realm_id: &str,
        purpose: &str,
        id: &str,
        ttl_ms: i64,
        now_ms: i64,
    ) -> Result<bool, Error>;

    /// The revision of another service's change log up to which sessions were ended; 0 at first.
    async fn position(&self, upstream: &str) -> Result<u64, Error>;

    /// Remembers that revision.
    async fn set_position(&self, upstream: &str, revision: u64) -> Result<(), Error>;

    /// Whether the store answers now.
    async fn ping(&self) -> Result<(), Error>;

    /// Deletes some of what has expired; false when nothing is left. A store that expires by itself has nothing to do.
    async fn sweep(&self, now_ms: i64) -> Result<bool, Error>;
}
