//! Use cases of the public keys by which clients prove themselves. A client's attributes hold them, under Keycloak's names; its
//! private key is never kept here.

mod der;
mod java_key_store;
pub(crate) mod key_file;
mod key_pair;
mod key_store;
mod pkcs12;

use latchkey_api::common::v1::AdminEvent;
use latchkey_api::registry::v1::*;
use zeroize::Zeroizing;

use crate::changes::Entry;
use crate::clients::updated;
use crate::error::Error;
use crate::service::RegistryService;
use crate::store::{clients, is_storable};
use key_pair::KeyPair;

/// What the attributes of assertions begin with: only these have a key set.
const ASSERTIONS: &str = "jwt.credential";
const KEY_SET: &str = "jwks.string";
const USE_KEY_SET: &str = "use.jwks.string";
/// What Keycloak shows in the place of a secret. Where it keeps a generated private key, a client has this here.
const MASK: &str = "**********";

impl RegistryService {
    /// Makes a key pair. Making it takes long, so it is done before the transaction.
    pub(crate) async fn generate_client_key(
        &self,
        request: GenerateClientKeyRequest,
    ) -> Result<(GenerateClientKeyResponse, u64), Error> {
        let GenerateClientKeyRequest { realm_id, id, attribute, key_store: asked, admin_event } = request;
        let client = clients::find(&mut self.database.clone(), &realm_id, &id).await?;
        let subject = client.ok_or(Error::ClientNotFound)?.client_id;
        let now_ms = self.clock.now_ms();
        let pair = KeyPair::generate(subject.clone(), now_ms).await?;
        let generated = asked.is_none();
        let key_store = match asked {
            Some(settings) => key_store::write(&pair, &subject, settings, now_ms).await?,
            None => Zeroizing::default(),
        };
        let key = ClientKey { certificate: pair.certificate, ..ClientKey::default() };
        let of = Of { realm_id: &realm_id, id: &id, attribute: &attribute };
        let revision = self.replace_client_key(of, &key, generated, admin_event).await?;
        let private_key = if generated { pair.private_key.to_string() } else { String::new() };
        let key_store = key_store.to_vec().into();
        Ok((GenerateClientKeyResponse { key: Some(key), private_key, key_store }, revision))
    }

    /// Takes the public key out of a file.
    pub(crate) async fn upload_client_key(
        &self,
        request: UploadClientKeyRequest,
    ) -> Result<(UploadClientKeyResponse, u64), Error> {
        let key = key_file::read(&request)?;
        let UploadClientKeyRequest { realm_id, id, attribute, admin_event, .. } = request;
        let of = Of { realm_id: &realm_id, id: &id, attribute: &attribute };
        let revision = self.replace_client_key(of, &key, false, admin_event).await?;
        Ok((UploadClientKeyResponse { key: Some(key) }, revision))
    }

    async fn replace_client_key(
        &self,
        of: Of<'_>,
        key: &ClientKey,
        generated: bool,
        admin_event: Option<AdminEvent>,
    ) -> Result<u64, Error> {
        if of.attribute.is_empty() || !is_storable(of.attribute) {
            return Err(Error::Invalid { what: "attribute", reason: "is missing" });
        }
        let mut tx = self.database.begin().await?;
        let client = clients::find_locked(&mut tx, of.realm_id, of.id).await?;
        let mut client = client.ok_or(Error::ClientNotFound)?;
        let private_key = if generated { MASK } else { "" };
        for (name, value) in [
            ("private.key", private_key),
            ("certificate", &key.certificate),
            ("public.key", &key.public_key),
            ("kid", &key.kid),
        ] {
            set(&mut client, format!("{}.{name}", of.attribute), value);
        }
        if of.attribute == ASSERTIONS {
            set(&mut client, KEY_SET.to_owned(), &key.jwks);
            set(&mut client, USE_KEY_SET.to_owned(), if key.jwks.is_empty() { "" } else { "true" });
        }
        client.version += 1;
        if !clients::update(&mut tx, &client).await? {
            return Err(Error::VersionMismatch);
        }
        let entry = Entry { admin_event, ..updated(&client, &client.client_id) };
        self.writer.commit(tx, vec![entry]).await
    }
}

/// The client, and what the names of the attributes begin with.
struct Of<'a> {
    realm_id: &'a str,
    id: &'a str,
    attribute: &'a str,
}

/// Sets an attribute; an empty one goes.
fn set(client: &mut Client, name: String, value: &str) {
    if value.is_empty() {
        client.attributes.remove(&name);
    } else {
        client.attributes.insert(name, value.to_owned());
    }
}
