//! ClientScopeRepresentation.

use super::{ProtocolMapperRepresentation, Representation, lenient, show_protocol_mapper};
use latchkey_api::roles::v1::ClientScope;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A client scope as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClientScopeRepresentation {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) description: Option<String>,
    pub(crate) protocol: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) attributes: Option<BTreeMap<String, Option<String>>>,
    pub(crate) protocol_mappers: Option<Vec<ProtocolMapperRepresentation>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for ClientScopeRepresentation {
    const NAME: &'static str = "ClientScopeRepresentation";
    const STRICT: bool = false;

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl ClientScopeRepresentation {
    /// Puts what the body gives over a client scope; attributes are merged, its mappers are left alone.
    pub(crate) fn apply(&self, scope: &mut ClientScope) {
        if let Some(name) = &self.name {
            scope.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            scope.description.clone_from(description);
        }
        if let Some(protocol) = &self.protocol {
            scope.protocol.clone_from(protocol);
        }
        for (name, value) in self.attributes.iter().flatten() {
            match value {
                Some(value) => scope.attributes.insert(name.clone(), value.clone()),
                None => scope.attributes.remove(name),
            };
        }
    }
}

/// As Keycloak shows it: without `protocolMappers` where there are none.
pub(crate) fn show_client_scope(scope: &ClientScope) -> Value {
    let mut shown = json!({
        "id": scope.id,
        "name": scope.name,
        "protocol": scope.protocol,
        "attributes": scope.attributes,
    });
    if !scope.description.is_empty() {
        shown["description"] = Value::from(scope.description.as_str());
    }
    if !scope.protocol_mappers.is_empty() {
        shown["protocolMappers"] = scope.protocol_mappers.iter().map(show_protocol_mapper).collect();
    }
    shown
}
