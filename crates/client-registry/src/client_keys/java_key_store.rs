//! Java key stores (JKS): certificates stand in clear in them, so that no private key needs to be opened to read one.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use latchkey_platform::random;
use zeroize::Zeroizing;

use super::der::{null, octets, oid, sequence};
use super::key_file::invalid;
use super::key_store::Contents;
use crate::error::Error;

const MAGIC: u32 = 0xFEED_FEED;
const PRIVATE_KEY: u32 = 1;
const CERTIFICATE: u32 = 2;
const VERSION: u32 = 2;
/// The only kind of certificates.
const X509: &str = "X.509";
/// Sun's way to protect a key by a password: 1.3.6.1.4.1.42.2.17.1.1.
const KEY_PROTECTOR: &[u8] = &[0x2b, 6, 1, 4, 1, 0x2a, 2, 17, 1, 1];
/// The bytes of the digest at the end.
const DIGEST: usize = 20;
/// What Java puts between the password and the store into the digest.
const SALT: &[u8] = b"Mighty Aphrodite";

/// The certificate (DER) of an entry, whatever the case of its alias: the entry's own, or the first of its key's chain.
///
/// # Errors
/// [`Error::Invalid`] for what is no key store, another password, or an alias that it does not have.
pub(super) fn certificate(file: &[u8], alias: &str, password: &str) -> Result<Vec<u8>, Error> {
    let (store, digest) = file.split_last_chunk::<DIGEST>().ok_or_else(broken)?;
    let mut at = Reader(store);
    if at.number()? != MAGIC {
        return Err(broken());
    }
    let version = at.number()?;
    if !(1..=2).contains(&version) {
        return Err(broken());
    }
    if verify_slices_are_equal(&digest_of(store, password), digest).is_err() {
        return Err(invalid("was tampered with, or the password of the store is wrong"));
    }
    let entries = at.number()?;
    for _ in 0..entries {
        let kind = at.number()?;
        let name = at.text()?;
        at.bytes(8)?;
        let chain = match kind {
            PRIVATE_KEY => {
                at.block()?;
                at.number()?
            }
            CERTIFICATE => 1,
            _ => return Err(broken()),
        };
        let mut first = None;
        for _ in 0..chain {
            if version == 2 {
                at.text()?;
            }
            first = first.or(Some(at.block()?));
        }
        if name.eq_ignore_ascii_case(alias)
            && let Some(der) = first
        {
            return Ok(der.to_vec());
        }
    }
    Err(invalid("has no certificate of this alias"))
}

/// Writes a key store. Its format protects the private key no better than the password that is chosen.
pub(super) fn write(contents: &Contents<'_>) -> Vec<u8> {
    let date = contents.now_ms.max(0).unsigned_abs().to_be_bytes();
    let certificate = |der: &[u8]| [text(X509), block(der)].concat();
    let entry = |kind: u32, alias: &str| {
        // Java finds aliases whatever their case, and so writes them in one.
        [kind.to_be_bytes().to_vec(), text(&alias.to_lowercase()), date.to_vec()].concat()
    };
    let mut entries = 1_u32;
    let mut store = [
        entry(PRIVATE_KEY, contents.alias),
        block(&protected(contents.private_key, contents.key_password)),
        1_u32.to_be_bytes().to_vec(),
        certificate(contents.certificate),
    ]
    .concat();
    if let Some((alias, der)) = contents.realm {
        entries += 1;
        store.extend(entry(CERTIFICATE, alias));
        store.extend(certificate(der));
    }
    let head = [MAGIC, VERSION, entries].map(u32::to_be_bytes).concat();
    store.splice(0..0, head);
    store.extend(digest_of(&store, contents.store_password));
    store
}

/// An EncryptedPrivateKeyInfo: the key under a stream of hashes of the password, between the salt and a hash that proves it.
fn protected(private_key: &[u8], password: &str) -> Vec<u8> {
    let password: Zeroizing<Vec<u8>> =
        Zeroizing::new(password.encode_utf16().flat_map(u16::to_be_bytes).collect());
    let hash = |more: &[u8]| {
        let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&password);
        context.update(more);
        context.finish()
    };
    let salt = random::bytes::<DIGEST>();
    let mut sealed = salt.to_vec();
    let mut stream = hash(&salt);
    for part in private_key.chunks(DIGEST) {
        sealed.extend(part.iter().zip(stream.as_ref()).map(|(byte, mask)| byte ^ mask));
        stream = hash(stream.as_ref());
    }
    sealed.extend_from_slice(hash(private_key).as_ref());
    sequence(&[&sequence(&[&oid(KEY_PROTECTOR), &null()]), &octets(&sealed)])
}

/// Text behind its length, cut to what a length can say.
fn text(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), &bytes[..usize::from(length)]].concat()
}

fn block(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

fn digest_of(store: &[u8], password: &str) -> Vec<u8> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for unit in password.encode_utf16() {
        context.update(&unit.to_be_bytes());
    }
    context.update(SALT);
    context.update(store);
    context.finish().as_ref().to_vec()
}

fn broken() -> Error {
    invalid("is no Java key store")
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (read, rest) = self.0.split_at_checked(length).ok_or_else(broken)?;
        self.0 = rest;
        Ok(read)
    }

    fn number(&mut self) -> Result<u32, Error> {
        let bytes = self.bytes(4)?.try_into().map_err(|_| broken())?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn block(&mut self) -> Result<&'a [u8], Error> {
        let length = usize::try_from(self.number()?).map_err(|_| broken())?;
        self.bytes(length)
    }

    fn text(&mut self) -> Result<&'a str, Error> {
        let length: [u8; 2] = self.bytes(2)?.try_into().map_err(|_| broken())?;
        std::str::from_utf8(self.bytes(usize::from(u16::from_be_bytes(length)))?).map_err(|_| broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store with a private key `own` (with a chain of two) and a certificate `other`.
    fn store(password: &str) -> Vec<u8> {
        let number = |number: u32| number.to_be_bytes().to_vec();
        let certificate = |der: &[u8]| [text(X509), block(der)].concat();
        let mut store = [
            number(MAGIC),
            number(VERSION),
            number(2),
            [number(PRIVATE_KEY), text("own"), vec![0; 8], block(b"sealed"), number(2)].concat(),
            [certificate(b"mine"), certificate(b"issuer")].concat(),
            [number(CERTIFICATE), text("other"), vec![0; 8], certificate(b"theirs")].concat(),
        ]
        .concat();
        store.extend(digest_of(&store, password));
        store
    }

    #[test]
    fn an_entry_has_its_certificate() {
        let store = store("changeit");
        assert_eq!(certificate(&store, "OWN", "changeit").unwrap(), b"mine");
        assert_eq!(certificate(&store, "other", "changeit").unwrap(), b"theirs");
        let unknown = certificate(&store, "third", "changeit").unwrap_err().to_string();
        assert_eq!(unknown, "the file has no certificate of this alias");
        assert!(certificate(&store, "own", "guessed").unwrap_err().to_string().contains("password"));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let contents = Contents {
            alias: "Own",
            private_key: &[7; 50],
            certificate: b"mine",
            realm: Some(("realm", b"theirs")),
            key_password: "key",
            store_password: "changeit",
            now_ms: 1,
        };
        let store = write(&contents);
        assert_eq!(certificate(&store, "own", "changeit").unwrap(), b"mine");
        assert_eq!(certificate(&store, "realm", "changeit").unwrap(), b"theirs");
        assert!(!store.windows(20).any(|window| window == [7; 20]), "the key is not in clear");
    }

    #[test]
    fn what_is_cut_short_or_claims_too_much_is_refused() {
        let whole = store("changeit");
        for length in 0..whole.len() {
            assert!(certificate(&whole[..length], "other", "changeit").is_err(), "{length}");
        }
        let mut endless = [MAGIC.to_be_bytes(), 2_u32.to_be_bytes(), u32::MAX.to_be_bytes()].concat();
        endless.extend(digest_of(&endless, ""));
        assert!(certificate(&endless, "own", "").is_err());
    }
}
