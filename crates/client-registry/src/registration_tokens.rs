//! Use cases of registration access tokens: what a client that registered itself reads and changes itself with.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::*;
use latchkey_platform::database::Transaction;
use serde_json::json;

use crate::changes::{Entry, REGISTRATION_TOKEN};
use crate::error::Error;
use crate::service::RegistryService;
use crate::store::client_secrets::Of;
use crate::store::{clients, is_storable, registration_tokens};

impl RegistryService {
    pub(crate) async fn check_registration_token(
        &self,
        request: CheckRegistrationTokenRequest,
    ) -> Result<CheckRegistrationTokenResponse, Error> {
        let CheckRegistrationTokenRequest { realm_id, client_id, token_id } = &request;
        if ![realm_id, client_id, token_id].into_iter().all(|text| is_storable(text)) {
            return Err(Error::RegistrationTokenInvalid);
        }
        let mut db = self.database.clone();
        let client = clients::find_by_client_id(&mut db, realm_id, client_id).await?;
        let client = client.ok_or(Error::RegistrationTokenInvalid)?;
        let of = Of { realm_id, client_uuid: &client.id };
        if !registration_tokens::is_current(&mut db, of, token_id).await? {
            return Err(Error::RegistrationTokenInvalid);
        }
        Ok(CheckRegistrationTokenResponse { client: Some(client) })
    }

    pub(crate) async fn set_registration_token(
        &self,
        request: SetRegistrationTokenRequest,
    ) -> Result<u64, Error> {
        let SetRegistrationTokenRequest { realm_id, id, token_id, admin_event } = request;
        let mut tx = self.database.begin().await?;
        let client = clients::find_locked(&mut tx, &realm_id, &id).await?.ok_or(Error::ClientNotFound)?;
        set(&mut tx, Of { realm_id: &realm_id, client_uuid: &id }, &token_id).await?;
        let entry = Entry {
            realm_id: realm_id.clone(),
            entity: REGISTRATION_TOKEN,
            operation: Operation::Updated,
            entity_id: id.clone(),
            payload: json!({ "client_id": client.client_id }),
            admin_event,
        };
        self.writer.commit(tx, vec![entry]).await
    }
}

/// Gives a client a token, in the transaction of what it is given with.
pub(crate) async fn set(tx: &mut Transaction, of: Of<'_>, token_id: &str) -> Result<(), Error> {
    if token_id.is_empty() || !is_storable(token_id) {
        return Err(Error::Invalid { what: "token_id", reason: "is missing or has a zero byte" });
    }
    registration_tokens::set(tx, of, token_id).await
}

/// Puts the next token in the place of the one that was presented, if that is still the client's. The client must be locked.
pub(crate) async fn rotate(
    tx: &mut Transaction,
    of: Of<'_>,
    rotation: &RegistrationTokenRotation,
) -> Result<(), Error> {
    let RegistrationTokenRotation { presented_id, next_id } = rotation;
    if !is_storable(presented_id) || !registration_tokens::is_current(tx, of, presented_id).await? {
        return Err(Error::RegistrationTokenInvalid);
    }
    set(tx, of, next_id).await
}
