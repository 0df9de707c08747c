//! Following the client-registry's change log: the keys of a published realm stay, and are rotated as it says; those of a deleted
//! one go, and with its data key whatever was sealed.

use latchkey_api::common::v1::{Change, Operation};
use latchkey_platform::database::Transaction;
use latchkey_platform::follower::Apply;
use latchkey_platform::vault::Vault;

use crate::changes::{Entry, Writer};
use crate::error::Error;
use crate::rotation;
use crate::store::realms;

/// The service whose log is followed.
pub(crate) const UPSTREAM: &str = "client-registry";

/// Applies the registry's changes.
pub(crate) struct Cascade {
    pub(crate) writer: Writer,
    pub(crate) vault: Vault,
}

#[async_trait::async_trait]
impl Apply for Cascade {
    type Error = Error;

    async fn apply(&self, tx: &mut Transaction, change: &Change) -> Result<Option<u64>, Error> {
        if change.entity == "realm" && change.operation() == Operation::Created {
            realms::publish(tx, &change.entity_id).await?;
        }
        if change.entity == "realm" {
            rotation::apply_settings(tx, change).await?;
        }
        if !is_deletion(change) {
            return Ok(None);
        }
        realms::erase(tx, &self.vault, &change.entity_id).await?;
        let entry = Entry::realm(&change.entity_id, Operation::Deleted);
        self.writer.append(tx, &entry).await.map(Some)
    }

    async fn applied(&self, change: &Change, revision: Option<u64>) {
        // Also where another replica applied it.
        if is_deletion(change) {
            self.writer.epochs.advance(&change.entity_id);
        }
        if let Some(revision) = revision {
            self.writer.changes.committed(revision);
        }
    }
}

fn is_deletion(change: &Change) -> bool {
    change.entity == "realm" && change.operation() == Operation::Deleted
}
