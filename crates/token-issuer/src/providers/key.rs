//! The key behind a provider: made, uploaded, or kept.

use aws_lc_rs::rsa::KeySize;
use latchkey_api::issuer::v1::{KeyProvider, StringList};
use latchkey_platform::certificate;

use super::given_key::{self, EC_PRIVATE_KEY, ED_PRIVATE_KEY, KID, SECRET};
use super::settings::{CERTIFICATE, Form, PRIVATE_KEY, Settings, invalid, value};
use crate::error::Error;
use crate::key::material::{Material, Pkcs8, generate_rsa};
use crate::key::{certificate as x509, rsa_pem};
use crate::service::IssuerService;
use crate::store::key_providers::StoredProvider;

/// What stands for a secret in answers; put back it keeps the stored value.
pub(crate) const MASK: &str = "**********";

/// Settings by which Keycloak stores and exports a generated key. Here keys are not settings.
const KEY_SETTINGS: [&str; 8] = [
    PRIVATE_KEY,
    CERTIFICATE,
    SECRET,
    KID,
    EC_PRIVATE_KEY,
    "ecdsaPublicKey",
    ED_PRIVATE_KEY,
    "eddsaPublicKey",
];

impl IssuerService {
    /// Takes the key of a new provider out of its settings, or makes one.
    pub(crate) async fn new_key(&self, provider: &mut KeyProvider) -> Result<Material, Error> {
        let Settings { form, kind, .. } = Settings::read(provider)?;
        let material = match form {
            Form::UploadedRsa => return self.uploaded_key(provider).await,
            Form::Rsa(size) => match given_key::rsa(provider)? {
                Some(pkcs8) => self.with_certificate(provider, pkcs8).await?,
                None => self.generated_rsa(provider, size).await?,
            },
            Form::Ec(algorithm) => match given_key::ecdsa(provider, algorithm)? {
                Some(material) => material,
                None => Material::ecdsa(algorithm)?,
            },
            Form::Ed25519 => match given_key::ed25519(provider)? {
                Some(material) => material,
                None => Material::ed25519()?,
            },
            Form::Symmetric(size) => {
                given_key::symmetric(provider, kind)?.unwrap_or_else(|| Material::symmetric(size))
            }
        };
        remove_key_settings(provider);
        Ok(material)
    }

    async fn generated_rsa(&self, provider: &KeyProvider, size: KeySize) -> Result<Material, Error> {
        let pkcs8 = match size {
            KeySize::Rsa2048 => self.pool.take().await?,
            size => blocking(move || generate_rsa(size)).await?,
        };
        self.certified(pkcs8, provider.realm_id.clone()).await
    }

    /// The key that an update brings; none if the present one stays.
    pub(crate) async fn changed_key(
        &self,
        provider: &mut KeyProvider,
        before: &StoredProvider,
    ) -> Result<Option<Material>, Error> {
        let (old, new) = (Settings::read(&before.provider)?, Settings::read(provider)?);
        if old.form != new.form {
            return self.new_key(provider).await.map(Some);
        }
        if new.form != Form::UploadedRsa {
            remove_key_settings(provider);
            return Ok(None);
        }
        if value(provider, PRIVATE_KEY).is_some_and(|key| key != MASK) {
            return self.uploaded_key(provider).await.map(Some);
        }
        if let Some(given) = certificate(provider)? {
            check_match(&given, before.public_key.as_deref())?;
        }
        let shown = certificate(provider)?.or_else(|| before.certificate.clone());
        show(provider, shown.as_deref());
        Ok(None)
    }

    async fn uploaded_key(&self, provider: &mut KeyProvider) -> Result<Material, Error> {
        let text = value(provider, PRIVATE_KEY).ok_or_else(|| invalid("'Private RSA Key' is required"))?;
        let pkcs8 = rsa_pem::private_key(text).ok_or_else(|| invalid("Failed to decode private key"))?;
        let material = self.with_certificate(provider, pkcs8).await?;
        show(provider, material.certificate.as_deref());
        Ok(material)
    }

    /// An RSA key with the certificate that the settings give it, or one that it signs itself.
    async fn with_certificate(&self, provider: &KeyProvider, pkcs8: Pkcs8) -> Result<Material, Error> {
        let material = match certificate(provider)? {
            Some(certificate) => Material::rsa(pkcs8, certificate)?,
            None => self.certified(pkcs8, provider.realm_id.clone()).await?,
        };
        if let Some(certificate) = &material.certificate {
            check_match(certificate, material.public_key.as_deref())?;
        }
        Ok(material)
    }

    /// Signs a certificate of an RSA key for itself.
    async fn certified(&self, pkcs8: Pkcs8, subject: String) -> Result<Material, Error> {
        let now_ms = self.clock.now_ms();
        // Three private operations: too long for a thread that answers others.
        blocking(move || {
            let certificate = certificate::self_signed(&pkcs8, &subject, now_ms)?;
            Material::rsa(pkcs8, certificate)
        })
        .await
    }
}

/// The certificate in the settings, DER.
pub(crate) fn certificate(provider: &KeyProvider) -> Result<Option<Vec<u8>>, Error> {
    let decode = |text: &str| {
        let der = rsa_pem::decode(text).filter(|der| x509::public_key(der).is_some());
        der.ok_or_else(|| invalid("Failed to decode certificate"))
    };
    value(provider, CERTIFICATE).map(decode).transpose()
}

fn remove_key_settings(provider: &mut KeyProvider) {
    for name in KEY_SETTINGS {
        provider.config.remove(name);
    }
}

fn check_match(certificate: &[u8], public_key: Option<&[u8]>) -> Result<(), Error> {
    if x509::public_key(certificate).as_deref() == public_key {
        Ok(())
    } else {
        Err(invalid("Certificate does not match private key"))
    }
}

/// What of an uploaded key stays in the settings.
fn show(provider: &mut KeyProvider, certificate: Option<&[u8]>) {
    let mut set = |name: &str, value: String| {
        provider.config.insert(name.to_owned(), StringList { values: vec![value] });
    };
    set(PRIVATE_KEY, MASK.to_owned());
    if let Some(certificate) = certificate {
        set(CERTIFICATE, rsa_pem::encode(certificate));
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Interrupted)?
}
