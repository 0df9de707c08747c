//! A key provider's settings, read and checked with Keycloak's words.

use aws_lc_rs::rsa::KeySize;
use latchkey_api::issuer::v1::KeyProvider;

use crate::algorithm::Algorithm;
use crate::error::Error;

pub(crate) const PRIORITY: &str = "priority";
pub(crate) const ACTIVE: &str = "active";
pub(crate) const ALGORITHM: &str = "algorithm";
pub(crate) const PRIVATE_KEY: &str = "privateKey";
pub(crate) const CERTIFICATE: &str = "certificate";
pub(crate) const EC_CURVE: &str = "ecdsaEllipticCurveKey";
pub(crate) const ED_CURVE: &str = "eddsaEllipticCurveKey";

const RSA_SIGNATURES: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const RSA_ENCRYPTIONS: [&str; 3] = ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"];
const HMACS: [&str; 3] = ["HS256", "HS384", "HS512"];
const KEY_SIZES: [&str; 4] = ["1024", "2048", "3072", "4096"];
const HMAC_SIZES: [&str; 7] = ["16", "24", "32", "64", "128", "256", "512"];
const AES_SIZES: [&str; 3] = ["16", "24", "32"];

/// Which kind of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    RsaGenerated,
    RsaEncGenerated,
    EcdsaGenerated,
    EddsaGenerated,
    HmacGenerated,
    AesGenerated,
    Rsa,
    RsaEnc,
}

const KINDS: [(&str, Kind); 8] = [
    ("rsa-generated", Kind::RsaGenerated),
    ("rsa-enc-generated", Kind::RsaEncGenerated),
    ("ecdsa-generated", Kind::EcdsaGenerated),
    ("eddsa-generated", Kind::EddsaGenerated),
    ("hmac-generated", Kind::HmacGenerated),
    ("aes-generated", Kind::AesGenerated),
    ("rsa", Kind::Rsa),
    ("rsa-enc", Kind::RsaEnc),
];

impl Kind {
    /// Keycloak's `providerId`.
    pub(crate) fn id(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map(|(id, _)| *id).expect("all have an id")
    }

    pub(crate) fn from_id(id: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == id).map(|(_, kind)| *kind)
    }

    pub(crate) fn key_type(self) -> &'static str {
        match self {
            Self::RsaGenerated | Self::RsaEncGenerated | Self::Rsa | Self::RsaEnc => "RSA",
            Self::EcdsaGenerated => "EC",
            Self::EddsaGenerated => "OKP",
            Self::HmacGenerated | Self::AesGenerated => "OCT",
        }
    }

    pub(crate) fn encrypts(self) -> bool {
        matches!(self, Self::RsaEncGenerated | Self::RsaEnc | Self::AesGenerated)
    }
}

/// Which key a provider has. With another form it needs another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Rsa(KeySize),
    UploadedRsa,
    Ec(Algorithm),
    Ed25519,
    /// Bytes.
    Symmetric(usize),
}

/// The settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) kind: Kind,
    pub(crate) priority: i64,
    pub(crate) enabled: bool,
    pub(crate) active: bool,
    pub(crate) algorithm: &'static str,
    pub(crate) form: Form,
}

impl Settings {
    /// Reads and checks a provider's settings.
    ///
    /// # Errors
    /// [`Error::KeyProviderUnknown`], [`Error::KeyProviderInvalid`].
    pub(crate) fn read(provider: &KeyProvider) -> Result<Self, Error> {
        let kind = Kind::from_id(&provider.provider_id)
            .ok_or_else(|| Error::KeyProviderUnknown(provider.provider_id.clone()))?;
        let priority = match value(provider, PRIORITY) {
            None => 0,
            Some(number) => number.parse().map_err(|_| invalid("'Priority' should be a number"))?,
        };
        let (algorithm, form) = match kind {
            Kind::RsaGenerated => (algorithm(provider, &RSA_SIGNATURES)?, rsa_form(provider)?),
            Kind::RsaEncGenerated => (algorithm(provider, &RSA_ENCRYPTIONS)?, rsa_form(provider)?),
            Kind::Rsa => (algorithm(provider, &RSA_SIGNATURES)?, Form::UploadedRsa),
            Kind::RsaEnc => (algorithm(provider, &RSA_ENCRYPTIONS)?, Form::UploadedRsa),
            Kind::EcdsaGenerated => {
                let curve = value(provider, EC_CURVE).unwrap_or("P-256");
                let algorithm = Algorithm::of_curve(curve)
                    .ok_or_else(|| invalid("'Elliptic Curve' should be P-256, P-384 or P-521"))?;
                (algorithm.name(), Form::Ec(algorithm))
            }
            Kind::EddsaGenerated => {
                one_of(provider, ED_CURVE, "Elliptic Curve", &["Ed25519"], "Ed25519")?;
                (Algorithm::EdDsa.name(), Form::Ed25519)
            }
            Kind::HmacGenerated => {
                let algorithm = one_of(provider, ALGORITHM, "Algorithm", &HMACS, "HS512")?;
                (algorithm, symmetric(provider, &HMAC_SIZES, "128")?)
            }
            Kind::AesGenerated => ("AES", symmetric(provider, &AES_SIZES, "16")?),
        };
        Ok(Self {
            kind,
            priority,
            enabled: switch(provider, "enabled", "Enabled")?,
            active: switch(provider, ACTIVE, "Active")?,
            algorithm,
            form,
        })
    }
}

/// The only value of a setting; empty is as if it were not there.
pub(crate) fn value<'a>(provider: &'a KeyProvider, name: &str) -> Option<&'a str> {
    provider.config.get(name)?.values.first().map(|value| value.trim()).filter(|value| !value.is_empty())
}

pub(crate) fn invalid(message: &str) -> Error {
    Error::KeyProviderInvalid(message.to_owned())
}

fn algorithm(provider: &KeyProvider, known: &[&'static str]) -> Result<&'static str, Error> {
    one_of(provider, ALGORITHM, "Algorithm", known, known[0])
}

fn rsa_form(provider: &KeyProvider) -> Result<Form, Error> {
    Ok(Form::Rsa(match one_of(provider, "keySize", "Key size", &KEY_SIZES, "2048")? {
        "2048" => KeySize::Rsa2048,
        "3072" => KeySize::Rsa3072,
        "4096" => KeySize::Rsa4096,
        // Keycloak makes such keys still; NIST SP 800-131A has disallowed them since 2014.
        _ => return Err(invalid("'Key size' should be 2048, 3072 or 4096")),
    }))
}

fn symmetric(provider: &KeyProvider, sizes: &[&'static str], default: &'static str) -> Result<Form, Error> {
    let size = one_of(provider, "secretSize", "Secret size", sizes, default)?;
    size.parse().map(Form::Symmetric).map_err(|_| invalid("'Secret size' should be a number"))
}

fn switch(provider: &KeyProvider, name: &str, label: &str) -> Result<bool, Error> {
    match value(provider, name) {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(invalid(&format!("'{label}' should be 'true' or 'false'"))),
    }
}

fn one_of(
    provider: &KeyProvider,
    name: &str,
    label: &str,
    known: &[&'static str],
    default: &'static str,
) -> Result<&'static str, Error> {
    let given = value(provider, name).unwrap_or(default);
    known.iter().find(|known| **known == given).copied().ok_or_else(|| {
        let choice = match known {
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
            [] => String::new(),
        };
        invalid(&format!("'{label}' should be {choice}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::provider;

    fn read(kind: Kind, config: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(&provider("r", "p", kind, config)).map_err(|error| error.to_string())
    }

    #[test]
    fn mistakes_have_the_words_of_keycloak() {
        for (kind, name, given, message) in [
            (Kind::RsaGenerated, "keySize", "1000", "'Key size' should be 1024, 2048, 3072 or 4096"),
            (Kind::RsaGenerated, "priority", "high", "'Priority' should be a number"),
            (Kind::EcdsaGenerated, EC_CURVE, "P-1", "'Elliptic Curve' should be P-256, P-384 or P-521"),
            (Kind::HmacGenerated, "algorithm", "RS256", "'Algorithm' should be HS256, HS384 or HS512"),
            (Kind::AesGenerated, "enabled", "yes", "'Enabled' should be 'true' or 'false'"),
            (Kind::RsaGenerated, "keySize", "1024", "'Key size' should be 2048, 3072 or 4096"),
        ] {
            assert_eq!(read(kind, &[(name, given)]).unwrap_err(), message);
        }
        let unknown = KeyProvider { provider_id: "zz".into(), ..KeyProvider::default() };
        assert!(matches!(Settings::read(&unknown), Err(Error::KeyProviderUnknown(id)) if id == "zz"));
    }

    #[test]
    fn each_kind_has_a_default_algorithm() {
        for (kind, algorithm) in [
            (Kind::RsaGenerated, "RS256"),
            (Kind::RsaEncGenerated, "RSA-OAEP"),
            (Kind::EcdsaGenerated, "ES256"),
            (Kind::EddsaGenerated, "EdDSA"),
            (Kind::HmacGenerated, "HS512"),
            (Kind::AesGenerated, "AES"),
            (Kind::Rsa, "RS256"),
            (Kind::RsaEnc, "RSA-OAEP"),
        ] {
            let settings = read(kind, &[]).unwrap();
            assert_eq!(settings.algorithm, algorithm);
            assert!(settings.enabled && settings.active && settings.priority == 0);
        }
    }
}
