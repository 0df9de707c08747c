//! What a representation of a realm, or of a part of one, lists.

use crate::admin::{
    error::Error,
    representation::{
        ClientRepresentation, ClientScopeRepresentation, ComponentRepresentation,
        IdentityProviderRepresentation, KEY_PROVIDER_TYPE, RealmRepresentation, Representation,
        RoleRepresentation, UserRepresentation, parse_value,
    },
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Roles by where they belong.
#[derive(Default)]
pub(crate) struct Roles {
    pub(super) realm: Vec<RoleRepresentation>,
    /// By the client's `clientId`.
    pub(super) client: BTreeMap<String, Vec<RoleRepresentation>>,
}

/// Roles that a client or a client scope lets through.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScopeMapping {
    /// A `clientId`, or else the name of a client scope.
    pub(super) client: Option<String>,
    pub(super) client_scope: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
}

/// What the representation of a whole realm brings along beside the realm itself.
#[derive(Default)]
pub(crate) struct Contents {
    pub(super) client_scopes: Option<Vec<ClientScopeRepresentation>>,
    pub(super) default_client_scopes: Vec<String>,
    pub(super) optional_client_scopes: Vec<String>,
    pub(super) key_providers: Option<Vec<ComponentRepresentation>>,
    pub(super) clients: Vec<ClientRepresentation>,
    pub(super) identity_providers: Vec<IdentityProviderRepresentation>,
    pub(super) roles: Roles,
    /// Of realm roles.
    pub(super) scope_mappings: Vec<ScopeMapping>,
    /// Of client roles, by the `clientId` of the client whose roles they are.
    pub(super) client_scope_mappings: BTreeMap<String, Vec<ScopeMapping>>,
    pub(super) users: Vec<UserRepresentation>,
    /// The name of the role that every new account gets, where it is given.
    pub(crate) default_role: Option<String>,
}

impl Contents {
    /// Reads what the representation lists.
    ///
    /// # Errors
    /// [`Error::UnreadableRealm`], as Keycloak has it for whatever is wrong with the body of a new realm.
    pub(crate) fn read(representation: &RealmRepresentation) -> Result<Self, Error> {
        let given = |name: &str| representation.import(name);
        let key_providers = match given("components") {
            None => None,
            Some(components) => {
                let by_type = components.as_object().ok_or(Error::UnreadableRealm)?;
                by_type.get(KEY_PROVIDER_TYPE).map(|list| read_list(Some(list))).transpose()?
            }
        };
        let default_role = given("defaultRole").and_then(|role| role["name"].as_str());
        Ok(Self {
            client_scopes: given("clientScopes").map(|list| read_list(Some(list))).transpose()?,
            default_client_scopes: read_values(given("defaultDefaultClientScopes"))?,
            optional_client_scopes: read_values(given("defaultOptionalClientScopes"))?,
            key_providers: key_providers.filter(|providers: &Vec<_>| !providers.is_empty()),
            clients: read_list(given("clients"))?,
            identity_providers: read_list(given("identityProviders"))?,
            roles: Roles::read(given("roles"))?,
            scope_mappings: read_values(given("scopeMappings"))?,
            client_scope_mappings: read_values(given("clientScopeMappings"))?,
            users: read_list(given("users"))?,
            default_role: default_role.filter(|name| !name.is_empty()).map(str::to_owned),
        })
    }

    /// Whether nothing is to be made beside what every realm begins with.
    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty()
            && self.roles.is_empty()
            && self.scope_mappings.is_empty()
            && self.client_scope_mappings.is_empty()
            && self.users.is_empty()
    }
}

impl Roles {
    /// Reads the member `roles` of a representation.
    pub(super) fn read(document: Option<&Value>) -> Result<Self, Error> {
        let Some(document) = document else { return Ok(Self::default()) };
        let members = document.as_object().ok_or(Error::UnreadableRealm)?;
        let mut client = BTreeMap::new();
        if let Some(by_client) = members.get("client").filter(|list| !list.is_null()) {
            for (client_id, list) in by_client.as_object().ok_or(Error::UnreadableRealm)? {
                client.insert(client_id.clone(), read_list(Some(list))?);
            }
        }
        Ok(Self { realm: read_list(members.get("realm"))?, client })
    }

    fn is_empty(&self) -> bool {
        self.realm.is_empty() && self.client.is_empty()
    }
}

/// A list of representations; none is an empty one.
pub(super) fn read_list<T: Representation>(list: Option<&Value>) -> Result<Vec<T>, Error> {
    let Some(list) = list.filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let items = list.as_array().ok_or(Error::UnreadableRealm)?;
    let read = |item: &Value| parse_value(item.clone(), b"").map_err(|_| Error::UnreadableRealm);
    items.iter().map(read).collect()
}

/// Plain values; none is an empty collection.
fn read_values<T: Default + for<'de> Deserialize<'de>>(document: Option<&Value>) -> Result<T, Error> {
    match document {
        None => Ok(T::default()),
        Some(document) => T::deserialize(document).map_err(|_| Error::UnreadableRealm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(document: Value) -> Result<Contents, Error> {
        Contents::read(&parse_value(document, b"").unwrap())
    }

    #[test]
    fn what_is_given_is_told_from_what_is_not() {
        let nothing = read(json!({"realm": "r", "clients": null, "roles": {}, "components": {}})).unwrap();
        assert!(nothing.is_empty() && nothing.client_scopes.is_none() && nothing.key_providers.is_none());
        let scopes = read(json!({"realm": "r", "clientScopes": []})).unwrap();
        assert!(scopes.client_scopes.is_some_and(|given| given.is_empty()), "no scope is a choice too");
        let named = read(json!({"realm": "r", "defaultRole": {"name": "all"}})).unwrap();
        assert_eq!(named.default_role.as_deref(), Some("all"));
    }

    #[test]
    fn another_shape_is_unreadable() {
        for (member, value) in [
            ("clients", json!({})),
            ("clients", json!([1])),
            ("clients", json!([{"nonsense": 1}])),
            ("clientScopes", json!("all")),
            ("defaultDefaultClientScopes", json!([1])),
            ("roles", json!([])),
            ("roles", json!({"realm": {}})),
            ("roles", json!({"client": []})),
            ("roles", json!({"client": {"c": [null]}})),
            ("users", json!([{"username": []}])),
            ("scopeMappings", json!([{"roles": "all"}])),
            ("clientScopeMappings", json!([])),
            ("components", json!([])),
            ("components", json!({KEY_PROVIDER_TYPE: {}})),
        ] {
            let read = read(json!({"realm": "r", member: value}));
            assert!(matches!(read, Err(Error::UnreadableRealm)), "{member}: {value}");
        }
    }
}
