//! Encrypted id tokens and userinfo (OpenID Connect Core section 10.2): a JSON Web Encryption in compact form (RFC 7516), for a key of
//! the client's own. The cryptography is aws-lc's; the form is these lines.

use super::error::Error;
use aws_lc_rs::{
    aead::{self, AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    cipher::{
        self, AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    encoding::AsDer as _,
    hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512},
    rsa::{
        OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey,
        PublicEncryptingKey,
    },
    signature::RsaPublicKeyComponents,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_api::registry::v1::Client;
use latchkey_platform::{json::Object, random};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Keycloak's attributes of a client: the algorithms for the content's key, and for the content.
const ID_TOKEN: [&str; 2] = ["id.token.encrypted.response.alg", "id.token.encrypted.response.enc"];
const USERINFO: [&str; 2] = ["user.info.encrypted.response.alg", "user.info.encrypted.response.enc"];
/// OpenID Connect Dynamic Client Registration section 2, and Keycloak.
const DEFAULT_CONTENT: &str = "A128CBC-HS256";
/// The client's keys: a key set in an attribute.
const USE_KEY_SET: &str = "use.jwks.string";
const KEY_SET: &str = "jwks.string";

/// Bytes of the longest content key.
const LONGEST_KEY: usize = 64;

/// How what a client gets is encrypted.
pub(crate) struct Encryption {
    key: OaepPublicEncryptingKey,
    algorithm: &'static OaepAlgorithm,
    content: Content,
    header: Value,
}

/// RFC 7518 section 5.
#[derive(Clone, Copy)]
enum Content {
    Gcm(&'static aead::Algorithm),
    /// AES in CBC mode, and a MAC over it of which so many bytes count. Both have keys of that length too.
    CbcMac(&'static cipher::Algorithm, hmac::Algorithm, usize),
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    n: String,
    e: String,
}

impl Encryption {
    /// How the client wants its id tokens encrypted; `None` if not at all.
    ///
    /// # Errors
    /// [`Error::Encryption`] where that is not possible: what is to be secret is never sent in clear instead.
    pub(crate) fn of_id_tokens(client: &Client) -> Result<Option<Self>, Error> {
        Self::of(client, ID_TOKEN)
    }

    /// The same for its userinfo.
    ///
    /// # Errors
    /// Those of [`Self::of_id_tokens`].
    pub(crate) fn of_userinfo(client: &Client) -> Result<Option<Self>, Error> {
        Self::of(client, USERINFO)
    }

    fn of(client: &Client, [algorithm, content]: [&str; 2]) -> Result<Option<Self>, Error> {
        let text =
            |name: &str| client.attributes.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let Some(name) = text(algorithm) else { return Ok(None) };
        let algorithm = match name {
            "RSA-OAEP" => &OAEP_SHA1_MGF1SHA1,
            "RSA-OAEP-256" => &OAEP_SHA256_MGF1SHA256,
            _ => return Err(Error::Encryption("its algorithm is none of RSA-OAEP, RSA-OAEP-256")),
        };
        let content_name = text(content).unwrap_or(DEFAULT_CONTENT);
        let content = Content::of_name(content_name)
            .ok_or(Error::Encryption("no content encryption of this name is known"))?;
        let keys = text(KEY_SET).filter(|_| text(USE_KEY_SET) == Some("true"));
        let (kid, key) = keys
            .and_then(|keys| encryption_key(keys, name))
            .ok_or(Error::Encryption("the client has no RSA key for it in its key set"))?;
        let mut header = json!({ "alg": name, "enc": content_name });
        if let Some(kid) = kid {
            header["kid"] = Value::String(kid);
        }
        Ok(Some(Self { key, algorithm, content, header }))
    }

    /// Encrypts a signed token.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub(crate) fn encrypt_jwt(&self, token: &str) -> Result<String, Error> {
        let mut header = self.header.clone();
        header["cty"] = Value::from("JWT");
        self.seal(&header, token)
    }

    /// Encrypts JSON.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub(crate) fn encrypt_json(&self, json: &str) -> Result<String, Error> {
        self.seal(&self.header, json)
    }

    fn seal(&self, header: &Value, text: &str) -> Result<String, Error> {
        let failed = |_| Error::Encryption("the cryptographic library failed");
        let content_key = Zeroizing::new(random::bytes::<LONGEST_KEY>());
        let content_key = &content_key[..self.content.key_length()];
        let mut room = vec![0; self.key.ciphertext_size()];
        let wrapped = self.key.encrypt(self.algorithm, content_key, &mut room, None).map_err(failed)?;
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        // It is authenticated beside the content.
        let header = encode(header.to_string().as_bytes());
        let mut text = text.as_bytes().to_vec();
        let (iv, tag) = self.content.seal(content_key, header.as_bytes(), &mut text).map_err(failed)?;
        Ok([header, encode(wrapped), encode(&iv), encode(&text), encode(&tag)].join("."))
    }
}

impl Content {
    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "A128GCM" => Self::Gcm(&AES_128_GCM),
            "A192GCM" => Self::Gcm(&AES_192_GCM),
            "A256GCM" => Self::Gcm(&AES_256_GCM),
            "A128CBC-HS256" => Self::CbcMac(&AES_128, HMAC_SHA256, 16),
            "A192CBC-HS384" => Self::CbcMac(&AES_192, HMAC_SHA384, 24),
            "A256CBC-HS512" => Self::CbcMac(&AES_256, HMAC_SHA512, 32),
            _ => return None,
        })
    }

    fn key_length(self) -> usize {
        match self {
            Self::Gcm(algorithm) => algorithm.key_len(),
            Self::CbcMac(_, _, half) => 2 * half,
        }
    }

    /// Encrypts in place; gives the initialisation vector and the authentication tag.
    fn seal(
        self,
        key: &[u8],
        authenticated: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(Vec<u8>, Vec<u8>), aws_lc_rs::error::Unspecified> {
        match self {
            Self::Gcm(algorithm) => {
                // The key is used this once, so no nonce can come twice.
                let nonce = random::bytes::<NONCE_LEN>();
                let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
                let unique = Nonce::assume_unique_for_key(nonce);
                let tag = key.seal_in_place_separate_tag(unique, Aad::from(authenticated), text)?;
                Ok((nonce.to_vec(), tag.as_ref().to_vec()))
            }
            // RFC 7518 section 5.2.2.1: the first half of the key is that of the MAC.
            Self::CbcMac(algorithm, mac, half) => {
                let (mac_key, key) = key.split_at(half);
                let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(algorithm, key)?)?;
                let DecryptionContext::Iv128(iv) = key.encrypt(text)? else {
                    return Err(aws_lc_rs::error::Unspecified);
                };
                let mut context = hmac::Context::with_key(&hmac::Key::new(mac, mac_key));
                let bits = 8 * authenticated.len() as u64;
                for part in [authenticated, iv.as_ref(), text, &bits.to_be_bytes()] {
                    context.update(part);
                }
                Ok((iv.as_ref().to_vec(), context.sign().as_ref()[..half].to_vec()))
            }
        }
    }
}

/// The first RSA key of a key set that is for encryption with the algorithm, or says nothing of either; and its id.
fn encryption_key(key_set: &str, algorithm: &str) -> Option<(Option<String>, OaepPublicEncryptingKey)> {
    let Object(set): Object<KeySet> = serde_json::from_str(key_set).ok()?;
    let readable = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Object<Jwk>>(key).ok());
    let mut keys: Vec<Jwk> = readable.map(|Object(key)| key).collect();
    keys.retain(|key| {
        key.kty == "RSA"
            && key.r#use.as_deref().is_none_or(|purpose| purpose == "enc")
            && key.alg.as_deref().is_none_or(|only| only == algorithm)
    });
    keys.sort_by_key(|key| key.r#use.is_none());
    keys.into_iter().find_map(|key| {
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let numbers = RsaPublicKeyComponents { n: decoded(&key.n)?, e: decoded(&key.e)? };
        let info = numbers.as_der().ok()?;
        let public = PublicEncryptingKey::from_der(info.as_ref()).ok()?;
        Some((key.kid, OaepPublicEncryptingKey::new(public).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        cipher::PaddedBlockDecryptingKey,
        encoding::Pkcs8V1Der,
        rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey},
        signature::{KeyPair as _, RsaKeyPair},
    };

    const ALGORITHM: &str = ID_TOKEN[0];
    const CONTENT: &str = ID_TOKEN[1];

    struct Recipient(PrivateDecryptingKey);

    impl Recipient {
        fn new() -> Self {
            Self(PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap())
        }

        fn jwk(&self) -> Value {
            let pkcs8: Pkcs8V1Der<'_> = self.0.as_der().unwrap();
            let pair = RsaKeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
            let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let public = pair.public_key();
            json!({"kty": "RSA", "use": "enc", "kid": "one",
                "n": number(public.modulus().big_endian_without_leading_zero()),
                "e": number(public.exponent().big_endian_without_leading_zero())})
        }

        /// RFC 7516 section 5.2, for what these tests encrypt.
        fn decrypt(&self, jwe: &str, algorithm: &'static OaepAlgorithm, content: Content) -> Option<String> {
            let parts: Vec<&str> = jwe.split('.').collect();
            let [header, wrapped, iv, text, tag] = parts.as_slice() else { return None };
            let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
            let private = OaepPrivateDecryptingKey::new(self.0.clone()).unwrap();
            let mut room = vec![0; private.min_output_size()];
            let key = private.decrypt(algorithm, &decode(wrapped), &mut room, None).ok()?;
            let (iv, mut text, tag) = (decode(iv), decode(text), decode(tag));
            let opened = match content {
                Content::Gcm(algorithm) => {
                    text.extend(tag);
                    let nonce = aead::Nonce::try_assume_unique_for_key(&iv).unwrap();
                    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
                    key.open_in_place(nonce, Aad::from(header.as_bytes()), &mut text).ok()?.to_vec()
                }
                Content::CbcMac(algorithm, mac, half) => {
                    let (mac_key, key) = key.split_at(half);
                    let bits = 8 * header.len() as u64;
                    let message = [header.as_bytes(), &iv, &text, &bits.to_be_bytes()].concat();
                    let expected = hmac::sign(&hmac::Key::new(mac, mac_key), &message);
                    (expected.as_ref()[..half] == tag).then_some(())?;
                    let key = UnboundCipherKey::new(algorithm, key).unwrap();
                    let iv: [u8; 16] = iv.try_into().unwrap();
                    let context = DecryptionContext::Iv128(iv.into());
                    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
                    key.decrypt(&mut text, context).ok()?.to_vec()
                }
            };
            String::from_utf8(opened).ok()
        }
    }

    fn client(attributes: &[(&str, &str)], keys: Value) -> Client {
        let mut client = Client::default();
        let given = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        client.attributes.extend(given);
        client.attributes.insert(USE_KEY_SET.to_owned(), "true".to_owned());
        client.attributes.insert(KEY_SET.to_owned(), json!({ "keys": keys }).to_string());
        client
    }

    #[test]
    fn only_the_recipient_reads_it_and_only_as_it_is() {
        let (recipient, stranger) = (Recipient::new(), Recipient::new());
        for (name, algorithm) in
            [("RSA-OAEP", &OAEP_SHA1_MGF1SHA1), ("RSA-OAEP-256", &OAEP_SHA256_MGF1SHA256)]
        {
            for enc in ["A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"] {
                let client = client(&[(ALGORITHM, name), (CONTENT, enc)], json!([recipient.jwk()]));
                let encryption = Encryption::of_id_tokens(&client).unwrap().unwrap();
                let jwe = encryption.encrypt_jwt("header.claims.signature").unwrap();
                let content = Content::of_name(enc).unwrap();
                let read = recipient.decrypt(&jwe, algorithm, content);
                assert_eq!(read.as_deref(), Some("header.claims.signature"), "{name} {enc}");
                assert_eq!(stranger.decrypt(&jwe, algorithm, content), None);
                let (_, rest) = jwe.split_once('.').unwrap();
                let another = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
                assert_eq!(recipient.decrypt(&format!("{another}.{rest}"), algorithm, content), None);
                assert_ne!(encryption.encrypt_jwt("header.claims.signature").unwrap(), jwe);
            }
        }
    }

    #[test]
    fn the_header_says_how_and_for_which_key() {
        let client = client(&[(ALGORITHM, "RSA-OAEP")], json!([Recipient::new().jwk()]));
        let jwe = Encryption::of_id_tokens(&client).unwrap().unwrap().encrypt_jwt("").unwrap();
        let header = BASE64_URL_SAFE_NO_PAD.decode(jwe.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "cty": "JWT", "kid": "one"}));
    }

    #[test]
    fn what_cannot_be_encrypted_is_refused() {
        let key = Recipient::new().jwk();
        let with = |member: &str, value: Value| {
            let mut key = key.clone();
            key[member] = value;
            json!([key])
        };
        for (attributes, keys) in [
            (&[(ALGORITHM, "RSA1_5")][..], json!([key])),
            (&[(ALGORITHM, "RSA-OAEP"), (CONTENT, "A512GCM")], json!([key])),
            (&[(ALGORITHM, "RSA-OAEP")], json!([])),
            (&[(ALGORITHM, "RSA-OAEP")], with("use", json!("sig"))),
            (&[(ALGORITHM, "RSA-OAEP")], with("alg", json!("RSA-OAEP-256"))),
            (&[(ALGORITHM, "RSA-OAEP")], with("kty", json!("EC"))),
            (&[(ALGORITHM, "RSA-OAEP")], with("n", json!("AQAB"))),
        ] {
            let refused = Encryption::of_id_tokens(&client(attributes, keys.clone()));
            assert!(matches!(refused, Err(Error::Encryption(_))), "{attributes:?} {keys}");
        }
        assert!(Encryption::of_id_tokens(&client(&[], json!([key]))).unwrap().is_none());
    }
}
