//! A key as it is stored: its secret part, and what of it may be seen.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_platform::random;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::error::Error;

/// A private key in PKCS#8, DER.
pub(crate) type Pkcs8 = Zeroizing<Vec<u8>>;

/// A key that is about to be stored.
pub(crate) struct Material {
    pub(crate) kid: String,
    /// The private key in PKCS#8, or the bytes of a symmetric key.
    pub(crate) secret: Zeroizing<Vec<u8>>,
    /// SubjectPublicKeyInfo, DER; none of a symmetric key.
    pub(crate) public_key: Option<Vec<u8>>,
    /// DER.
    pub(crate) certificate: Option<Vec<u8>>,
}

impl Material {
    /// An RSA key with its certificate.
    ///
    /// # Errors
    /// [`Error::Cryptography`] when it is no RSA key of at least 2048 bits.
    pub(crate) fn rsa(pkcs8: Pkcs8, certificate: Vec<u8>) -> Result<Self, Error> {
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| Error::Cryptography)?;
        Self::asymmetric(pkcs8, pair.public_key(), Some(certificate))
    }

    /// A new EC key.
    pub(crate) fn ecdsa(algorithm: Algorithm) -> Result<Self, Error> {
        let signing = algorithm.ecdsa().ok_or(Error::Cryptography)?;
        Self::ecdsa_pair(&EcdsaKeyPair::generate(signing).map_err(|_| Error::Cryptography)?)
    }

    /// An EC key that is given in PKCS#8, DER.
    ///
    /// # Errors
    /// [`Error::Cryptography`] when it is none of the algorithm's curve.
    pub(crate) fn ecdsa_of(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, Error> {
        let signing = algorithm.ecdsa().ok_or(Error::Cryptography)?;
        Self::ecdsa_pair(&EcdsaKeyPair::from_pkcs8(signing, pkcs8).map_err(|_| Error::Cryptography)?)
    }

    fn ecdsa_pair(pair: &EcdsaKeyPair) -> Result<Self, Error> {
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| Error::Cryptography)?;
        Self::asymmetric(Zeroizing::new(pkcs8.as_ref().to_vec()), pair.public_key(), None)
    }

    /// A new Ed25519 key.
    pub(crate) fn ed25519() -> Result<Self, Error> {
        Self::ed25519_pair(&Ed25519KeyPair::generate().map_err(|_| Error::Cryptography)?)
    }

    /// An Ed25519 key that is given in PKCS#8, DER.
    ///
    /// # Errors
    /// [`Error::Cryptography`] when it is none.
    pub(crate) fn ed25519_of(pkcs8: &[u8]) -> Result<Self, Error> {
        Self::ed25519_pair(&Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| Error::Cryptography)?)
    }

    fn ed25519_pair(pair: &Ed25519KeyPair) -> Result<Self, Error> {
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| Error::Cryptography)?;
        Self::asymmetric(Zeroizing::new(pkcs8.as_ref().to_vec()), pair.public_key(), None)
    }

    /// A new symmetric key of `size` bytes.
    pub(crate) fn symmetric(size: usize) -> Self {
        let mut secret = Zeroizing::new(Vec::with_capacity(size));
        while secret.len() < size {
            let block = Zeroizing::new(random::bytes::<64>());
            let wanted = block.len().min(size - secret.len());
            secret.extend_from_slice(&block[..wanted]);
        }
        Self { kid: random::uuid(), secret, public_key: None, certificate: None }
    }

    fn asymmetric(
        secret: Pkcs8,
        public_key: &impl AsDer<PublicKeyX509Der<'static>>,
        certificate: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let public_key = public_key.as_der().map_err(|_| Error::Cryptography)?.as_ref().to_vec();
        Ok(Self { kid: kid(&public_key), secret, public_key: Some(public_key), certificate })
    }
}

/// As Keycloak makes it: the SHA-256 of the public key.
fn kid(public_key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, public_key))
}

/// Makes an RSA key. It takes some 100 ms for 2048 bits and seconds for 4096: never on a thread that others wait for.
pub(crate) fn generate_rsa(size: KeySize) -> Result<Pkcs8, Error> {
    let pair = RsaKeyPair::generate(size).map_err(|_| Error::Cryptography)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Error::Cryptography)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}
