//! A key pair that is made for a client.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{self, KeySize};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_platform::random;
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256, SerialNumber, date_time_ymd};
use zeroize::Zeroizing;

use crate::error::Error;

/// As long as that of a realm's key: ten years.
const VALIDITY_MS: i64 = 10 * 365 * 24 * 3_600_000;

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
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_ref().into(), &PKCS_RSA_SHA256);
        let key = key.map_err(|_| Error::Cryptography)?;
        let at = |ms: i64| date_time_ymd(1970, 1, 1) + Duration::from_millis(ms.max(0).unsigned_abs());
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, subject);
        params.serial_number = Some(SerialNumber::from_slice(&random::bytes::<8>()));
        params.not_before = at(now_ms);
        params.not_after = at(now_ms.saturating_add(VALIDITY_MS));
        let certificate = params.self_signed(&key).map_err(|_| Error::Cryptography)?;
        Ok(Self { certificate: BASE64_STANDARD.encode(certificate.der()), private_key })
    }
}
