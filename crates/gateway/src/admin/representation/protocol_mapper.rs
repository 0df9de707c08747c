//! ProtocolMapperRepresentation.

use super::{Representation, lenient};
use latchkey_api::roles::v1::ProtocolMapper;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A protocol mapper as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProtocolMapperRepresentation {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) protocol_mapper: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) config: Option<BTreeMap<String, Option<String>>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for ProtocolMapperRepresentation {
    const NAME: &'static str = "ProtocolMapperRepresentation";
    const MORE: &'static [&'static str] = &["consentRequired", "consentText"];

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl ProtocolMapperRepresentation {
    /// The message; `id` names it where the body gives none.
    pub(crate) fn message(self, id: impl FnOnce() -> String) -> ProtocolMapper {
        let config = self.config.unwrap_or_default();
        let mut config: BTreeMap<_, _> =
            config.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        // Keycloak adds it to what is stored: introspection shows what the access token shows.
        if let Some(access) = config.get("access.token.claim").cloned() {
            config.entry("introspection.token.claim".to_owned()).or_insert(access);
        }
        ProtocolMapper {
            id: self.id.filter(|id| !id.is_empty()).unwrap_or_else(id),
            name: self.name.unwrap_or_default(),
            protocol: self.protocol.unwrap_or_else(|| "openid-connect".to_owned()),
            protocol_mapper: self.protocol_mapper.unwrap_or_default(),
            config,
        }
    }
}

/// As Keycloak shows it.
pub(crate) fn show_protocol_mapper(mapper: &ProtocolMapper) -> Value {
    json!({
        "id": mapper.id,
        "name": mapper.name,
        "protocol": mapper.protocol,
        "protocolMapper": mapper.protocol_mapper,
        "consentRequired": false,
        "config": mapper.config,
    })
}
