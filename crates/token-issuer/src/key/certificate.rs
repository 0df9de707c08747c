//! Self-signed certificates of RSA keys, which JWKs carry as x5c.

use std::time::Duration;

use latchkey_platform::random;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, SerialNumber, date_time_ymd,
};

use crate::error::Error;

/// As long as Keycloak's: ten years.
const VALIDITY_MS: i64 = 10 * 365 * 24 * 3_600_000;

/// A certificate (DER) of an RSA key for a subject, valid from `now_ms`.
///
/// # Errors
/// [`Error::Certificate`].
pub(crate) fn self_signed(pkcs8: &[u8], subject: &str, now_ms: i64) -> Result<Vec<u8>, Error> {
    let key =
        KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_RSA_SHA256).map_err(Error::Certificate)?;
    let at = |ms: i64| date_time_ymd(1970, 1, 1) + Duration::from_millis(ms.max(0).unsigned_abs());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.serial_number = Some(SerialNumber::from_slice(&random::bytes::<8>()));
    params.not_before = at(now_ms);
    params.not_after = at(now_ms.saturating_add(VALIDITY_MS));
    Ok(params.self_signed(&key).map_err(Error::Certificate)?.der().to_vec())
}

/// When a certificate (DER) ends, in milliseconds since the epoch; none if it cannot be read.
pub(crate) fn valid_to_ms(certificate: &[u8]) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp().saturating_mul(1000))
}

/// The public key (SubjectPublicKeyInfo) in a certificate; none if it cannot be read.
pub(crate) fn public_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(certificate.public_key().raw.to_vec())
}
