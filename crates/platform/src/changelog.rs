//! The change log of a service: what it changed, in order, written in the same transaction as the change.
//!
//! Replicas of the service follow it to drop what they have cached; other services follow it to cascade ([`crate::follower`]).

mod stream;
mod tail;

use std::sync::Arc;

use futures::future::BoxFuture;
use latchkey_api::common::v1::{AdminEvent, Change, Operation};
use latchkey_api::revision::Applied;
use tokio::sync::watch;

use crate::clock::SharedClock;
use crate::database::{Database, Error, Queries as _, Row, Transaction};
use crate::params;

const COLUMNS: &str =
    "revision, realm_id, entity, operation, entity_id, payload_json, time_ms, admin_event_json";
/// Entries read at a time.
const BATCH: i64 = 256;

/// A change that is about to be appended.
#[derive(Clone, Debug)]
pub struct NewChange<'a> {
    /// The realm's id.
    pub realm_id: &'a str,
    /// The kind of thing; see `Change.entity` in the contract.
    pub entity: &'a str,
    /// What was done to it.
    pub operation: Operation,
    /// The id of the thing.
    pub entity_id: &'a str,
    /// What followers need to cascade; never a secret.
    pub payload: serde_json::Value,
    /// The administrator's act behind it.
    pub admin_event: Option<AdminEvent>,
}

/// A service's change log. Cloning it is a pointer's copy.
#[derive(Clone)]
pub struct ChangeLog {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    schema: &'static str,
    clock: SharedClock,
    /// The newest revision known to be committed.
    head: watch::Sender<u64>,
    /// The newest revision whose effect on the caches of this process has happened.
    applied: watch::Sender<u64>,
}

impl ChangeLog {
    /// The change log of a service whose database is opened with `schema`.
    ///
    /// # Errors
    /// When the head cannot be read.
    pub async fn open(database: Database, schema: &'static str, clock: SharedClock) -> Result<Self, Error> {
        let head = read_head(&database).await?;
        let inner = Inner {
            database,
            schema,
            clock,
            head: watch::Sender::new(head),
            applied: watch::Sender::new(head),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Appends a change within the transaction that makes it, and gives its revision.
    ///
    /// The log's head is locked until the transaction ends: append last.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn append(&self, transaction: &mut Transaction, change: NewChange<'_>) -> Result<u64, Error> {
        let sql = "UPDATE change_log_head SET revision = revision + 1 RETURNING revision";
        let row = transaction.fetch_optional(sql, params![]).await?;
        let revision = row.ok_or_else(missing_head)?.integer("revision")?;
        let admin_event = change
            .admin_event
            .map(|event| serde_json::to_string(&event))
            .transpose()
            .map_err(unserialisable)?;
        let sql = "INSERT INTO change_log (revision, realm_id, entity, operation, entity_id, payload_json, time_ms, admin_event_json)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let params = params![
            revision,
            change.realm_id,
            change.entity,
            i64::from(i32::from(change.operation)),
            change.entity_id,
            change.payload.to_string(),
            self.inner.clock.now_ms(),
            admin_event,
        ];
        transaction.execute(sql, params).await?;
        if matches!(transaction, Transaction::Postgres(_)) {
            transaction
                .fetch_all("SELECT pg_notify($1, '')", params![tail::channel(self.inner.schema)])
                .await?;
        }
        Ok(revision.cast_unsigned())
    }

    /// Tells followers in this process that the transaction with this revision has been committed.
    pub fn committed(&self, revision: u64) {
        raise(&self.inner.head, revision);
    }

    /// The newest revision that this process knows to be committed.
    #[must_use]
    pub fn head(&self) -> u64 {
        *self.inner.head.borrow()
    }

    /// The newest revision in the database.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn read_head(&self) -> Result<u64, Error> {
        let head = read_head(&self.inner.database).await?;
        self.committed(head);
        Ok(head)
    }

    /// Waits until the caches of this process have dropped what changed up to `revision`.
    pub async fn wait_applied(&self, revision: u64) {
        // The sender lives as long as self, so this ends only by the condition.
        let _ = self.inner.applied.subscribe().wait_for(|applied| *applied >= revision).await;
    }

    async fn read(&self, after: u64) -> Result<Vec<Change>, Error> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM change_log WHERE revision > $1 ORDER BY revision LIMIT {BATCH}"
        ));
        let mut database = self.inner.database.clone();
        database.fetch_all(sql, params![after.cast_signed()]).await?.iter().map(change).collect()
    }
}

/// How far the caches of this process have followed.
impl Applied for ChangeLog {
    fn revision(&self) -> u64 {
        *self.inner.applied.borrow()
    }

    fn wait(&self, revision: u64) -> BoxFuture<'_, ()> {
        Box::pin(self.wait_applied(revision))
    }
}

fn change(row: &Row) -> Result<Change, Error> {
    let admin_event = row.optional_text("admin_event_json")?;
    Ok(Change {
        revision: row.integer("revision")?.cast_unsigned(),
        realm_id: row.text("realm_id")?,
        entity: row.text("entity")?,
        operation: i32::try_from(row.integer("operation")?).unwrap_or_default(),
        entity_id: row.text("entity_id")?,
        payload_json: row.text("payload_json")?,
        time_ms: row.integer("time_ms")?,
        admin_event: admin_event.and_then(|json| serde_json::from_str(&json).ok()),
    })
}

async fn read_head(database: &Database) -> Result<u64, Error> {
    let row = database.clone().fetch_optional("SELECT revision FROM change_log_head", params![]).await?;
    Ok(row.ok_or_else(missing_head)?.integer("revision")?.cast_unsigned())
}

/// Raises the value of a channel; never lowers it, and wakes nobody for nothing.
fn raise(channel: &watch::Sender<u64>, value: u64) {
    channel.send_if_modified(|current| {
        let higher = value > *current;
        if higher {
            *current = value;
        }
        higher
    });
}

fn missing_head() -> Error {
    Error::Statement(Box::new(sqlx::Error::RowNotFound))
}

fn unserialisable(error: serde_json::Error) -> Error {
    Error::Statement(Box::new(sqlx::Error::Encode(Box::new(error))))
}
