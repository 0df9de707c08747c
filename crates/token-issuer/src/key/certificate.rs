//! What certificates of RSA keys, which JWKs carry as x5c, say.

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
