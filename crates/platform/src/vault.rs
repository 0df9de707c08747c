//! Secrets at rest: AES-256-GCM under a data key per realm, and the data keys wrapped by a master key.

mod master;

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

pub use master::{FileMasterKey, MasterKey, MasterKeyError};

use crate::cache::Bounded;
use crate::clock::SharedClock;
use crate::database::{self, Database, Queries, Transaction};
use crate::{params, random};

/// Bytes of a data key's id.
const ID_LEN: usize = 8;
const KEY_LEN: usize = 32;
/// Bytes of data keys that are kept unwrapped in memory.
const KEY_CACHE_BYTES: u64 = 20_000_000;

/// What can go wrong with secrets at rest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// The ciphertext was changed, belongs to another row, or its data key is gone.
    #[error("a stored secret of realm {realm_id} cannot be opened")]
    Unreadable {
        /// The realm's id.
        realm_id: String,
    },
    /// The master key failed.
    #[error(transparent)]
    Master(#[from] MasterKeyError),
}

/// A data key: its realm's id and its own.
type KeyName = (String, [u8; ID_LEN]);

/// Seals and opens secrets of realms. Cloning it is a pointer's copy.
#[derive(Clone)]
pub struct Vault {
    database: Database,
    master: Arc<dyn MasterKey>,
    clock: SharedClock,
    /// A key's bytes are inside the cipher's own type, which is cleared when it is dropped.
    keys: Arc<Bounded<KeyName, Arc<LessSafeKey>>>,
}

/// What a ciphertext is bound to beside its realm: moved to another place it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The realm's id.
    pub realm_id: &'a str,
    /// What it is, such as `client-secret`.
    pub purpose: &'static str,
    /// The id of the row that holds it.
    pub id: &'a str,
}

impl Vault {
    /// A vault whose data keys are in `database`.
    #[must_use]
    pub fn new(database: Database, master: Arc<dyn MasterKey>, clock: SharedClock) -> Self {
        let keys = Arc::new(Bounded::new(KEY_CACHE_BYTES));
        Self { database, master, clock, keys }
    }

    /// Seals a secret within the transaction that stores it; the realm's first secret also makes its data key there.
    ///
    /// # Errors
    /// When the database or the master key fails.
    pub async fn seal(
        &self,
        transaction: &mut Transaction,
        place: Place<'_>,
        secret: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let (id, key) = self.sealing_key(transaction, place.realm_id).await?;
        let nonce: [u8; NONCE_LEN] = random::bytes();
        let mut sealed = Vec::with_capacity(ID_LEN + NONCE_LEN + secret.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&id);
        sealed.extend_from_slice(&nonce);
        let mut text = Zeroizing::new(secret.to_vec());
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(place), &mut text)
            .map_err(|_| unreadable(place.realm_id))?;
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`Vault::seal`] sealed for the same place.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when it is not what was sealed for this place.
    pub async fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let fault = || unreadable(place.realm_id);
        let (id, rest) = sealed.split_first_chunk::<ID_LEN>().ok_or_else(fault)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(fault)?;
        let key = self.key(&mut self.database.clone(), place.realm_id, *id).await?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad(place), &mut text)
            .map_err(|_| fault())?
            .len();
        text.truncate(opened);
        Ok(text)
    }

    /// Deletes a realm's data keys: what they sealed can never be opened again.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forget(&self, transaction: &mut Transaction, realm_id: &str) -> Result<(), Error> {
        transaction.execute("DELETE FROM data_keys WHERE realm_id = $1", params![realm_id]).await?;
        Ok(())
    }

    /// Wraps every data key with the newest master key, and says how many were not.
    ///
    /// # Errors
    /// When the database or a master key fails; what has been rewrapped until then stays so.
    pub async fn rewrap(&self) -> Result<u64, Error> {
        let mut database = self.database.clone();
        let rows = database.fetch_all("SELECT realm_id, key_id, wrapped FROM data_keys", params![]).await?;
        let mut count = 0;
        for row in rows {
            let (realm_id, key_id, wrapped) =
                (row.text("realm_id")?, row.text("key_id")?, row.bytes("wrapped")?);
            if self.master.is_newest(&wrapped) {
                continue;
            }
            let key = self.master.unwrap(&realm_id, &wrapped)?;
            let sql = "UPDATE data_keys SET wrapped = $3 WHERE realm_id = $1 AND key_id = $2";
            let renewed = self.master.wrap(&realm_id, &key)?;
            count += database.execute(sql, params![realm_id, key_id, renewed]).await?;
        }
        Ok(count)
    }

    async fn sealing_key(
        &self,
        transaction: &mut Transaction,
        realm_id: &str,
    ) -> Result<([u8; ID_LEN], Arc<LessSafeKey>), Error> {
        // Asked each time: a key remembered from a transaction that was rolled back, or from before the realm was deleted and made
        // again by another replica, would seal what nobody can open.
        let sql = "SELECT key_id FROM data_keys WHERE realm_id = $1 ORDER BY created_ms DESC, key_id LIMIT 1";
        if let Some(row) = transaction.fetch_optional(sql, params![realm_id]).await? {
            let id = id_from_text(&row.text("key_id")?).ok_or_else(|| unreadable(realm_id))?;
            let key = self.key(transaction, realm_id, id).await?;
            return Ok((id, key));
        }
        // Not cached: the transaction may yet be rolled back, and the key with it.
        let (id, key): ([u8; ID_LEN], _) = (random::bytes(), Zeroizing::new(random::bytes::<KEY_LEN>()));
        let sql = "INSERT INTO data_keys (realm_id, key_id, wrapped, created_ms) VALUES ($1, $2, $3, $4)";
        let wrapped = self.master.wrap(realm_id, &*key)?;
        transaction.execute(sql, params![realm_id, id_to_text(id), wrapped, self.clock.now_ms()]).await?;
        Ok((id, Arc::new(cipher(&*key, realm_id)?)))
    }

    async fn key(
        &self,
        queries: &mut impl Queries,
        realm_id: &str,
        id: [u8; ID_LEN],
    ) -> Result<Arc<LessSafeKey>, Error> {
        let cached = (realm_id.to_owned(), id);
        if let Some(key) = self.keys.get(&cached) {
            return Ok(key);
        }
        let sql = "SELECT wrapped FROM data_keys WHERE realm_id = $1 AND key_id = $2";
        let row = queries.fetch_optional(sql, params![realm_id, id_to_text(id)]).await?;
        let wrapped = row.ok_or_else(|| unreadable(realm_id))?.bytes("wrapped")?;
        let key = Arc::new(cipher(&self.master.unwrap(realm_id, &wrapped)?, realm_id)?);
        let weight = cached.0.len() + size_of::<LessSafeKey>();
        self.keys.insert(cached, Arc::clone(&key), weight);
        Ok(key)
    }
}

fn cipher(key: &[u8], realm_id: &str) -> Result<LessSafeKey, Error> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| unreadable(realm_id))?))
}

/// Lengths before the parts: no two places have the same bytes.
fn aad(place: Place<'_>) -> Aad<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in [place.realm_id, place.purpose, place.id] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    Aad::from(bytes)
}

fn unreadable(realm_id: &str) -> Error {
    Error::Unreadable { realm_id: realm_id.to_owned() }
}

fn id_to_text(id: [u8; ID_LEN]) -> String {
    format!("{:016x}", u64::from_be_bytes(id))
}

fn id_from_text(text: &str) -> Option<[u8; ID_LEN]> {
    u64::from_str_radix(text, 16).ok().map(u64::to_be_bytes)
}
