//! Writing: every change is entered in the change log within its own transaction, and what it outdates in the caches is told
//! after the commit.

use std::sync::Arc;

use latchkey_api::common::v1::{AdminEvent, Operation};
use latchkey_platform::changelog::{ChangeLog, NewChange};
use latchkey_platform::database::Transaction;
use latchkey_platform::epoch::Epochs;
use serde_json::{Value, json};

use crate::error::Error;

/// An entry of the change log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) realm_id: String,
    entity: &'static str,
    operation: Operation,
    entity_id: String,
    payload: Value,
    admin_event: Option<AdminEvent>,
}

impl Entry {
    pub(crate) fn realm(realm_id: &str, operation: Operation) -> Self {
        Self {
            realm_id: realm_id.to_owned(),
            entity: "realm",
            operation,
            entity_id: realm_id.to_owned(),
            payload: json!({}),
            admin_event: None,
        }
    }

    pub(crate) fn key_provider(
        realm_id: &str,
        operation: Operation,
        id: &str,
        admin_event: Option<AdminEvent>,
    ) -> Self {
        let entity_id = id.to_owned();
        Self { entity: "key_provider", entity_id, admin_event, ..Self::realm(realm_id, operation) }
    }
}

/// Appends to the log, commits, and outdates.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) changes: ChangeLog,
    pub(crate) epochs: Arc<Epochs>,
}

impl Writer {
    /// Enters the change and commits. Gives the revision.
    ///
    /// It runs to its end even if the caller goes away meanwhile: the caches must not miss what was committed.
    pub(crate) async fn commit(&self, transaction: Transaction, entry: Entry) -> Result<u64, Error> {
        let writer = self.clone();
        let task = tokio::spawn(async move { writer.commit_now(transaction, entry).await });
        task.await.map_err(|_| Error::Interrupted)?
    }

    async fn commit_now(&self, mut transaction: Transaction, entry: Entry) -> Result<u64, Error> {
        let revision = self.append(&mut transaction, &entry).await?;
        let committed = transaction.commit().await;
        // Also after a failure: the connection may have broken when the commit was through.
        self.epochs.advance(&entry.realm_id);
        committed?;
        self.changes.committed(revision);
        Ok(revision)
    }

    pub(crate) async fn append(&self, transaction: &mut Transaction, entry: &Entry) -> Result<u64, Error> {
        let change = NewChange {
            realm_id: &entry.realm_id,
            entity: entry.entity,
            operation: entry.operation,
            entity_id: &entry.entity_id,
            payload: entry.payload.clone(),
            admin_event: entry.admin_event.clone(),
        };
        Ok(self.changes.append(transaction, change).await?)
    }
}
