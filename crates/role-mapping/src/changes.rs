//! Writing: every change is entered in the change log within its own transaction, and what it outdates in the caches is told
//! after the commit.

use std::sync::Arc;

use latchkey_api::common::v1::{AdminEvent, Change, Operation};
use latchkey_platform::changelog::{ChangeLog, NewChange};
use latchkey_platform::database::Transaction;
use latchkey_platform::epoch::Epochs;
use serde_json::{Value, json};

use crate::cache::read_from::Of;
use crate::error::Error;
use crate::federated_identities::FEDERATED_IDENTITY;

/// An entry of the change log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) realm_id: String,
    pub(crate) entity: &'static str,
    pub(crate) operation: Operation,
    pub(crate) entity_id: String,
    pub(crate) payload: Value,
    pub(crate) admin_event: Option<AdminEvent>,
}

impl Entry {
    pub(crate) fn new(realm_id: &str, entity: &'static str, operation: Operation, entity_id: &str) -> Self {
        Self {
            realm_id: realm_id.to_owned(),
            entity,
            operation,
            entity_id: entity_id.to_owned(),
            payload: json!({}),
            admin_event: None,
        }
    }

    pub(crate) fn with(self, payload: Value) -> Self {
        Self { payload, ..self }
    }

    pub(crate) fn by(self, admin_event: Option<AdminEvent>) -> Self {
        Self { admin_event, ..self }
    }
}

/// Appends to the log, commits, and outdates.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) changes: ChangeLog,
    pub(crate) epochs: Arc<Epochs>,
}

impl Writer {
    /// Enters the changes and commits. Gives the revision.
    ///
    /// It runs to its end even if the caller goes away meanwhile: the caches must not miss what was committed.
    pub(crate) async fn commit(&self, transaction: Transaction, entries: Vec<Entry>) -> Result<u64, Error> {
        let writer = self.clone();
        let task = tokio::spawn(async move { writer.commit_now(transaction, entries).await });
        task.await.map_err(|_| Error::Interrupted)?
    }

    async fn commit_now(&self, mut transaction: Transaction, entries: Vec<Entry>) -> Result<u64, Error> {
        let mut revision = 0;
        for entry in &entries {
            revision = self.append(&mut transaction, entry).await?;
        }
        let committed = transaction.commit().await;
        // Also after a failure: the connection may have broken when the commit was through.
        self.outdate(&entries);
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

    pub(crate) fn outdate(&self, entries: &[Entry]) {
        for Entry { realm_id, entity, operation, entity_id, payload, .. } in entries {
            outdate(&self.epochs, realm_id, entity, *operation, entity_id, payload);
        }
    }
}

/// Outdates what a change of another replica touched.
pub(crate) fn outdate_by(epochs: &Epochs, change: &Change) {
    let payload = serde_json::from_str(&change.payload_json).unwrap_or_default();
    outdate(epochs, &change.realm_id, &change.entity, change.operation(), &change.entity_id, &payload);
}

fn outdate(epochs: &Epochs, realm: &str, entity: &str, operation: Operation, id: &str, payload: &Value) {
    let client = payload["client_uuid"].as_str().filter(|uuid| !uuid.is_empty());
    match (entity, operation) {
        // A client's roles go with it.
        ("client_mapping", Operation::Created | Operation::Updated) => epochs.advance(Of::Client(realm, id)),
        ("protocol_mapper" | "scope_mapping", _) => {
            epochs.advance(client.map_or(Of::Realm(realm), |uuid| Of::Client(realm, uuid)));
        }
        ("role_mapping", _) => epochs.advance(Of::Account(realm, id)),
        ("user", _) => {
            epochs.advance(Of::Account(realm, id));
            if let Some(uuid) = client {
                epochs.advance(Of::Client(realm, uuid));
            }
        }
        // Nothing that is kept in memory was read from it.
        (FEDERATED_IDENTITY, _) => {}
        _ => epochs.advance(Of::Realm(realm)),
    }
}
