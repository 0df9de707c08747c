//! Keys ready for use: parsed once, when the realm's keys are read.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, ParsedPublicKey, RsaEncoding, RsaKeyPair};

use crate::algorithm::{Algorithm, Family};
use crate::error::Error;
use crate::key::ecdsa::EcdsaKey;

/// Signs.
pub(crate) enum SigningKey {
    Rsa { pair: RsaKeyPair, encoding: &'static dyn RsaEncoding },
    Ecdsa(EcdsaKey),
    Ed25519(Ed25519KeyPair),
    Hmac(Box<hmac::Key>),
}

impl SigningKey {
    /// Parses a private key (PKCS#8) or takes the bytes of a symmetric one; none if it does not fit the algorithm.
    pub(crate) fn new(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        Some(match algorithm.family() {
            Family::Rsa => {
                let pair = RsaKeyPair::from_pkcs8(secret).ok()?;
                Self::Rsa { pair, encoding: algorithm.rsa_encoding()? }
            }
            Family::Ec => {
                let (_, number) = algorithm.curve()?;
                Self::Ecdsa(EcdsaKey::from_pkcs8(algorithm.ecdsa()?, number, secret)?)
            }
            Family::Okp => Self::Ed25519(Ed25519KeyPair::from_pkcs8(secret).ok()?),
            Family::Hmac => Self::Hmac(Box::new(hmac::Key::new(algorithm.hmac()?, secret))),
        })
    }

    /// Hands the signature of `message` to `take`, from the stack where its size is small.
    ///
    /// # Errors
    /// [`Error::Cryptography`] when the library fails, for lack of memory.
    pub(crate) fn sign<T>(&self, message: &[u8], take: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
        match self {
            Self::Rsa { pair, encoding } => {
                let mut buffer = [0; 1024];
                let signature = buffer.get_mut(..pair.public_modulus_len()).ok_or(Error::Cryptography)?;
                pair.sign(*encoding, &SystemRandom::new(), message, signature)
                    .map_err(|_| Error::Cryptography)?;
                Ok(take(signature))
            }
            Self::Ecdsa(key) => key.sign(message, take),
            Self::Ed25519(pair) => {
                let signature = pair.try_sign(message).map_err(|_| Error::Cryptography)?;
                Ok(take(signature.as_ref()))
            }
            Self::Hmac(key) => Ok(take(hmac::sign(key, message).as_ref())),
        }
    }
}

/// Verifies with one algorithm only: that of the key.
pub(crate) enum VerifyingKey {
    Public(ParsedPublicKey),
    Hmac(Box<hmac::Key>),
}

impl VerifyingKey {
    /// Parses a public key; none if it does not fit the algorithm.
    pub(crate) fn public(algorithm: Algorithm, public_key: &[u8]) -> Option<Self> {
        ParsedPublicKey::new(algorithm.verification()?, public_key).ok().map(Self::Public)
    }

    /// Takes the bytes of a symmetric key; none if the algorithm is none of HMAC.
    pub(crate) fn hmac(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        Some(Self::Hmac(Box::new(hmac::Key::new(algorithm.hmac()?, secret))))
    }

    /// Whether the signature is that of the message. HMACs are compared in constant time.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
            Self::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}
