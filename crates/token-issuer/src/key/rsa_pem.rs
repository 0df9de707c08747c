//! Uploaded keys and certificates: PEM, or its base64 alone, as Keycloak takes them.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::material::Pkcs8;

/// Reads an RSA private key in PKCS#8 or PKCS#1; none if it is none, or shorter than 2048 bits.
pub(crate) fn private_key(text: &str) -> Option<Pkcs8> {
    let der = Zeroizing::new(decode(text)?);
    let pair = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der)).ok()?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    Some(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

/// Reads the base64 between a PEM block's lines, or all of it where there are none.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("-----")) {
        base64.extend(line.split_ascii_whitespace());
    }
    STANDARD.decode(base64.as_bytes()).ok().filter(|der| !der.is_empty())
}

/// Base64 without PEM's lines, as Keycloak shows keys and certificates.
pub(crate) fn encode(der: &[u8]) -> String {
    STANDARD.encode(der)
}
