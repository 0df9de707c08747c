//! RoleRepresentation.

use super::{Representation, lenient};
use latchkey_api::roles::v1::{Role, StringList};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A role as a body gives it: to be made or changed, or to name one in a mapping.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoleRepresentation {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) description: Option<String>,
    #[serde(deserialize_with = "lenient::text_lists")]
    pub(crate) attributes: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) composites: Option<Composites>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// The roles that a new composite role contains, by name.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Composites {
    /// Realm roles.
    pub(crate) realm: Option<Vec<String>>,
    /// Client roles by the client's `clientId`.
    pub(crate) client: Option<BTreeMap<String, Vec<String>>>,
}

impl Representation for RoleRepresentation {
    const NAME: &'static str = "RoleRepresentation";
    const MORE: &'static [&'static str] =
        &["composite", "clientRole", "containerId", "scopeParamRequired", "client"];

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl RoleRepresentation {
    /// The attributes as the message has them.
    pub(crate) fn attribute_lists(&self) -> BTreeMap<String, StringList> {
        let attributes = self.attributes.clone().unwrap_or_default();
        attributes.into_iter().map(|(name, values)| (name, StringList { values })).collect()
    }
}

/// As Keycloak shows it; brief ones are without attributes.
pub(crate) fn show_role(role: &Role, brief: bool) -> Value {
    let client_role = !role.client_uuid.is_empty();
    let mut shown = json!({
        "id": role.id,
        "name": role.name,
        "composite": role.composite,
        "clientRole": client_role,
        "containerId": if client_role { &role.client_uuid } else { &role.realm_id },
    });
    if !role.description.is_empty() {
        shown["description"] = Value::from(role.description.as_str());
    }
    if !brief {
        shown["attributes"] = role
            .attributes
            .iter()
            .map(|(name, list)| (name.clone(), Value::from(list.values.clone())))
            .collect();
    }
    shown
}
