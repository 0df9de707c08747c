//! ComponentRepresentation. Key providers are the components that Latchkey has.

use super::{Representation, lenient};
use latchkey_api::issuer::v1::{KeyProvider, StringList};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The type of key providers.
pub(crate) const KEY_PROVIDER_TYPE: &str = "org.keycloak.keys.KeyProvider";

/// A component as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ComponentRepresentation {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    pub(crate) provider_id: Option<String>,
    pub(crate) provider_type: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) sub_type: Option<String>,
    #[serde(deserialize_with = "lenient::text_lists")]
    pub(crate) config: Option<BTreeMap<String, Vec<String>>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for ComponentRepresentation {
    const NAME: &'static str = "ComponentRepresentation";
    const MORE: &'static [&'static str] = &["subComponents"];

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl ComponentRepresentation {
    /// Puts what the body gives over a key provider. A `config` replaces, but `priority` stays if it is left out.
    pub(crate) fn apply(&self, provider: &mut KeyProvider) {
        let set = |member: &mut String, given: &Option<String>| {
            if let Some(given) = given {
                member.clone_from(given);
            }
        };
        set(&mut provider.name, &self.name);
        set(&mut provider.provider_id, &self.provider_id);
        set(&mut provider.parent_id, &self.parent_id);
        set(&mut provider.sub_type, &self.sub_type);
        if let Some(config) = &self.config {
            let priority = provider.config.remove("priority");
            let lists = config.iter().filter(|(_, values)| !values.is_empty());
            provider.config =
                lists.map(|(name, values)| (name.clone(), StringList { values: values.clone() })).collect();
            if let Some(priority) = priority {
                provider.config.entry("priority".to_owned()).or_insert(priority);
            }
        }
    }
}

/// As Keycloak shows it.
pub(crate) fn show_key_provider(provider: &KeyProvider) -> Value {
    let config: Map<String, Value> =
        provider.config.iter().map(|(name, list)| (name.clone(), Value::from(list.values.clone()))).collect();
    let mut shown = json!({
        "id": provider.id,
        "name": provider.name,
        "providerId": provider.provider_id,
        "providerType": KEY_PROVIDER_TYPE,
        "parentId": if provider.parent_id.is_empty() { &provider.realm_id } else { &provider.parent_id },
        "config": config,
    });
    if !provider.sub_type.is_empty() {
        shown["subType"] = Value::from(provider.sub_type.as_str());
    }
    shown
}
