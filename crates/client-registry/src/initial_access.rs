//! Use cases of initial access tokens: leave to register clients, given to somebody who has no account.

use latchkey_api::common::v1::{AdminEvent, Operation};
use latchkey_api::registry::v1::*;
use latchkey_platform::database::Transaction;
use serde_json::json;

use crate::changes::{Entry, INITIAL_ACCESS};
use crate::error::Error;
use crate::service::RegistryService;
use crate::store::{initial_access, is_storable};

impl RegistryService {
    /// Also takes away those of the realm that are of no use any more.
    pub(crate) async fn create_initial_access(
        &self,
        request: CreateInitialAccessRequest,
    ) -> Result<(CreateInitialAccessResponse, u64), Error> {
        let CreateInitialAccessRequest { realm_id, expiration_s, count, id, admin_event } = request;
        if id.is_empty() || !is_storable(&id) || !is_storable(&realm_id) {
            return Err(Error::Invalid { what: "id", reason: "is missing or has a zero byte" });
        }
        if expiration_s < 0 || count < 0 {
            return Err(Error::Invalid { what: "expiration_s or count", reason: "is less than 0" });
        }
        let created_ms = self.clock.now_ms();
        let access = InitialAccess { id, created_ms, expiration_s, count, remaining: count };
        let mut tx = self.database.begin().await?;
        initial_access::purge(&mut tx, &realm_id, created_ms).await?;
        initial_access::insert(&mut tx, &realm_id, &access).await?;
        let entry = entry(&realm_id, &access.id, Operation::Created, admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((CreateInitialAccessResponse { initial_access: Some(access), revision }, revision))
    }

    pub(crate) async fn get_initial_access(
        &self,
        request: GetInitialAccessRequest,
    ) -> Result<GetInitialAccessResponse, Error> {
        let GetInitialAccessRequest { realm_id, id } = request;
        if !is_storable(&realm_id) || !is_storable(&id) {
            return Err(Error::InitialAccessNotFound);
        }
        let found = initial_access::find(&mut self.database.clone(), &realm_id, &id).await?;
        let access = usable(found, self.clock.now_ms())?;
        Ok(GetInitialAccessResponse { initial_access: Some(access) })
    }

    pub(crate) async fn list_initial_access(
        &self,
        request: ListInitialAccessRequest,
    ) -> Result<ListInitialAccessResponse, Error> {
        let initial_access = initial_access::list(&mut self.database.clone(), &request.realm_id).await?;
        Ok(ListInitialAccessResponse { initial_access })
    }

    pub(crate) async fn delete_initial_access(
        &self,
        request: DeleteInitialAccessRequest,
    ) -> Result<u64, Error> {
        let DeleteInitialAccessRequest { realm_id, id, admin_event } = request;
        if !is_storable(&realm_id) || !is_storable(&id) {
            return Ok(self.writer.changes.head());
        }
        let mut tx = self.database.begin().await?;
        if !initial_access::delete(&mut tx, &realm_id, &id).await? {
            return Ok(self.writer.changes.head());
        }
        let entry = entry(&realm_id, &id, Operation::Deleted, admin_event);
        self.writer.commit(tx, vec![entry]).await
    }

    /// Uses an initial access token once, in the transaction of what it is used for.
    pub(crate) async fn take_initial_access(
        &self,
        tx: &mut Transaction,
        realm_id: &str,
        id: &str,
    ) -> Result<(), Error> {
        if !is_storable(id) {
            return Err(Error::InitialAccessNotFound);
        }
        let now_ms = self.clock.now_ms();
        if initial_access::take(tx, realm_id, id, now_ms).await? {
            return Ok(());
        }
        usable(initial_access::find(tx, realm_id, id).await?, now_ms)?;
        // It is usable after all: it was made in between.
        Err(Error::VersionMismatch)
    }
}

/// What is known of an initial access token, if it is good for another client.
fn usable(found: Option<InitialAccess>, now_ms: i64) -> Result<InitialAccess, Error> {
    let access = found.ok_or(Error::InitialAccessNotFound)?;
    if access.remaining <= 0 {
        return Err(Error::InitialAccessUsedUp);
    }
    let lifetime_ms = access.expiration_s.saturating_mul(1000);
    if access.expiration_s > 0 && access.created_ms.saturating_add(lifetime_ms) <= now_ms {
        return Err(Error::InitialAccessExpired);
    }
    Ok(access)
}

fn entry(realm_id: &str, id: &str, operation: Operation, admin_event: Option<AdminEvent>) -> Entry {
    Entry {
        realm_id: realm_id.to_owned(),
        entity: INITIAL_ACCESS,
        operation,
        entity_id: id.to_owned(),
        payload: json!({}),
        admin_event,
    }
}
