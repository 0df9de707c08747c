//! Keys that come with the settings of a provider which otherwise makes its own, as a realm's full export has them. They stay the
//! realm's keys after an import: what they have signed stays good.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use latchkey_api::issuer::v1::KeyProvider;
use latchkey_platform::random;
use zeroize::Zeroizing;

use super::key::MASK;
use super::settings::{Kind, PRIVATE_KEY, invalid, value};
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::key::material::{Material, Pkcs8};
use crate::key::rsa_pem;

pub(crate) const SECRET: &str = "secret";
pub(crate) const KID: &str = "kid";
pub(crate) const EC_PRIVATE_KEY: &str = "ecdsaPrivateKey";
pub(crate) const ED_PRIVATE_KEY: &str = "eddsaPrivateKey";

/// The shortest secret that is taken for an HMAC, in bytes: that of the smallest that is made.
const SHORTEST_SECRET: usize = 16;
/// The sizes of AES keys, in bytes.
const AES_SIZES: [usize; 3] = [16, 24, 32];
/// The longest id of a key that is kept, in bytes; Keycloak's are UUIDs and hashes.
const LONGEST_KID: usize = 255;

/// The RSA key (PKCS#8 or PKCS#1) that a provider of generated ones is given; none without one.
pub(crate) fn rsa(provider: &KeyProvider) -> Result<Option<Pkcs8>, Error> {
    let Some(text) = given(provider, PRIVATE_KEY) else { return Ok(None) };
    rsa_pem::private_key(text).map(Some).ok_or_else(undecodable)
}

/// The EC key (PKCS#8) that a provider is given; none without one.
pub(crate) fn ecdsa(provider: &KeyProvider, algorithm: Algorithm) -> Result<Option<Material>, Error> {
    let Some(der) = private_key(provider, EC_PRIVATE_KEY)? else { return Ok(None) };
    Material::ecdsa_of(algorithm, &der).map(Some).map_err(|_| undecodable())
}

/// The Ed25519 key (PKCS#8) that a provider is given; none without one.
pub(crate) fn ed25519(provider: &KeyProvider) -> Result<Option<Material>, Error> {
    let Some(der) = private_key(provider, ED_PRIVATE_KEY)? else { return Ok(None) };
    Material::ed25519_of(&der).map(Some).map_err(|_| undecodable())
}

/// The bytes (base64url) that a provider of symmetric keys is given, under their id; none without them.
pub(crate) fn symmetric(provider: &KeyProvider, kind: Kind) -> Result<Option<Material>, Error> {
    let Some(text) = given(provider, SECRET) else { return Ok(None) };
    let text = text.trim_end_matches('=');
    let decoded = URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text));
    let secret = Zeroizing::new(decoded.map_err(|_| invalid("Failed to decode secret"))?);
    let fits = match kind {
        Kind::AesGenerated => AES_SIZES.contains(&secret.len()),
        _ => secret.len() >= SHORTEST_SECRET,
    };
    if !fits {
        return Err(invalid("The secret has a size that is not supported"));
    }
    let kid = given(provider, KID).map_or_else(random::uuid, str::to_owned);
    if kid.len() > LONGEST_KID || kid.chars().any(char::is_control) {
        return Err(invalid("'kid' is not supported"));
    }
    Ok(Some(Material { kid, secret, public_key: None, certificate: None }))
}

/// A setting that holds more than the mask.
fn given<'a>(provider: &'a KeyProvider, name: &str) -> Option<&'a str> {
    value(provider, name).filter(|value| *value != MASK)
}

fn private_key(provider: &KeyProvider, name: &str) -> Result<Option<Pkcs8>, Error> {
    let Some(text) = given(provider, name) else { return Ok(None) };
    rsa_pem::decode(text).map(|der| Some(Zeroizing::new(der))).ok_or_else(undecodable)
}

fn undecodable() -> Error {
    invalid("Failed to decode private key")
}
