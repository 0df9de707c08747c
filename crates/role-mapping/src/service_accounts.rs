//! Service accounts: the users that stand for clients.

use latchkey_api::common::v1::Operation;
use latchkey_api::roles::v1::*;
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use serde_json::json;

use crate::builtin::SERVICE_ACCOUNT_SCOPE;
use crate::changes::Entry;
use crate::error::Error;
use crate::service::RoleMappingService;
use crate::store::client_scopes::Assignment;
use crate::store::clients::StoredClient;
use crate::store::realms::StoredRealm;
use crate::store::role_mappings::Holder;
use crate::store::{client_scopes, clients, realms, role_mappings, users};

/// Keycloak's name of a client's service account.
pub(crate) fn username(client_id: &str) -> String {
    format!("service-account-{}", client_id.to_lowercase())
}

/// Makes the service account of a client, with the realm's default role, and gives the client the scope that shows it.
pub(crate) async fn make(
    tx: &mut Transaction,
    realm: &StoredRealm,
    client: &StoredClient,
    now_ms: i64,
) -> Result<User, Error> {
    let user = User {
        id: random::uuid(),
        realm_id: realm.id.clone(),
        username: username(&client.client_id),
        enabled: true,
        service_account_client_uuid: client.id.clone(),
        created_ms: now_ms,
        ..User::default()
    };
    // What a creation left behind that was never finished gives way.
    if let Some(leftover) = users::find_provisional(tx, &realm.id, &user.username).await? {
        users::delete(tx, &realm.id, &leftover).await?;
    }
    users::insert(tx, &user, client.published).await?;
    let default_role = std::slice::from_ref(&realm.default_role_id);
    role_mappings::add(tx, &realm.id, Holder::User(&user.id), default_role).await?;
    give_scope(tx, &realm.id, &client.id).await?;
    Ok(user)
}

/// Gives a client the scope of service accounts, where the realm has it.
pub(crate) async fn give_scope(tx: &mut Transaction, realm_id: &str, client_uuid: &str) -> Result<(), Error> {
    if let Some(client_scope_id) = client_scopes::find_id(tx, realm_id, SERVICE_ACCOUNT_SCOPE).await? {
        let assignment = Assignment { client_uuid: client_uuid.to_owned(), client_scope_id, optional: false };
        client_scopes::assign(tx, realm_id, &[assignment]).await?;
    }
    Ok(())
}

/// The entry of a change to a user.
pub(crate) fn user_entry(user: &User, operation: Operation) -> Entry {
    let payload = json!({ "username": user.username, "client_uuid": user.service_account_client_uuid });
    Entry::new(&user.realm_id, "user", operation, &user.id).with(payload)
}

impl RoleMappingService {
    pub(crate) async fn get_service_account(
        &self,
        request: GetServiceAccountRequest,
    ) -> Result<(GetServiceAccountResponse, Option<u64>), Error> {
        let GetServiceAccountRequest { realm_id, client_uuid, create } = request;
        let mut db = self.database.clone();
        if let Some(found) = users::service_account(&mut db, &realm_id, &client_uuid).await? {
            let user =
                users::find(&mut db, &realm_id, &found.id).await?.ok_or(Error::ServiceAccountNotFound)?;
            return Ok((GetServiceAccountResponse { user: Some(user) }, None));
        }
        if !create {
            return Err(Error::ServiceAccountNotFound);
        }
        let mut tx = self.database.begin().await?;
        let realm = realms::find(&mut tx, &realm_id).await?.ok_or(Error::RealmNotFound)?;
        let client =
            clients::find_locked(&mut tx, &realm_id, &client_uuid).await?.ok_or(Error::ClientNotFound)?;
        // Another request may have made it since.
        if let Some(user) = users::service_account(&mut tx, &realm_id, &client_uuid).await? {
            return Ok((GetServiceAccountResponse { user: Some(user) }, None));
        }
        let user = make(&mut tx, &realm, &client, self.clock.now_ms()).await?;
        let revision = self.writer.commit(tx, vec![user_entry(&user, Operation::Created)]).await?;
        Ok((GetServiceAccountResponse { user: Some(user) }, Some(revision)))
    }

    pub(crate) async fn delete_service_account(
        &self,
        request: DeleteServiceAccountRequest,
    ) -> Result<Option<u64>, Error> {
        let DeleteServiceAccountRequest { realm_id, client_uuid } = request;
        let mut tx = self.database.begin().await?;
        let Some(user) = users::service_account(&mut tx, &realm_id, &client_uuid).await? else {
            return Ok(None);
        };
        users::delete(&mut tx, &realm_id, &user.id).await?;
        self.writer.commit(tx, vec![user_entry(&user, Operation::Deleted)]).await.map(Some)
    }
}
