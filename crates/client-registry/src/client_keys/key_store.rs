//! A key store that is made for a client: its private key with its certificate, and the realm's certificate where that is given.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_api::registry::v1::{KeyFileFormat, KeyStoreSettings};
use zeroize::Zeroizing;

use super::key_pair::KeyPair;
use super::{java_key_store, pkcs12};
use crate::error::Error;

/// What a key store holds. Keys and certificates are DER.
pub(super) struct Contents<'a> {
    pub(super) alias: &'a str,
    /// PKCS#8.
    pub(super) private_key: &'a [u8],
    pub(super) certificate: &'a [u8],
    /// The realm's certificate under its own alias.
    pub(super) realm: Option<(&'a str, &'a [u8])>,
    pub(super) key_password: &'a str,
    pub(super) store_password: &'a str,
    pub(super) now_ms: i64,
}

/// Writes a key store.
///
/// # Errors
/// [`Error::Invalid`] without a password, or for another format than JKS and PKCS#12.
pub(super) async fn write(
    pair: &KeyPair,
    subject: &str,
    settings: KeyStoreSettings,
    now_ms: i64,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    for (password, what) in
        [(&settings.key_password, "the key password"), (&settings.store_password, "the store password")]
    {
        if password.is_empty() {
            return Err(Error::Invalid { what, reason: "is missing" });
        }
    }
    let decode = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| Error::Cryptography);
    let (private_key, certificate) = (Zeroizing::new(decode(&pair.private_key)?), decode(&pair.certificate)?);
    let alias = if settings.key_alias.is_empty() { subject.to_owned() } else { settings.key_alias.clone() };
    // Deriving keys from passwords is made to take long.
    let written = tokio::task::spawn_blocking(move || {
        let realm = (!settings.realm_certificate.is_empty())
            .then(|| (settings.realm_alias.as_str(), settings.realm_certificate.as_ref()));
        let contents = Contents {
            alias: &alias,
            private_key: &private_key,
            certificate: &certificate,
            realm,
            key_password: &settings.key_password,
            store_password: &settings.store_password,
            now_ms,
        };
        match settings.format() {
            KeyFileFormat::Jks => Ok(java_key_store::write(&contents)),
            KeyFileFormat::Pkcs12 => pkcs12::write(&contents),
            _ => Err(Error::Invalid { what: "the format", reason: "is no key store's" }),
        }
    });
    written.await.map_err(|_| Error::Interrupted)?.map(Zeroizing::new)
}
