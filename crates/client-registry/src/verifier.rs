//! Verifiers: by them a secret is recognised without being opened.
//!
//! A verifier is an HMAC-SHA-256 under a key that each realm has of its own, over the client's uuid and the secret. A generated
//! secret has full entropy, so that a password hash would only cost; and who reads the table without the master key has nothing
//! to try guesses against.

use aws_lc_rs::{constant_time, hmac};
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use latchkey_platform::vault::{Place, Vault};
use zeroize::Zeroizing;

use crate::error::Error;

/// Bytes of a verifier and of its key.
const LEN: usize = 32;

/// A realm's key for verifiers.
pub(crate) struct VerifierKey(hmac::Key);

/// A stored verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verifier([u8; LEN]);

impl VerifierKey {
    /// A new key, and how it is stored.
    pub(crate) async fn generate(
        vault: &Vault,
        transaction: &mut Transaction,
        realm_id: &str,
    ) -> Result<(Self, Vec<u8>), Error> {
        let key = Zeroizing::new(random::bytes::<LEN>());
        let sealed = vault.seal(transaction, place(realm_id), &*key).await?;
        Ok((Self(hmac::Key::new(hmac::HMAC_SHA256, &*key)), sealed))
    }

    /// Opens a stored key.
    pub(crate) async fn open(vault: &Vault, realm_id: &str, sealed: &[u8]) -> Result<Self, Error> {
        let key = vault.open(place(realm_id), sealed).await?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The verifier of a client's secret.
    pub(crate) fn verifier(&self, client_uuid: &str, secret: &str) -> Verifier {
        let mut context = hmac::Context::with_key(&self.0);
        // The length in front: no two pairs of uuid and secret give the same bytes.
        context.update(&(client_uuid.len() as u64).to_be_bytes());
        context.update(client_uuid.as_bytes());
        context.update(secret.as_bytes());
        let mut verifier = [0; LEN];
        verifier.copy_from_slice(context.sign().as_ref());
        Verifier(verifier)
    }

    /// Does the work of checking a secret where there is none to check it against, so that nobody learns that from the time.
    pub(crate) fn pretend(&self, secret: &str) {
        const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";
        let _ = std::hint::black_box(self.verifier(NO_UUID, secret).is_same(&Verifier([0; LEN])));
    }
}

impl Verifier {
    /// Compares in constant time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From the table. What has another length is no secret's verifier.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

fn place(realm_id: &str) -> Place<'_> {
    Place { realm_id, purpose: "verifier-key", id: realm_id }
}
