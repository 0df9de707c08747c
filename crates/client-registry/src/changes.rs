//! Writing: every change is entered in the change log within its own transaction, and what it outdates in the caches is told
//! after the commit.

use std::sync::Arc;

use latchkey_api::common::v1::{AdminEvent, Change, Operation};
use latchkey_platform::changelog::{ChangeLog, NewChange};
use latchkey_platform::database::Transaction;
use latchkey_platform::epoch::Epochs;
use serde_json::Value;

use crate::cache::read_from::Of;
use crate::error::Error;

/// The kinds of things in the change log.
pub(crate) const REALM: &str = "realm";
pub(crate) const CLIENT: &str = "client";
pub(crate) const CLIENT_SECRET: &str = "client_secret";
pub(crate) const INITIAL_ACCESS: &str = "initial_access";
pub(crate) const REGISTRATION_TOKEN: &str = "registration_token";
pub(crate) const IDENTITY_PROVIDER: &str = "identity_provider";

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

/// Appends to the log, commits, and outdates.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) changes: ChangeLog,
    pub(crate) epochs: Arc<Epochs>,
}

impl Writer {
    /// Enters the changes and commits. Gives the revision of the last.
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
            let change = NewChange {
                realm_id: &entry.realm_id,
                entity: entry.entity,
                operation: entry.operation,
                entity_id: &entry.entity_id,
                payload: entry.payload.clone(),
                admin_event: entry.admin_event.clone(),
            };
            revision = self.changes.append(&mut transaction, change).await?;
        }
        let committed = transaction.commit().await;
        // Also after a failure: the connection may have broken when the commit was through.
        for Entry { realm_id, entity, operation, payload, .. } in &entries {
            outdate(&self.epochs, realm_id, entity, *operation, payload);
        }
        committed?;
        self.changes.committed(revision);
        Ok(revision)
    }
}

/// Outdates what a change of another replica touched.
pub(crate) fn outdate_by(epochs: &Epochs, change: &Change) {
    let payload = serde_json::from_str(&change.payload_json).unwrap_or_default();
    outdate(epochs, &change.realm_id, &change.entity, change.operation(), &payload);
}

fn outdate(epochs: &Epochs, realm_id: &str, entity: &str, operation: Operation, payload: &Value) {
    let named = |member: &str| payload[member].as_str();
    match entity {
        REALM => {
            epochs.advance(Of::Realm(realm_id));
            for name in ["name", "previous_name"].into_iter().filter_map(named) {
                epochs.advance(Of::RealmName(name));
            }
            if operation != Operation::Updated {
                epochs.advance(Of::AllClients(realm_id));
                epochs.advance(Of::FederatedSubjects(realm_id));
                epochs.advance(Of::IdentityProviders(realm_id));
            }
        }
        CLIENT | CLIENT_SECRET => {
            for client_id in ["client_id", "previous_client_id"].into_iter().filter_map(named) {
                epochs.advance(Of::Client(realm_id, client_id));
            }
            if entity == CLIENT {
                epochs.advance(Of::FederatedSubjects(realm_id));
            }
        }
        IDENTITY_PROVIDER => epochs.advance(Of::IdentityProviders(realm_id)),
        _ => {}
    }
}
