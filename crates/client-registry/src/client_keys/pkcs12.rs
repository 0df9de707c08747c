//! Writing PKCS#12 (RFC 7292): the private key by PBES2 (RFC 8018) with AES-256, the whole under an HMAC of SHA-256.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};
use aws_lc_rs::{hmac, pbkdf2};
use latchkey_platform::random;
use zeroize::Zeroizing;

use super::der::{bmp_string, explicit, null, number, octets, oid, sequence, set};
use super::key_store::Contents;
use crate::error::Error;

/// As many as Java's key stores have.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("it is not zero");
/// The bytes that SHA-256 takes at a time.
const BLOCK: usize = 64;
/// What a key of RFC 7292, appendix B.3 is for: a MAC.
const FOR_MAC: u8 = 3;
const VERSION: u32 = 3;

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
const CERTIFICATE_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 21];
/// By which Java knows that a certificate is trusted, and for what: `anyExtendedKeyUsage`.
const TRUSTED_KEY_USAGE: &[u8] = &[0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1, 1];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// Writes a key store.
pub(super) fn write(contents: &Contents<'_>) -> Result<Vec<u8>, Error> {
    let key_id = digest(&SHA256, contents.certificate);
    let of_key = set(&[
        &attribute(FRIENDLY_NAME, &bmp_string(contents.alias)),
        &attribute(LOCAL_KEY_ID, &octets(key_id.as_ref())),
    ]);
    let key = bag(SHROUDED_KEY_BAG, &encrypted(contents.private_key, contents.key_password)?, &of_key);
    let certificate = bag(CERTIFICATE_BAG, &certificate_bag(contents.certificate), &of_key);
    let realm = contents.realm.map(|(alias, der)| {
        let attributes = set(&[
            &attribute(FRIENDLY_NAME, &bmp_string(alias)),
            &attribute(TRUSTED_KEY_USAGE, &oid(ANY_USAGE)),
        ]);
        bag(CERTIFICATE_BAG, &certificate_bag(der), &attributes)
    });
    let bags = sequence(&[&key, &certificate, &realm.unwrap_or_default()]);
    let safe = sequence(&[&data(&bags)]);
    Ok(sequence(&[&number(VERSION), &data(&safe), &mac(&safe, contents.store_password)]))
}

fn data(content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(DATA), &explicit(&octets(content))])
}

fn bag(kind: &[u8], content: &[u8], attributes: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &explicit(content), attributes])
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &set(&[value])])
}

fn certificate_bag(der: &[u8]) -> Vec<u8> {
    sequence(&[&oid(X509_CERTIFICATE), &explicit(&octets(der))])
}

/// An EncryptedPrivateKeyInfo.
fn encrypted(private_key: &[u8], password: &str) -> Result<Vec<u8>, Error> {
    let salt = random::bytes::<16>();
    let mut key = Zeroizing::new([0; AES_256_KEY_LEN]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.as_bytes(), key.as_mut());
    let key = UnboundCipherKey::new(&AES_256, key.as_ref()).map_err(|_| Error::Cryptography)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(|_| Error::Cryptography)?;
    let mut text = private_key.to_vec();
    let context = key.encrypt(&mut text).map_err(|_| Error::Cryptography)?;
    let iv: &[u8] = match &context {
        DecryptionContext::Iv128(iv) => iv.as_ref(),
        _ => return Err(Error::Cryptography),
    };
    let by_hmac = sequence(&[&oid(HMAC_SHA256), &null()]);
    let derivation = sequence(&[&octets(&salt), &number(ITERATIONS.get()), &by_hmac]);
    let derivation = sequence(&[&oid(PBKDF2), &derivation]);
    let cipher = sequence(&[&oid(AES_256_CBC), &octets(iv)]);
    let algorithm = sequence(&[&oid(PBES2), &sequence(&[&derivation, &cipher])]);
    Ok(sequence(&[&algorithm, &octets(&text)]))
}

/// A MacData.
fn mac(content: &[u8], password: &str) -> Vec<u8> {
    let salt = random::bytes::<16>();
    let key = mac_key(password, &salt);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), content);
    let algorithm = sequence(&[&oid(SHA_256), &null()]);
    let info = sequence(&[&algorithm, &octets(tag.as_ref())]);
    sequence(&[&info, &octets(&salt), &number(ITERATIONS.get())])
}

/// RFC 7292, appendix B.2, where one round gives enough.
fn mac_key(password: &str, salt: &[u8]) -> Zeroizing<[u8; SHA256_OUTPUT_LEN]> {
    let password: Zeroizing<Vec<u8>> =
        Zeroizing::new(password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect());
    let filled = |part: &[u8]| {
        let length = part.len().div_ceil(BLOCK) * BLOCK;
        part.iter().copied().cycle().take(length).collect::<Vec<u8>>()
    };
    let mut context = Context::new(&SHA256);
    context.update(&[FOR_MAC; BLOCK]);
    context.update(&filled(salt));
    context.update(&Zeroizing::new(filled(&password)));
    let mut hash = context.finish();
    for _ in 1..ITERATIONS.get() {
        hash = digest(&SHA256, hash.as_ref());
    }
    let mut key = Zeroizing::new([0; SHA256_OUTPUT_LEN]);
    key.copy_from_slice(hash.as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::cipher::PaddedBlockDecryptingKey;

    #[test]
    fn the_key_of_the_mac_is_that_of_the_standard() {
        let salt: Vec<u8> = (0..16).collect();
        let hex: String = mac_key("changeit", &salt).iter().map(|byte| format!("{byte:02x}")).collect();
        // Computed apart from this code.
        assert_eq!(hex, "04f324108fb2ac9a77729c84bc77f98f6be093b823aad9102bd78e1d00cafb9c");
    }

    #[test]
    fn the_private_key_opens_with_its_password_alone() {
        let sealed = encrypted(b"a private key of some length", "secret key").unwrap();
        // What varies stands at fixed places: the salt, the initialisation vector, and the text at the end.
        let (text, head) = (&sealed[sealed.len() - 32..], &sealed[..sealed.len() - 34]);
        let (iv, head) = (&head[head.len() - 16..], &head[..head.len() - 16 - 2 - 13]);
        let salt = &head[head.len() - 14 - 4 - 16..head.len() - 14 - 4];
        let opened = |password: &str| {
            let mut key = [0; AES_256_KEY_LEN];
            pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.as_bytes(), &mut key);
            let key =
                PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &key).unwrap()).unwrap();
            let iv: [u8; 16] = iv.try_into().unwrap();
            let mut text = text.to_vec();
            key.decrypt(&mut text, DecryptionContext::Iv128(iv.into())).map(|opened| opened.to_vec())
        };
        assert_eq!(opened("secret key").unwrap(), b"a private key of some length");
        assert!(opened("secret store").map_or(true, |opened| opened != b"a private key of some length"));
    }
}
