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
use crate::secret_policy::SecretKeeping;
use crate::service::RegistryService;
use crate::store::client_secrets::Of;
use crate::store::{client_secrets, clients, is_storable};

/// The client's attribute that says since when it has its newest secret: seconds since the epoch, as text. Keycloak's name.
pub(crate) const SECRET_CREATION_TIME: &str = "client.secret.creation.time";

impl RegistryService {
    pub(crate) async fn get_client_secret(
        &self,
        request: GetClientSecretRequest,
    ) -> Result<GetClientSecretResponse, Error> {
        let GetClientSecretRequest { realm_id, id, replaced } = &request;
        let mut db = self.database.clone();
        let of = Of { realm_id, client_uuid: id };
        clients::find(&mut db, realm_id, id).await?.ok_or(Error::ClientNotFound)?;
        // The newest comes first, then the youngest of those that it has replaced.
        let live = client_secrets::live(&mut db, of, self.clock.now_ms()).await?;
        let mut wanted = live.into_iter().filter(|secret| secret.expires_ms.is_some() == *replaced);
        let found = wanted.next().ok_or(Error::SecretNotFound)?;
        let sealed = found.sealed.ok_or(Error::SecretUnreadable)?;
        let secret = open(&self.vault, of, &found.id, &sealed).await?;
        Ok(GetClientSecretResponse { secret, created_ms: found.created_ms })
    }

    pub(crate) async fn list_client_secrets(
        &self,
        request: ListClientSecretsRequest,
    ) -> Result<ListClientSecretsResponse, Error> {
        let ListClientSecretsRequest { realm_id, id } = &request;
        self.secret_uses.write(&self.database).await?;
        let mut db = self.database.clone();
        clients::find(&mut db, realm_id, id).await?.ok_or(Error::ClientNotFound)?;
        let of = Of { realm_id, client_uuid: id };
        let live = client_secrets::live(&mut db, of, self.clock.now_ms()).await?;
        let secrets = live.into_iter().map(|secret| ClientSecret {
            id: secret.id,
            created_ms: secret.created_ms,
            expires_ms: secret.expires_ms,
            last_used_ms: secret.last_used_ms,
            readable: secret.sealed.is_some(),
        });
        Ok(ListClientSecretsResponse { secrets: secrets.collect() })
    }

    /// The previous secrets end at once, or later if the request or else the realm says so.
    pub(crate) async fn set_client_secret(
        &self,
        request: SetClientSecretRequest,
    ) -> Result<(SetClientSecretResponse, u64), Error> {
        let SetClientSecretRequest { realm_id, id, secret, keep_previous_s, admin_event } = request;
        let (mut tx, keeping) = self.begin_in_realm(&realm_id).await?;
        let mut client = clients::find_locked(&mut tx, &realm_id, &id).await?.ok_or(Error::ClientNotFound)?;
        let secret = given_or_generated(secret);
        let keep_ms = keep_previous_s.map(|seconds| seconds.max(0).saturating_mul(1000));
        self.replace_secret(&mut tx, &keeping, &client, &secret, keep_ms).await?;
        // Who has read the client before must not write the old date back.
        client.version += 1;
        date_secret(&mut client, self.clock.now_ms());
        if !clients::update(&mut tx, &client).await? {
            return Err(Error::VersionMismatch);
        }
        let revision = self.writer.commit(tx, vec![Entry { admin_event, ..changed(&client) }]).await?;
        Ok((SetClientSecretResponse { secret: secret.to_string(), revision }, revision))
    }

    /// Ends secrets that the newest has replaced.
    pub(crate) async fn delete_client_secrets(
        &self,
        request: DeleteClientSecretsRequest,
    ) -> Result<(DeleteClientSecretsResponse, u64), Error> {
        let DeleteClientSecretsRequest { realm_id, id, secret_id, admin_event } = request;
        if secret_id.as_deref().is_some_and(|id| !is_storable(id)) {
            return Err(Error::SecretNotFound);
        }
        let mut tx = self.database.begin().await?;
        let client = clients::find_locked(&mut tx, &realm_id, &id).await?.ok_or(Error::ClientNotFound)?;
        let of = Of { realm_id: &realm_id, client_uuid: &id };
        let deleted = client_secrets::delete_replaced(&mut tx, of, secret_id.as_deref()).await?;
        if deleted == 0 && secret_id.is_some() {
            return Err(Error::SecretNotFound);
        }
        let revision = self.writer.commit(tx, vec![Entry { admin_event, ..changed(&client) }]).await?;
        Ok((DeleteClientSecretsResponse { revision }, revision))
    }

    /// What an update does to the secrets of a client: one that is given replaces the others, unless it is the newest already;
    /// a confidential client that has none gets one. Says whether there is a new one.
    pub(crate) async fn update_secret(
        &self,
        tx: &mut Transaction,
        keeping: &SecretKeeping,
        client: &Client,
        secret: &str,
    ) -> Result<bool, Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        if !keeping.policy.keeps_readable(client) {
            client_secrets::forget(tx, of).await?;
        }
        let newest = client_secrets::newest(tx, of).await?;
        if secret.is_empty() {
            if newest.is_some() || !is_confidential(client) {
                return Ok(false);
            }
            self.insert_secret(tx, keeping, client, &generated_secret::generate()).await?;
            return Ok(true);
        }
        let verifier = keeping.key.verifier(of.client_uuid, secret);
        let same = newest.filter(|newest| newest.verifier.as_ref().is_some_and(|own| own.is_same(&verifier)));
        // One that was only recognised so far, and is to be read from now on, is stored anew.
        if same.is_some_and(|same| same.sealed.is_some() || !keeping.policy.keeps_readable(client)) {
            return Ok(false);
        }
        self.replace_secret(tx, keeping, client, secret, None).await?;
        Ok(true)
    }

    /// Stores a secret as the newest of a client. Those before are good for `keep_ms` more, or for as long as the realm says.
    async fn replace_secret(
        &self,
        tx: &mut Transaction,
        keeping: &SecretKeeping,
        client: &Client,
        secret: &str,
        keep_ms: Option<i64>,
    ) -> Result<(), Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        let now_ms = self.clock.now_ms();
        let until_ms = now_ms.saturating_add(keep_ms.unwrap_or(keeping.policy.rotated_period_ms));
        client_secrets::retire(tx, of, now_ms, until_ms, keeping.policy.live_max - 1).await?;
        self.insert_secret(tx, keeping, client, secret).await
    }

    /// Stores a secret as the newest of a client that has none now.
    pub(crate) async fn insert_secret(
        &self,
        tx: &mut Transaction,
        keeping: &SecretKeeping,
        client: &Client,
        secret: &str,
    ) -> Result<(), Error> {
        let of = Of { realm_id: &client.realm_id, client_uuid: &client.id };
        let id = random::uuid();
        let sealed = if keeping.policy.keeps_readable(client) {
            Some(self.vault.seal(tx, place(of, &id_in_vault(of, &id)), secret.as_bytes()).await?)
        } else {
            None
        };
        let verifier = keeping.key.verifier(of.client_uuid, secret);
        client_secrets::insert(tx, of, &id, self.clock.now_ms(), sealed, &verifier).await
    }
}

/// The entry of a change of a client's secrets.
fn changed(client: &Client) -> Entry {
    Entry {
        realm_id: client.realm_id.clone(),
        entity: CLIENT_SECRET,
        operation: Operation::Updated,
        entity_id: client.id.clone(),
        payload: json!({ "client_id": client.client_id }),
        admin_event: None,
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
