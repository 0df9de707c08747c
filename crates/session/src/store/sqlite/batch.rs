//! What a group of transitions changes, committed as one transaction.

use super::memory::Memory;
use crate::{Error, record::Record, session_id::SessionId};
use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Rows of one statement.
const ROWS: usize = 32;

/// Tells a caller how it went, once it is known.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Error>) + Send + Sync>;

/// A claim and whom to tell whether it was the first.
pub(super) struct Claim {
    pub(super) realm_id: String,
    pub(super) id: [u8; 32],
    pub(super) expires_ms: i64,
    pub(super) now_ms: i64,
    pub(super) reply: Box<dyn FnOnce(Result<bool, Error>) + Send + Sync>,
}

/// Changes that aren't committed yet.
#[derive(Default)]
pub(super) struct Batch {
    /// Sessions as they will be; `None` for one that goes.
    sessions: HashMap<(String, SessionId), Option<Arc<Record>>>,
    revoked: Vec<(String, String, i64)>,
    claims: Vec<Claim>,
    replies: Vec<Reply>,
}

impl Batch {
    /// A session as this batch leaves it; `None` where the batch doesn't touch it.
    pub(super) fn session(&self, realm_id: &str, id: SessionId) -> Option<Option<Arc<Record>>> {
        self.sessions.get(&(realm_id.to_owned(), id)).cloned()
    }

    pub(super) fn put(&mut self, record: Arc<Record>) {
        self.sessions.insert((record.session.realm_id.clone(), record.id), Some(record));
    }

    pub(super) fn remove(&mut self, realm_id: &str, id: SessionId) {
        self.sessions.insert((realm_id.to_owned(), id), None);
    }

    pub(super) fn revoke(&mut self, realm_id: String, jti: String, expires_ms: i64) {
        self.revoked.push((realm_id, jti, expires_ms));
    }

    pub(super) fn claim(&mut self, claim: Claim) {
        self.claims.push(claim);
    }

    /// Whom to tell after the commit.
    pub(super) fn after(&mut self, reply: Reply) {
        self.replies.push(reply);
    }

    /// Commits, brings the memory up to date, then tells the callers: all of them succeed or none.
    pub(super) async fn commit(self, connection: &mut SqliteConnection, memory: &Memory) {
        let written = self.write(connection).await;
        let first = match &written {
            Ok(first) => first,
            Err(error) => {
                for claim in self.claims {
                    (claim.reply)(Err(error.clone()));
                }
                for reply in self.replies {
                    reply(Err(error.clone()));
                }
                return;
            }
        };
        for ((_, id), record) in self.sessions {
            match record {
                Some(record) => memory.keep(record),
                None => memory.forget(id),
            }
        }
        for (realm_id, jti, expires_ms) in self.revoked {
            memory.revoke(&realm_id, &jti, expires_ms);
        }
        for (index, claim) in self.claims.into_iter().enumerate() {
            (claim.reply)(Ok(first.contains(&index)));
        }
        for reply in self.replies {
            reply(Ok(()));
        }
    }

    /// Writes all changes; which claims were first. One statement is a transaction of its own.
    async fn write(&self, connection: &mut SqliteConnection) -> Result<HashSet<usize>, Error> {
        let puts: Vec<&Arc<Record>> = self.sessions.values().flatten().collect();
        let gone: Vec<&(String, SessionId)> =
            self.sessions.iter().filter(|(_, record)| record.is_none()).map(|(key, _)| key).collect();
        let statements = [puts.len(), gone.len(), self.revoked.len(), self.claims.len()];
        match statements.iter().map(|rows| rows.div_ceil(ROWS)).sum::<usize>() {
            0 => Ok(HashSet::new()),
            1 => self.write_all(connection, &puts, &gone).await,
            _ => {
                let mut transaction = connection.begin().await?;
                let first = self.write_all(&mut transaction, &puts, &gone).await?;
                transaction.commit().await?;
                Ok(first)
            }
        }
    }

    async fn write_all(
        &self,
        connection: &mut SqliteConnection,
        puts: &[&Arc<Record>],
        gone: &[&(String, SessionId)],
    ) -> Result<HashSet<usize>, Error> {
        for rows in puts.chunks(ROWS) {
            put_sessions(connection, rows).await?;
        }
        for rows in gone.chunks(ROWS) {
            delete_sessions(connection, rows).await?;
        }
        for rows in self.revoked.chunks(ROWS) {
            put_revoked(connection, rows).await?;
        }
        let mut first = HashSet::new();
        let mut before = 0;
        for rows in self.claims.chunks(ROWS) {
            first.extend(put_claims(connection, rows).await?.into_iter().map(|index| before + index));
            before += rows.len();
        }
        Ok(first)
    }
}

async fn put_sessions(connection: &mut SqliteConnection, rows: &[&Arc<Record>]) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO sessions (realm_id, id, client_uuid, client_id, user_id, kind, alive, expires_ms, record) ",
    );
    query.push_values(rows, |mut row, record| {
        let session = &record.session;
        row.push_bind(&session.realm_id)
            .push_bind(record.id.as_bytes())
            .push_bind(&session.client_uuid)
            .push_bind(&session.client_id)
            .push_bind(&session.user_id)
            .push_bind(record.kind() as i32)
            .push_bind(record.family.alive)
            .push_bind(record.expires_ms)
            .push_bind(record.encode());
    });
    query.push(
        " ON CONFLICT (realm_id, id) DO UPDATE SET \
         alive = excluded.alive, expires_ms = excluded.expires_ms, record = excluded.record",
    );
    query.build().execute(connection).await?;
    Ok(())
}

async fn delete_sessions(
    connection: &mut SqliteConnection,
    rows: &[&(String, SessionId)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM sessions WHERE (realm_id, id) IN (");
    query.push_values(rows, |mut row, (realm_id, id)| {
        row.push_bind(realm_id).push_bind(id.as_bytes());
    });
    query.push(")");
    query.build().execute(connection).await?;
    Ok(())
}

async fn put_revoked(
    connection: &mut SqliteConnection,
    rows: &[(String, String, i64)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO revoked (realm_id, jti, expires_ms) ");
    query.push_values(rows, |mut row, (realm_id, jti, expires_ms)| {
        row.push_bind(realm_id).push_bind(jti).push_bind(expires_ms);
    });
    query.push(
        " ON CONFLICT (realm_id, jti) DO UPDATE SET expires_ms = max(revoked.expires_ms, excluded.expires_ms)",
    );
    query.build().execute(connection).await?;
    Ok(())
}

/// Stores claims that aren't held by an earlier one; which of them won. Of equal ones in `rows` the first does.
async fn put_claims(connection: &mut SqliteConnection, rows: &[Claim]) -> Result<Vec<usize>, sqlx::Error> {
    let mut seen = HashMap::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        seen.entry((row.realm_id.as_str(), row.id)).or_insert(index);
    }
    let now_ms = rows.iter().map(|row| row.now_ms).min().unwrap_or(0);
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO claims (realm_id, id, expires_ms) ");
    query.push_values(seen.values(), |mut values, index| {
        let row = &rows[*index];
        values.push_bind(&row.realm_id).push_bind(row.id.to_vec()).push_bind(row.expires_ms);
    });
    query.push(
        " ON CONFLICT (realm_id, id) DO UPDATE SET expires_ms = excluded.expires_ms WHERE claims.expires_ms <= ",
    );
    query.push_bind(now_ms);
    query.push(" RETURNING realm_id, id");
    let mut won = Vec::new();
    for row in query.build().fetch_all(connection).await? {
        let (realm_id, id): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        won.extend(id.try_into().ok().and_then(|id: [u8; 32]| seen.get(&(realm_id.as_str(), id)).copied()));
    }
    Ok(won)
}
