//! A key pair that is made for a client.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{self, KeySize};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_platform::certificate;
use zeroize::Zeroizing;

use crate::error::Error;

/// A private RSA key of 2048 bits and a certificate that it has signed for itself, both base64 DER.
pub(super) struct KeyPair {
    pub(super) certificate: String,
    /// PKCS#8.
    pub(super) private_key: Zeroizing<String>,
}

impl KeyPair {
    /// Makes one for a subject (a `clientId`), valid from `now_ms`. It takes some 100 ms, on a thread that nobody waits for.
    pub(super) async fn generate(subject: String, now_ms: i64) -> Result<Self, Error> {
        let made = tokio::task::spawn_blocking(move || Self::generate_now(&subject, now_ms));
        made.await.map_err(|_| Error::Interrupted)?
    }

    fn generate_now(subject: &str, now_ms: i64) -> Result<Self, Error> {
        let pair = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::Cryptography)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Error::Cryptography)?;
        let private_key = Zeroizing::new(BASE64_STANDARD.encode(pkcs8.as_ref()));
        let certificate = certificate::self_signed(pkcs8.as_ref(), subject, now_ms);
        let certificate = certificate.map_err(|_| Error::Cryptography)?;
        Ok(Self { certificate: BASE64_STANDARD.encode(certificate), private_key })
    }
}
