//! The one task that writes: it takes what callers ask for in groups, and commits each group at once.

use super::{
    batch::{Batch, Claim, Reply},
    memory::Memory,
};
use crate::{
    Error,
    family::Refusal,
    record::Record,
    session_id::SessionId,
    store::{Rotation, Whose},
};
use latchkey_api::session::v1::SessionKind;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// The most transitions of one transaction.
const GROUP: usize = 256;

/// How many sessions or other rows one statement deletes, so that nobody waits long behind it.
pub(super) const DELETE: i64 = 500;

/// Where the answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What a caller asks of the writer.
pub(super) enum Ask {
    Open {
        record: Record,
        answer: Answer<()>,
    },
    Rotate {
        realm_id: String,
        id: SessionId,
        rotation: Rotation,
        now_ms: i64,
        answer: Answer<Result<Arc<Record>, Refusal>>,
    },
    /// Reads a session that isn't in memory.
    Load {
        realm_id: String,
        id: SessionId,
        answer: Answer<Option<Arc<Record>>>,
    },
    End {
        realm_id: String,
        id: SessionId,
        now_ms: i64,
        answer: Answer<Option<SessionKind>>,
    },
    /// Ends at most [`DELETE`] sessions: how many were deleted, and how many of those lived.
    EndSome {
        realm_id: String,
        whose: Whose,
        online_only: bool,
        now_ms: i64,
        answer: Answer<(u64, u64)>,
    },
    Revoke {
        realm_id: String,
        jti: String,
        expires_ms: i64,
        answer: Answer<()>,
    },
    Claim {
        realm_id: String,
        id: [u8; 32],
        expires_ms: i64,
        now_ms: i64,
        answer: Answer<bool>,
    },
    SetPosition {
        upstream: String,
        revision: u64,
        answer: Answer<()>,
    },
    /// Deletes some of what has expired: whether there may be more.
    Sweep {
        now_ms: i64,
        answer: Answer<bool>,
    },
}

/// Serves callers until the last of them is gone.
pub(super) async fn run(
    mut connection: SqliteConnection,
    memory: Arc<Memory>,
    mut asked: mpsc::Receiver<Ask>,
) {
    let mut group = Vec::with_capacity(GROUP);
    while asked.recv_many(&mut group, GROUP).await > 0 {
        let mut writer = Writer { connection: &mut connection, memory: &memory, batch: Batch::default() };
        for ask in group.drain(..) {
            writer.take(ask).await;
        }
        writer.commit().await;
    }
}

struct Writer<'a> {
    connection: &'a mut SqliteConnection,
    memory: &'a Memory,
    batch: Batch,
}

impl Writer<'_> {
    async fn commit(&mut self) {
        std::mem::take(&mut self.batch).commit(self.connection, self.memory).await;
    }

    async fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Open { record, answer } => {
                self.batch.put(Arc::new(record));
                self.batch.after(later(answer, ()));
            }
            Ask::Rotate { realm_id, id, rotation, now_ms, answer } => {
                match self.rotate(&realm_id, id, &rotation, now_ms).await {
                    Ok(outcome) => self.batch.after(later(answer, outcome)),
                    Err(error) => send(answer, Err(error)),
                }
            }
            Ask::Load { realm_id, id, answer } => match self.session(&realm_id, id).await {
                Ok(record) => self.batch.after(later(answer, record)),
                Err(error) => send(answer, Err(error)),
            },
            Ask::End { realm_id, id, now_ms, answer } => match self.session(&realm_id, id).await {
                Ok(record) => {
                    if record.is_some() {
                        self.batch.remove(&realm_id, id);
                    }
                    let record = record.filter(|record| now_ms < record.expires_ms);
                    self.batch.after(later(answer, record.map(|record| record.kind())));
                }
                Err(error) => send(answer, Err(error)),
            },
            Ask::Revoke { realm_id, jti, expires_ms, answer } => {
                self.batch.revoke(realm_id, jti, expires_ms);
                self.batch.after(later(answer, ()));
            }
            Ask::Claim { realm_id, id, expires_ms, now_ms, answer } => {
                let reply = Box::new(move |won| send(answer, won));
                self.batch.claim(Claim { realm_id, id, expires_ms, now_ms, reply });
            }
            // What concerns many rows comes after what stands before it, in a transaction of its own.
            Ask::EndSome { realm_id, whose, online_only, now_ms, answer } => {
                self.commit().await;
                send(answer, self.end_some(&realm_id, &whose, online_only, now_ms).await);
            }
            Ask::SetPosition { upstream, revision, answer } => {
                self.commit().await;
                send(answer, self.set_position(&upstream, revision).await);
            }
            Ask::Sweep { now_ms, answer } => {
                self.commit().await;
                send(answer, self.sweep(now_ms).await);
            }
        }
    }

    /// A session as the batch leaves it, else as committed.
    async fn session(&mut self, realm_id: &str, id: SessionId) -> Result<Option<Arc<Record>>, Error> {
        if let Some(changed) = self.batch.session(realm_id, id) {
            return Ok(changed);
        }
        if let Some(record) = self.memory.session(realm_id, id) {
            return Ok(Some(record));
        }
        let row = sqlx::query("SELECT record FROM sessions WHERE realm_id = ? AND id = ?")
            .bind(realm_id)
            .bind(id.as_bytes())
            .fetch_optional(&mut *self.connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let record = Record::decode(realm_id, id, row.try_get(0)?).ok_or(Error::Unreadable(id))?;
        let record = Arc::new(record);
        self.memory.keep(record.clone());
        Ok(Some(record))
    }

    async fn rotate(
        &mut self,
        realm_id: &str,
        id: SessionId,
        rotation: &Rotation,
        now_ms: i64,
    ) -> Result<Result<Arc<Record>, Refusal>, Error> {
        let Some(record) = self.session(realm_id, id).await? else {
            return Ok(Err(Refusal::SessionNotActive));
        };
        if rotation.has_expired(&record, now_ms) {
            self.batch.remove(realm_id, id);
            return Ok(Err(Refusal::SessionNotActive));
        }
        if !record.family.alive || record.session.client_uuid != rotation.client_uuid {
            return Ok(Err(Refusal::FamilyEnded));
        }
        let mut next = (*record).clone();
        let outcome = next.family.spend(&rotation.jti, &rotation.next_jti, rotation.reuse);
        if outcome.is_ok() {
            next.session.last_access_ms = now_ms;
            next.expires_ms = rotation.lifespan.expires_ms(id.started_ms(), now_ms);
        }
        let next = Arc::new(next);
        self.batch.put(next.clone());
        Ok(outcome.map(|()| next))
    }

    async fn end_some(
        &mut self,
        realm_id: &str,
        whose: &Whose,
        online_only: bool,
        now_ms: i64,
    ) -> Result<(u64, u64), Error> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "DELETE FROM sessions WHERE (realm_id, id) IN (SELECT realm_id, id FROM sessions WHERE realm_id = ",
        );
        query.push_bind(realm_id).push(" AND id < ").push_bind(SessionId::bound_after(now_ms).to_vec());
        match whose {
            Whose::User(user) => query.push(" AND user_id = ").push_bind(user),
            Whose::Client(client) => query.push(" AND client_uuid = ").push_bind(client),
            Whose::Realm => &mut query,
        };
        if online_only {
            query.push(" AND kind = ").push_bind(SessionKind::Online as i32);
        }
        query.push(" LIMIT ").push_bind(DELETE);
        query.push(") RETURNING id, alive AND expires_ms > ").push_bind(now_ms);
        let rows = query.build().fetch_all(&mut *self.connection).await?;
        let mut lived = 0;
        for row in &rows {
            lived += u64::from(row.try_get::<bool, _>(1)?);
            self.forget(row.try_get(0)?);
        }
        Ok((rows.len() as u64, lived))
    }

    fn forget(&self, id: &[u8]) {
        if let Some(id) = SessionId::from_bytes(id) {
            self.memory.forget(id);
        }
    }

    async fn set_position(&mut self, upstream: &str, revision: u64) -> Result<(), Error> {
        let revision = i64::try_from(revision).map_err(|_| Error::Invalid("a revision beyond all bounds"))?;
        sqlx::query(
            "INSERT INTO positions (upstream, revision) VALUES (?, ?) \
             ON CONFLICT (upstream) DO UPDATE SET revision = excluded.revision",
        )
        .bind(upstream)
        .bind(revision)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    async fn sweep(&mut self, now_ms: i64) -> Result<bool, Error> {
        let rows = sqlx::query(
            "DELETE FROM sessions WHERE (realm_id, id) IN \
             (SELECT realm_id, id FROM sessions WHERE expires_ms <= ? LIMIT ?) RETURNING id",
        )
        .bind(now_ms)
        .bind(DELETE)
        .fetch_all(&mut *self.connection)
        .await?;
        for row in &rows {
            self.forget(row.try_get(0)?);
        }
        let mut most = rows.len() as u64;
        for statement in [
            "DELETE FROM revoked WHERE (realm_id, jti) IN \
             (SELECT realm_id, jti FROM revoked WHERE expires_ms <= ? LIMIT ?)",
            "DELETE FROM claims WHERE (realm_id, id) IN \
             (SELECT realm_id, id FROM claims WHERE expires_ms <= ? LIMIT ?)",
        ] {
            let done =
                sqlx::query(statement).bind(now_ms).bind(DELETE).execute(&mut *self.connection).await?;
            most = most.max(done.rows_affected());
        }
        self.memory.expire(now_ms);
        if self.memory.wants_revoked() {
            fill_revoked(self.connection, self.memory).await?;
        }
        Ok(most >= DELETE as u64)
    }
}

/// Reads the revoked ids into memory, as many as fit.
pub(super) async fn fill_revoked(connection: &mut SqliteConnection, memory: &Memory) -> Result<(), Error> {
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT realm_id, jti, expires_ms FROM revoked ORDER BY expires_ms DESC LIMIT ?")
            .bind(Memory::READ_REVOKED)
            .fetch_all(connection)
            .await?;
    memory.fill_revoked(rows.into_iter());
    Ok(())
}

/// Answers after the commit, with a value known before.
fn later<T: Send + Sync + 'static>(answer: Answer<T>, value: T) -> Reply {
    Box::new(move |committed| send(answer, committed.map(|()| value)))
}

/// Answers a caller, who may have gone away.
fn send<T>(answer: Answer<T>, value: Result<T, Error>) {
    // The change stands all the same.
    let _gone = answer.send(value);
}
