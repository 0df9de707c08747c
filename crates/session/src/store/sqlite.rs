//! Sessions in SQLite, for the embedded default: one process owns the file.
//!
//! All changes go through one writer, which commits what is asked at the same time as one transaction, and brings the memory up
//! to date before it answers. So a check reads memory alone, and what it sees is committed.

mod batch;
mod memory;
mod writer;

use super::{Found, MAX_LISTED, Rotation, Store, Whose};
use crate::{Error, digest::digest, family::Refusal, record::Record, session_id::SessionId};
use async_trait::async_trait;
use latchkey_api::session::v1::{ClientSessions, Session, SessionKind};
use latchkey_platform::database::{Database, Migration, Migrations};
use memory::Memory;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use writer::{Answer, Ask};

/// How many callers wait in line before others wait outside.
const QUEUE: usize = 4096;

/// The name that [`Database::open`] asks for.
pub const SCHEMA: &str = "session";

/// The steps of the schema. There is none for PostgreSQL: what several replicas share is in Redis.
pub const MIGRATIONS: Migrations = &[Migration {
    version: 1,
    description: "sessions",
    postgres: "",
    sqlite: include_str!("../../migrations/sqlite/0001_sessions.sql"),
}];

/// Sessions in SQLite.
pub struct SqliteStore {
    writer: mpsc::Sender<Ask>,
    readers: SqlitePool,
    memory: Arc<Memory>,
}

impl SqliteStore {
    /// The store in a database that was opened with [`SCHEMA`] and [`MIGRATIONS`]. At most `max_in_memory` sessions are
    /// kept in memory.
    ///
    /// # Errors
    /// [`Error::Location`] when it is no SQLite file, [`Error::Database`] when it can't be read.
    pub async fn new(database: Database, max_in_memory: u64) -> Result<Self, Error> {
        let Database::Sqlite { writer, readers } = database else { return Err(Error::Location) };
        let mut connection = writer.acquire().await?.detach();
        let memory = Arc::new(Memory::new(max_in_memory));
        writer::fill_revoked(&mut connection, &memory).await?;
        let (writer, asked) = mpsc::channel(QUEUE);
        tokio::spawn(writer::run(connection, memory.clone(), asked));
        Ok(Self { writer, readers, memory })
    }

    /// Asks the writer.
    async fn ask<T>(&self, ask: impl FnOnce(Answer<T>) -> Ask) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.writer.send(ask(answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

fn closed() -> Error {
    sqlx::Error::WorkerCrashed.into()
}

#[async_trait]
impl Store for SqliteStore {
    async fn open(&self, _realm_id: &str, record: Record, _now_ms: i64) -> Result<(), Error> {
        self.ask(|answer| Ask::Open { record, answer }).await
    }

    async fn rotate(
        &self,
        realm_id: &str,
        id: SessionId,
        rotation: Rotation,
        now_ms: i64,
    ) -> Result<Result<Arc<Record>, Refusal>, Error> {
        let realm_id = realm_id.to_owned();
        self.ask(|answer| Ask::Rotate { realm_id, id, rotation, now_ms, answer }).await
    }

    async fn check(
        &self,
        realm_id: &str,
        id: Option<SessionId>,
        jti: Option<&str>,
        now_ms: i64,
    ) -> Result<Found, Error> {
        let record = match id {
            None => None,
            Some(id) => match self.memory.session(realm_id, id) {
                Some(record) => Some(record),
                None => {
                    let realm_id = realm_id.to_owned();
                    self.ask(|answer| Ask::Load { realm_id, id, answer }).await?
                }
            },
        };
        let revoked = match jti {
            None => false,
            Some(jti) => match self.memory.is_revoked(realm_id, jti, now_ms) {
                Some(revoked) => revoked,
                None => self.is_revoked(realm_id, jti, now_ms).await?,
            },
        };
        Ok(Found { record: record.filter(|record| record.is_live(now_ms)), revoked })
    }

    async fn end(&self, realm_id: &str, id: SessionId, now_ms: i64) -> Result<Option<SessionKind>, Error> {
        let realm_id = realm_id.to_owned();
        self.ask(|answer| Ask::End { realm_id, id, now_ms, answer }).await
    }

    async fn end_all(
        &self,
        realm_id: &str,
        whose: &Whose,
        online_only: bool,
        now_ms: i64,
    ) -> Result<u64, Error> {
        let mut ended = 0;
        loop {
            let (realm_id, whose) = (realm_id.to_owned(), whose.clone());
            let (deleted, lived) =
                self.ask(|answer| Ask::EndSome { realm_id, whose, online_only, now_ms, answer }).await?;
            ended += lived;
            if deleted < writer::DELETE as u64 {
                return Ok(ended);
            }
        }
    }

    async fn list(
        &self,
        realm_id: &str,
        whose: &Whose,
        kind: SessionKind,
        first: u32,
        max: u32,
        now_ms: i64,
    ) -> Result<Vec<Session>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id, record FROM sessions WHERE realm_id = ");
        query.push_bind(realm_id);
        match whose {
            Whose::User(user) => query.push(" AND user_id = ").push_bind(user),
            Whose::Client(client) => query.push(" AND client_uuid = ").push_bind(client),
            Whose::Realm => return Err(Error::Invalid("a list is of a user or of a client")),
        };
        query.push(" AND kind = ").push_bind(kind as i32);
        query.push(" AND alive AND expires_ms > ").push_bind(now_ms);
        query.push(" ORDER BY expires_ms, id LIMIT ").push_bind(max.min(MAX_LISTED));
        query.push(" OFFSET ").push_bind(first);
        let mut sessions = Vec::new();
        for row in query.build().fetch_all(&self.readers).await? {
            let id = SessionId::from_bytes(row.try_get(0)?).ok_or(Error::Invalid("a session's id"))?;
            let record = Record::decode(realm_id, id, row.try_get(1)?).ok_or(Error::Unreadable(id))?;
            sessions.push(record.session);
        }
        Ok(sessions)
    }

    async fn count(
        &self,
        realm_id: &str,
        client_uuid: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<ClientSessions>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT client_uuid, max(client_id), sum(kind <> 2), sum(kind = 2) FROM sessions WHERE realm_id = ",
        );
        query.push_bind(realm_id);
        if let Some(client) = client_uuid {
            query.push(" AND client_uuid = ").push_bind(client);
        }
        query.push(" AND alive AND expires_ms > ").push_bind(now_ms).push(" GROUP BY client_uuid");
        let rows: Vec<(String, String, i64, i64)> = query.build_query_as().fetch_all(&self.readers).await?;
        let counts = rows.into_iter().map(|(client_uuid, client_id, online, offline)| ClientSessions {
            client_uuid,
            client_id,
            online: online.unsigned_abs(),
            offline: offline.unsigned_abs(),
        });
        Ok(counts.collect())
    }

    async fn revoke(&self, realm_id: &str, jti: &str, expires_ms: i64, _now_ms: i64) -> Result<(), Error> {
        let (realm_id, jti) = (realm_id.to_owned(), jti.to_owned());
        self.ask(|answer| Ask::Revoke { realm_id, jti, expires_ms, answer }).await
    }

    async fn claim(
        &self,
        realm_id: &str,
        purpose: &str,
        id: &str,
        ttl_ms: i64,
        now_ms: i64,
    ) -> Result<bool, Error> {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&[purpose, id]).as_ref());
        let (realm_id, expires_ms) = (realm_id.to_owned(), now_ms.saturating_add(ttl_ms.max(1)));
        self.ask(|answer| Ask::Claim { realm_id, id: bytes, expires_ms, now_ms, answer }).await
    }

    async fn position(&self, upstream: &str) -> Result<u64, Error> {
        let revision: Option<i64> = sqlx::query_scalar("SELECT revision FROM positions WHERE upstream = ?")
            .bind(upstream)
            .fetch_optional(&self.readers)
            .await?;
        Ok(revision.unwrap_or(0).unsigned_abs())
    }

    async fn set_position(&self, upstream: &str, revision: u64) -> Result<(), Error> {
        let upstream = upstream.to_owned();
        self.ask(|answer| Ask::SetPosition { upstream, revision, answer }).await
    }

    async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn sweep(&self, now_ms: i64) -> Result<bool, Error> {
        self.ask(|answer| Ask::Sweep { now_ms, answer }).await
    }
}

impl SqliteStore {
    /// Asks the database, where memory holds only a part of the revoked ids.
    async fn is_revoked(&self, realm_id: &str, jti: &str, now_ms: i64) -> Result<bool, Error> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM revoked WHERE realm_id = ? AND jti = ? AND expires_ms > ?")
                .bind(realm_id)
                .bind(jti)
                .bind(now_ms)
                .fetch_optional(&self.readers)
                .await?;
        Ok(found.is_some())
    }
}
