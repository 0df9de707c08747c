//! Use cases of client secrets.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::*;
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use latchkey_platform::vault::{Place, Vault};
use serde_json::json;
use zeroize::Zeroizing;

use crate::changes::{CLIENT_SECRET, Entry};
use crate::clients::is_confidential;
use crate::error::Error;
use crate::generated_secret;
use crate::service::RegistryService;
use crate::store::client_secrets::Of;
use crate::store::{client_secrets, clients};
use crate::verifier::VerifierKey;

/// Secrets of a client that are live at the same time, at the most.
const MAX_LIVE: usize = 10;
/// The client's attribute that says since when it has its newest secret: seconds since the epoch, as text. Keycloak's name.
pub(crate) const SECRET_CREATION_TIME: &str = "client.secret.creation.time";

impl RegistryService {
    pub(crate) async fn get_client_secret(
        &self,
        request: GetClientSecretRequest,
    ) -> Result<GetClientSecretResponse, Error> {
        let GetClientSecretRequest { realm_id, id } = &request;
        let mut db = self.database.clone();
        let of = Of { realm_id, client_uuid: id };
        let Some(newest) = client_secrets::newest(&mut db, of).await? else {
            clients::find(&mut db, realm_id, id).await?.ok_or(Error::ClientNotFound)?;
            return Err(Error::SecretNotFound);
        };
        let sealed = newest.sealed.ok_or(Error::SecretNotFound)?;
        let secret = open(&self.vault, of, &newest.id, &sealed).await?;
        Ok(GetClientSecretResponse { secret, created_ms: newest.created_ms })
    }

    /// The previous secrets end at once, or later if that is asked for.
    pub(crate) async fn set_client_secret(
        &self,
        request: SetClientSecretRequest,
    ) -> Result<(SetClientSecretResponse, u64), Error> {
        let SetClientSecretRequest { realm_id, id, secret, keep_previous_s, admin_event } = request;
        let (mut tx, key) = self.begin_in_realm(&realm_id).await?;
        let mut client = clients::find_locked(&mut tx, &realm_id, &id).await?.ok_or(Error::ClientNotFound)?;
        let secret = given_or_generated(secret);
        let now_ms = self.clock.now_ms();
        let keep_ms = keep_previous_s.max(0).saturating_mul(1000);
        let of = Of { realm_id: &realm_id, client_uuid: &id };
        client_secrets::retire(&mut tx, of, now_ms, now_ms.saturating_add(keep_ms), MAX_LIVE - 1).await?;
        self.insert_secret(&mut tx, &key, of, &secret).await?;
        // Who has read the client before must not write the old date back.
        client.version += 1;
        date_secret(&mut client, now_ms);
        if !clients::update(&mut tx, &client).await? {
            return Err(Error::VersionMismatch);
        }
        let entry = Entry {
            realm_id: realm_id.clone(),
            entity: CLIENT_SECRET,
            operation: Operation::Updated,
            entity_id: id.clone(),
            payload: json!({ "client_id": client.client_id }),
            admin_event,
        };
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((SetClientSecretResponse { secret: secret.to_string(), revision }, revision))
    }

    /// What an update does to the secrets of a client: one that is given becomes the only one, unless it is the newest already;
    /// a confidential client that has none gets one. Says whether there is a new one.
    pub(crate) async fn update_secret(
        &self,
        tx: &mut Transaction,
        key: &VerifierKey,
        client: &Client,
        secret: &str,
    ) -> Result<bool, Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        let newest = client_secrets::newest(tx, of).await?;
        if secret.is_empty() {
            if newest.is_some() || !is_confidential(client) {
                return Ok(false);
            }
            self.insert_secret(tx, key, of, &generated_secret::generate()).await?;
            return Ok(true);
        }
        let verifier = key.verifier(of.client_uuid, secret);
        if newest.and_then(|newest| newest.verifier).is_some_and(|newest| newest.is_same(&verifier)) {
            return Ok(false);
        }
        client_secrets::delete_all(tx, of).await?;
        self.insert_secret(tx, key, of, secret).await?;
        Ok(true)
    }

    /// Stores a secret as the newest of a client that has none now.
    pub(crate) async fn insert_secret(
        &self,
        tx: &mut Transaction,
        key: &VerifierKey,
        of: Of<'_>,
        secret: &str,
    ) -> Result<(), Error> {
        let id = random::uuid();
        let sealed = self.vault.seal(tx, place(of, &id_in_vault(of, &id)), secret.as_bytes()).await?;
        let verifier = key.verifier(of.client_uuid, secret);
        client_secrets::insert(tx, of, &id, self.clock.now_ms(), sealed, &verifier).await
    }
}

/// Notes on a client that its newest secret is from now on.
pub(crate) fn date_secret(client: &mut Client, now_ms: i64) {
    client.attributes.insert(SECRET_CREATION_TIME.to_owned(), now_ms.div_euclid(1000).to_string());
}

/// Opens a stored secret.
pub(crate) async fn open(vault: &Vault, of: Of<'_>, id: &str, sealed: &[u8]) -> Result<String, Error> {
    let opened = vault.open(place(of, &id_in_vault(of, id)), sealed).await?;
    let text =
        std::str::from_utf8(&opened).map_err(|_| Error::SecretNotText { id: of.client_uuid.to_owned() })?;
    Ok(text.to_owned())
}

/// The secret that is given, or a new one.
pub(crate) fn given_or_generated(secret: String) -> Zeroizing<String> {
    if secret.is_empty() { generated_secret::generate() } else { Zeroizing::new(secret) }
}

fn place<'a>(of: Of<'a>, id: &'a str) -> Place<'a> {
    Place { realm_id: of.realm_id, purpose: "client-secret", id }
}

/// A sealed secret opens only in the row of its client.
fn id_in_vault(of: Of<'_>, id: &str) -> String {
    format!("{}/{id}", of.client_uuid)
}
