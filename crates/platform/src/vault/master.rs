//! The master key, which wraps the data keys.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::random;

/// Bytes of a master key's id, which stands before what it wrapped.
const ID_LEN: usize = 8;

/// Wraps and unwraps data keys; a KMS can stand behind it.
pub trait MasterKey: Send + Sync {
    /// Wraps a data key for a realm.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn wrap(&self, realm_id: &str, key: &[u8]) -> Result<Vec<u8>, MasterKeyError>;

    /// Unwraps what [`MasterKey::wrap`] gave for the same realm.
    ///
    /// # Errors
    /// When no known master key wrapped it, or it was changed.
    fn unwrap(&self, realm_id: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, MasterKeyError>;

    /// Whether the key that wraps now wrapped it.
    fn is_newest(&self, wrapped: &[u8]) -> bool;
}

/// What can go wrong with the master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// A line is not base64 of 32 bytes.
    #[error("a master key must be 32 bytes in base64")]
    Malformed,
    /// There is no key at all.
    #[error("no master key is given")]
    Missing,
    /// None of the known master keys wrapped this data key.
    #[error("no known master key wrapped this data key")]
    Unknown,
    /// The wrapped data key was changed, or belongs to another realm.
    #[error("a wrapped data key cannot be opened")]
    Unreadable,
}

/// Master keys from a file or the environment, one a line in base64: the first wraps, all of them unwrap.
pub struct FileMasterKey(Vec<([u8; ID_LEN], LessSafeKey)>);

impl FileMasterKey {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`], [`MasterKeyError::Missing`].
    pub fn parse(text: &SecretString) -> Result<Self, MasterKeyError> {
        let mut keys = Vec::new();
        for line in text.expose_secret().split_whitespace() {
            let key = Zeroizing::new(STANDARD.decode(line).map_err(|_| MasterKeyError::Malformed)?);
            let mut id = [0; ID_LEN];
            id.copy_from_slice(&digest(&SHA256, &key).as_ref()[..ID_LEN]);
            let cipher = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| MasterKeyError::Malformed)?;
            keys.push((id, LessSafeKey::new(cipher)));
        }
        if keys.is_empty() { Err(MasterKeyError::Missing) } else { Ok(Self(keys)) }
    }

    /// A new key as text, for a file.
    #[must_use]
    pub fn generate() -> SecretString {
        let key = Zeroizing::new(random::bytes::<32>());
        SecretString::from(STANDARD.encode(*key))
    }
}

impl MasterKey for FileMasterKey {
    fn wrap(&self, realm_id: &str, key: &[u8]) -> Result<Vec<u8>, MasterKeyError> {
        let (id, cipher) = self.0.first().ok_or(MasterKeyError::Missing)?;
        let nonce: [u8; NONCE_LEN] = random::bytes();
        let mut text = Zeroizing::new(key.to_vec());
        let tag = cipher
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(realm_id.as_bytes()),
                &mut text,
            )
            .map_err(|_| MasterKeyError::Unreadable)?;
        Ok([id.as_slice(), &nonce, &text, tag.as_ref()].concat())
    }

    fn unwrap(&self, realm_id: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, MasterKeyError> {
        let (id, rest) = wrapped.split_first_chunk::<ID_LEN>().ok_or(MasterKeyError::Unreadable)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(MasterKeyError::Unreadable)?;
        let (_, cipher) = self.0.iter().find(|(known, _)| known == id).ok_or(MasterKeyError::Unknown)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = cipher
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(realm_id.as_bytes()), &mut text)
            .map_err(|_| MasterKeyError::Unreadable)?
            .len();
        text.truncate(opened);
        Ok(text)
    }

    fn is_newest(&self, wrapped: &[u8]) -> bool {
        self.0.first().is_some_and(|(id, _)| wrapped.starts_with(id))
    }
}
