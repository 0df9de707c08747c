//! CredentialRepresentation.

use super::{Representation, lenient};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A password as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CredentialRepresentation {
    pub(crate) r#type: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) value: Option<SecretString>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) temporary: Option<bool>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for CredentialRepresentation {
    const NAME: &'static str = "CredentialRepresentation";
    const MORE: &'static [&'static str] = &[
        "id",
        "userLabel",
        "createdDate",
        "secretData",
        "credentialData",
        "priority",
        "device",
        "hashedSaltedValue",
        "salt",
        "hashIterations",
        "counter",
        "algorithm",
        "digits",
        "period",
        "config",
        "federationLink",
    ];

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

/// Text that never shows.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(lenient::text(deserializer)?.map(SecretString::from))
}
