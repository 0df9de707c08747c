//! Self-signed certificates of RSA keys, as Keycloak makes them: a common name, ten years.

use std::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, SerialNumber, date_time_ymd,
};

use crate::random;

/// Ten years.
const VALIDITY_MS: i64 = 10 * 365 * 24 * 3_600_000;

/// A certificate can't be made.
#[derive(Debug, thiserror::Error)]
#[error("a certificate cannot be made")]
pub struct Error(#[from] rcgen::Error);

/// A certificate (DER) of an RSA key (PKCS#8) for a subject, valid from `now_ms`.
///
/// # Errors
/// [`Error`] for what is no such key.
pub fn self_signed(pkcs8: &[u8], subject: &str, now_ms: i64) -> Result<Vec<u8>, Error> {
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_RSA_SHA256)?;
    let at = |ms: i64| date_time_ymd(1970, 1, 1) + Duration::from_millis(ms.max(0).unsigned_abs());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.serial_number = Some(SerialNumber::from_slice(&random::bytes::<8>()));
    params.not_before = at(now_ms);
    params.not_after = at(now_ms.saturating_add(VALIDITY_MS));
    Ok(params.self_signed(&key)?.der().to_vec())
}
