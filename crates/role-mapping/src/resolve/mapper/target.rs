//! Where and as what a mapper with a configurable claim writes.

use serde_json::Value;

use super::super::claim_path::ClaimPath;
use super::super::claims::Claims;
use super::super::json_type::JsonType;
use super::MapperConfig;

/// `claim.name`, `jsonType.label` and `multivalued`.
#[derive(Debug)]
pub(crate) struct Target {
    path: ClaimPath,
    json_type: JsonType,
    multivalued: bool,
}

impl Target {
    /// `None` without a claim name.
    pub(crate) fn read(config: &MapperConfig<'_>) -> Option<Self> {
        Some(Self {
            path: ClaimPath::parse(config.get("claim.name")?)?,
            json_type: JsonType::parse(config.get("jsonType.label")),
            multivalued: config.flag("multivalued"),
        })
    }

    /// Writes one value.
    pub(crate) fn write(&self, text: &str, claims: &mut Claims<'_>) {
        if let Some(value) = self.json_type.convert(text) {
            claims.set(&self.path, value);
        }
    }

    /// Writes all values as a list, or the first where one is wanted; nothing where there is none.
    pub(crate) fn write_all(&self, values: &[&str], claims: &mut Claims<'_>) {
        match values.first() {
            None => {}
            Some(first) if !self.multivalued => self.write(first, claims),
            Some(_) => {
                let list: Vec<Value> =
                    values.iter().filter_map(|text| self.json_type.convert(text)).collect();
                claims.set(&self.path, Value::Array(list));
            }
        }
    }

    /// Writes the value of a session note.
    pub(crate) fn write_note(&self, note: &str, claims: &mut Claims<'_>) {
        claims.set_note(&self.path, note, self.json_type);
    }

    /// Writes names of roles (of a client, where one is given). Without `multivalued` they are one text, as Keycloak's.
    pub(crate) fn write_roles<'r>(
        &self,
        prefix: &str,
        client_id: Option<&str>,
        roles: impl Iterator<Item = &'r String>,
        claims: &mut Claims<'_>,
    ) {
        let names: Vec<String> = roles.map(|name| format!("{prefix}{name}")).collect();
        if names.is_empty() {
            return;
        }
        let value = if self.multivalued {
            Value::from(names)
        } else {
            Value::from(format!("[{}]", names.join(", ")))
        };
        match client_id {
            Some(id) => claims.add_roles(&self.path.for_client(id), client_id, value),
            None => claims.add_roles(&self.path, None, value),
        }
    }
}
