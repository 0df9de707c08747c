//! Use cases of clients.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::*;
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::authentication;
use crate::changes::{CLIENT, Entry};
use crate::client_secrets::{SECRET_CREATION_TIME, date_secret, given_or_generated, open};
use crate::error::Error;
use crate::registration_tokens;
use crate::secret_policy::{SecretKeeping, SecretPolicy};
use crate::service::RegistryService;
use crate::store::client_secrets::Of;
use crate::store::clients::Filter;
use crate::store::{clients, federated_subjects, is_storable, realms};
use crate::verifier::VerifierKey;

impl RegistryService {
    pub(crate) async fn find_client(&self, request: FindClientRequest) -> Result<FindClientResponse, Error> {
        let known = self.clients.find(&request.realm_id, &request.client_id).await?;
        let client = known.ok_or(Error::ClientNotFound)?.whole();
        Ok(FindClientResponse { client: Some(client) })
    }

    pub(crate) async fn create_client(
        &self,
        request: CreateClientRequest,
    ) -> Result<(CreateClientResponse, u64), Error> {
        let CreateClientRequest { client, admin_event, registration } = request;
        let new = client.ok_or(Error::Invalid { what: "client", reason: "is missing" })?;
        let realm_id = new.client.as_ref().map(|client| client.realm_id.clone()).unwrap_or_default();
        let (mut tx, keeping) = self.begin_in_realm(&realm_id).await?;
        let initial_access_id = registration.as_ref().map(|registration| &registration.initial_access_id);
        if let Some(id) = initial_access_id.filter(|id| !id.is_empty()) {
            self.take_initial_access(&mut tx, &realm_id, id).await?;
        }
        let (client, secret) = self.insert_client(&mut tx, &keeping, &realm_id, new).await?;
        if let Some(registration) = &registration {
            let of = Of { realm_id: &realm_id, client_uuid: &client.id };
            registration_tokens::set(&mut tx, of, &registration.registration_token_id).await?;
        }
        let payload = json!({
            "client_id": client.client_id,
            "service_accounts_enabled": client.service_accounts_enabled,
        });
        let entry = Entry { admin_event, ..entry(&client, Operation::Created, payload) };
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((CreateClientResponse { client: Some(client), secret: secret.to_string(), revision }, revision))
    }

    pub(crate) async fn get_client(&self, request: GetClientRequest) -> Result<GetClientResponse, Error> {
        let GetClientRequest { realm_id, id } = &request;
        if !is_storable(realm_id) || !is_storable(id) {
            return Err(Error::ClientNotFound);
        }
        let client = clients::find(&mut self.database.clone(), realm_id, id).await?;
        Ok(GetClientResponse { client: Some(client.ok_or(Error::ClientNotFound)?) })
    }

    pub(crate) async fn list_clients(
        &self,
        request: ListClientsRequest,
    ) -> Result<ListClientsResponse, Error> {
        let ListClientsRequest { realm_id, client_id, contains, page, with_secrets } = request;
        if !is_storable(&realm_id) || !is_storable(&client_id) {
            return Ok(ListClientsResponse::default());
        }
        let filter = Filter { client_id: &client_id, contains, page: page.unwrap_or_default() };
        let listed = clients::list(&mut self.database.clone(), &realm_id, &filter).await?;
        let mut answer = ListClientsResponse::default();
        for listed in listed {
            if with_secrets {
                let of = Of { realm_id: &realm_id, client_uuid: &listed.client.id };
                answer.secrets.push(match listed.secret {
                    Some(secret) => open(&self.vault, of, &secret.id, &secret.sealed).await?,
                    None => String::new(),
                });
            }
            answer.clients.push(listed.client);
        }
        Ok(answer)
    }

    pub(crate) async fn update_client(
        &self,
        request: UpdateClientRequest,
    ) -> Result<(UpdateClientResponse, u64), Error> {
        let UpdateClientRequest { client, secret, admin_event, rotation } = request;
        let secret = Zeroizing::new(secret);
        let mut client = client.ok_or(Error::Invalid { what: "client", reason: "is missing" })?;
        check(&client)?;
        let (mut tx, keeping) = self.begin_in_realm(&client.realm_id).await?;
        let stored = clients::find_locked(&mut tx, &client.realm_id, &client.id).await?;
        let stored = stored.ok_or(Error::ClientNotFound)?;
        if stored.version != client.version {
            return Err(Error::VersionMismatch);
        }
        client.version += 1;
        client.created_ms = stored.created_ms;
        if self.update_secret(&mut tx, &keeping, &client, &secret).await? {
            date_secret(&mut client, self.clock.now_ms());
        }
        if !clients::update(&mut tx, &client).await? {
            return Err(Error::VersionMismatch);
        }
        federated_subjects::put(&mut tx, &client).await?;
        if let Some(rotation) = &rotation {
            let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
            registration_tokens::rotate(&mut tx, of, rotation).await?;
        }
        let entry = Entry { admin_event, ..updated(&client, &stored.client_id) };
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((UpdateClientResponse { client: Some(client), revision }, revision))
    }

    pub(crate) async fn delete_client(&self, request: DeleteClientRequest) -> Result<u64, Error> {
        let DeleteClientRequest { realm_id, id, admin_event } = request;
        let mut tx = self.database.begin().await?;
        let client = clients::find_locked(&mut tx, &realm_id, &id).await?.ok_or(Error::ClientNotFound)?;
        clients::delete(&mut tx, &realm_id, &id).await?;
        self.writer.commit(tx, vec![Entry { admin_event, ..deleted(&client) }]).await
    }

    /// Stores a new client with its secret: the one that is given or, if it is confidential, a generated one.
    pub(crate) async fn insert_client(
        &self,
        tx: &mut Transaction,
        keeping: &SecretKeeping,
        realm_id: &str,
        new: NewClient,
    ) -> Result<(Client, Zeroizing<String>), Error> {
        let NewClient { client, secret } = new;
        let mut client = client.ok_or(Error::Invalid { what: "client", reason: "is missing" })?;
        realm_id.clone_into(&mut client.realm_id);
        if client.id.is_empty() {
            client.id = random::uuid();
        }
        check(&client)?;
        client.version = 1;
        let now_ms = self.clock.now_ms();
        if client.created_ms == 0 {
            client.created_ms = now_ms;
        }
        if is_confidential(&client) && !client.attributes.contains_key(SECRET_CREATION_TIME) {
            date_secret(&mut client, now_ms);
        }
        clients::insert(tx, &client).await?;
        federated_subjects::put(tx, &client).await?;
        if !is_confidential(&client) {
            return Ok((client, Zeroizing::default()));
        }
        let secret = given_or_generated(secret);
        self.insert_secret(tx, keeping, &client, &secret).await?;
        Ok((client, secret))
    }

    /// Begins a transaction that changes something of a realm, and gives what it takes to store secrets there.
    pub(crate) async fn begin_in_realm(&self, realm_id: &str) -> Result<(Transaction, SecretKeeping), Error> {
        // The key is opened before the transaction: that may need a connection of its own.
        let realm = realms::find(&mut self.database.clone(), realm_id).await?.ok_or(Error::RealmNotFound)?;
        let key = VerifierKey::open(&self.vault, realm_id, &realm.verifier_key).await?;
        let mut tx = self.database.begin().await?;
        let again = realms::find(&mut tx, realm_id).await?.ok_or(Error::RealmNotFound)?;
        // Deleted in between and made again under the same id.
        if again.verifier_key != realm.verifier_key {
            return Err(Error::VersionMismatch);
        }
        Ok((tx, SecretKeeping { key, policy: SecretPolicy::of(&again.realm)? }))
    }
}

/// The entry of a client's update.
pub(crate) fn updated(client: &Client, previous_client_id: &str) -> Entry {
    let payload = json!({
        "client_id": client.client_id,
        "previous_client_id": previous_client_id,
        "service_accounts_enabled": client.service_accounts_enabled,
    });
    entry(client, Operation::Updated, payload)
}

/// The entry of a client's end.
pub(crate) fn deleted(client: &Client) -> Entry {
    entry(client, Operation::Deleted, json!({ "client_id": client.client_id }))
}

fn entry(client: &Client, operation: Operation, payload: Value) -> Entry {
    Entry {
        realm_id: client.realm_id.clone(),
        entity: CLIENT,
        operation,
        entity_id: client.id.clone(),
        payload,
        admin_event: None,
    }
}

pub(crate) fn is_confidential(client: &Client) -> bool {
    !client.public_client && !client.bearer_only
}

fn check(client: &Client) -> Result<(), Error> {
    if client.client_id.is_empty() {
        return Err(Error::Invalid { what: "client_id", reason: "is missing" });
    }
    if client.id.is_empty() {
        return Err(Error::Invalid { what: "id", reason: "is missing" });
    }
    if !is_storable(&client.id) || !is_storable(&client.client_id) {
        return Err(Error::Invalid { what: "client", reason: "has a zero byte in its id or client_id" });
    }
    let unreadable = |json: &String| !json.is_empty() && authentication::wanted_claims(json).is_none();
    if client.attributes.get(authentication::CLAIMS).is_some_and(unreadable) {
        return Err(Error::Invalid {
            what: authentication::CLAIMS,
            reason: "is not a JSON object of claims",
        });
    }
    Ok(())
}
