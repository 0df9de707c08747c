//! Files from which a client's public key is read.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_api::registry::v1::{ClientKey, KeyFileFormat, UploadClientKeyRequest};

use super::java_key_store;
use crate::error::Error;
use crate::public_key::{PublicKey, certificate_key, decoded_pem, signing_key_of_set};

/// The public key in an uploaded file.
///
/// # Errors
/// [`Error::Invalid`] for what is not of the format, or holds no key that can verify a signature.
pub(crate) fn read(upload: &UploadClientKeyRequest) -> Result<ClientKey, Error> {
    match upload.format() {
        KeyFileFormat::CertificatePem => {
            let der = pem(&upload.file)?;
            certificate_key(&der).ok_or_else(|| invalid("is no certificate"))?;
            Ok(ClientKey { certificate: BASE64_STANDARD.encode(der), ..ClientKey::default() })
        }
        KeyFileFormat::PublicKeyPem => {
            let der = pem(&upload.file)?;
            PublicKey::of_info(&der).ok_or_else(|| invalid("is no public key"))?;
            Ok(ClientKey { public_key: BASE64_STANDARD.encode(der), ..ClientKey::default() })
        }
        KeyFileFormat::JsonWebKeySet => {
            let jwks = text(&upload.file)?;
            let (kid, info) = signing_key_of_set(jwks).ok_or_else(|| invalid("has no key for signatures"))?;
            Ok(ClientKey {
                public_key: BASE64_STANDARD.encode(info),
                kid: kid.unwrap_or_default(),
                jwks: jwks.trim().to_owned(),
                ..ClientKey::default()
            })
        }
        KeyFileFormat::Jks => {
            let der = java_key_store::certificate(&upload.file, &upload.key_alias, &upload.store_password)?;
            certificate_key(&der).ok_or_else(|| invalid("holds a certificate that cannot be read"))?;
            Ok(ClientKey { certificate: BASE64_STANDARD.encode(der), ..ClientKey::default() })
        }
        KeyFileFormat::Pkcs12 | KeyFileFormat::Unspecified => {
            Err(Error::Invalid { what: "keystoreFormat", reason: "is not supported" })
        }
    }
}

pub(super) fn invalid(reason: &'static str) -> Error {
    Error::Invalid { what: "the file", reason }
}

fn pem(file: &[u8]) -> Result<Vec<u8>, Error> {
    let der = decoded_pem(text(file)?).filter(|der| !der.is_empty());
    der.ok_or_else(|| invalid("is not PEM"))
}

fn text(file: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(file).ok().filter(|text| !text.contains('\0')).ok_or_else(|| invalid("is not text"))
}
