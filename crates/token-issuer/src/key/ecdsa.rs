//! ECDSA signatures as JOSE has them (RFC 7518 section 3.4): both numbers at full length, one after the other.
//!
//! aws-lc computes the ASN.1 form, and its Rust interface can convert it, but by way of big numbers on the heap. Here the bytes are
//! only moved.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm};

use crate::error::Error;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// A length in the byte that follows.
const LONG_LENGTH: u8 = 0x81;

/// Two numbers of P-521.
const MAX_SIGNATURE: usize = 132;

/// A private key of a curve.
pub(crate) struct EcdsaKey {
    pair: EcdsaKeyPair,
    /// Bytes of each of the two numbers.
    number: usize,
}

impl EcdsaKey {
    /// Parses a private key (PKCS#8) for an algorithm with ASN.1 signatures, whose numbers have `number` bytes.
    pub(crate) fn from_pkcs8(
        algorithm: &'static EcdsaSigningAlgorithm,
        number: usize,
        pkcs8: &[u8],
    ) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).ok()?;
        Some(Self { pair, number })
    }

    /// Hands the signature to `take`.
    ///
    /// # Errors
    /// [`Error::Cryptography`] when the library fails, for lack of memory.
    pub(crate) fn sign<T>(&self, message: &[u8], take: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| Error::Cryptography)?;
        let mut buffer = [0; MAX_SIGNATURE];
        let fixed = fixed(signature.as_ref(), self.number, &mut buffer).ok_or(Error::Cryptography)?;
        Ok(take(fixed))
    }
}

/// The fixed form of an ASN.1 signature.
fn fixed<'a>(asn1: &[u8], number: usize, buffer: &'a mut [u8; MAX_SIGNATURE]) -> Option<&'a [u8]> {
    let numbers = match asn1 {
        [SEQUENCE, LONG_LENGTH, length, rest @ ..] | [SEQUENCE, length, rest @ ..] => {
            rest.get(..usize::from(*length)).filter(|numbers| numbers.len() == rest.len())?
        }
        _ => return None,
    };
    let fixed = buffer.get_mut(..2 * number)?;
    let (r, s) = fixed.split_at_mut(number);
    let rest = put_integer(numbers, r)?;
    let rest = put_integer(rest, s)?;
    rest.is_empty().then_some(&*fixed)
}

/// Puts a DER integer into `place`, which it fills from the right; gives what follows.
fn put_integer<'a>(der: &'a [u8], place: &mut [u8]) -> Option<&'a [u8]> {
    let [INTEGER, length, rest @ ..] = der else { return None };
    let (digits, rest) = rest.split_at_checked(usize::from(*length))?;
    // A zero keeps a number positive whose first bit is set.
    let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
    let start = place.len().checked_sub(digits.len())?;
    place[start..].copy_from_slice(digits);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_ASN1_SIGNING,
        ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_P521_SHA512_FIXED, KeyPair as _,
        UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    #[test]
    fn signatures_of_each_curve_verify_in_their_fixed_form() {
        let curves: [(_, &'static dyn VerificationAlgorithm, _); 3] = [
            (&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P256_SHA256_FIXED, 32),
            (&ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P384_SHA384_FIXED, 48),
            (&ECDSA_P521_SHA512_ASN1_SIGNING, &ECDSA_P521_SHA512_FIXED, 66),
        ];
        for (signing, verification, number) in curves {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(signing, &SystemRandom::new()).unwrap();
            let key = EcdsaKey::from_pkcs8(signing, number, pkcs8.as_ref()).unwrap();
            let public = UnparsedPublicKey::new(verification, key.pair.public_key().as_ref());
            // Often enough that numbers with leading zeros come too.
            for round in 0..600_u32 {
                let message = round.to_be_bytes();
                key.sign(&message, |signature| public.verify(&message, signature)).unwrap().unwrap();
            }
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let mut buffer = [0; MAX_SIGNATURE];
        assert_eq!(
            fixed(&[0x30, 6, 2, 1, 5, 2, 1, 7], 2, &mut buffer),
            Some([0, 5, 0, 7].as_slice()),
            "the form itself"
        );
        for asn1 in [
            [].as_slice(),
            &[0x30],
            &[0x30, 6, 2, 1, 5, 2, 1],
            &[0x30, 6, 2, 1, 5, 2, 1, 7, 0],
            &[0x30, 7, 2, 1, 5, 2, 1, 7, 0],
            &[0x30, 6, 3, 1, 5, 2, 1, 7],
            &[0x30, 8, 2, 3, 1, 2, 3, 2, 1, 7],
        ] {
            assert_eq!(fixed(asn1, 2, &mut buffer), None, "{asn1:?}");
        }
    }
}
