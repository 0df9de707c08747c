//! ClientRepresentation.

use super::{ProtocolMapperRepresentation, Representation, lenient, settings, show_protocol_mapper};
use crate::{admin::error::Error, limits};
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{ClientMapping, ProtocolMapper},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Set by Keycloak on every client: whether it carries a realm's admin roles.
const REALM_CLIENT: &str = "realm_client";
/// Members that are only stored and shown.
const STORED: &[&str] = &[
    "surrogateAuthRequired",
    "alwaysDisplayInConsole",
    "consentRequired",
    "frontchannelLogout",
    "nodeReRegistrationTimeout",
    "authenticationFlowBindingOverrides",
    "registeredNodes",
    "authorizationServicesEnabled",
    "authorizationSettings",
    "type",
];

/// A client as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClientRepresentation {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) client_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) root_url: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) admin_url: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) base_url: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) enabled: Option<bool>,
    pub(crate) client_authenticator_type: Option<String>,
    #[serde(deserialize_with = "super::credential::secret")]
    pub(crate) secret: Option<SecretString>,
    pub(crate) redirect_uris: Option<Vec<String>>,
    pub(crate) web_origins: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) not_before: Option<i64>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) bearer_only: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) standard_flow_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) implicit_flow_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) direct_access_grants_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) service_accounts_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) public_client: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) full_scope_allowed: Option<bool>,
    pub(crate) protocol: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) attributes: Option<BTreeMap<String, Option<String>>>,
    pub(crate) default_client_scopes: Option<Vec<String>>,
    pub(crate) optional_client_scopes: Option<Vec<String>>,
    pub(crate) protocol_mappers: Option<Vec<ProtocolMapperRepresentation>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for ClientRepresentation {
    const NAME: &'static str = "ClientRepresentation";
    const MORE: &'static [&'static str] = &[
        "surrogateAuthRequired",
        "alwaysDisplayInConsole",
        "consentRequired",
        "frontchannelLogout",
        "nodeReRegistrationTimeout",
        "authenticationFlowBindingOverrides",
        "registeredNodes",
        "authorizationServicesEnabled",
        "authorizationSettings",
        "type",
        "access",
        "origin",
        "registrationAccessToken",
        "defaultRoles",
        "directGrantsOnly",
        "clientTemplate",
        "useTemplateConfig",
        "useTemplateScope",
        "useTemplateMappers",
    ];

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl ClientRepresentation {
    /// A client that is to be imported, with Keycloak's defaults for what the body leaves out. Without a `clientId` the id is its
    /// name.
    pub(crate) fn imported_client(&self, realm_id: &str, new_id: impl FnOnce() -> String) -> Client {
        let id = self.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let mut client = Client {
            client_id: id.clone(),
            id,
            realm_id: realm_id.to_owned(),
            enabled: true,
            standard_flow_enabled: true,
            client_authenticator_type: "client-secret".to_owned(),
            protocol: "openid-connect".to_owned(),
            attributes: BTreeMap::from([(REALM_CLIENT.to_owned(), "false".to_owned())]),
            settings_json: json!({ "nodeReRegistrationTimeout": -1 }).to_string(),
            ..Client::default()
        };
        self.apply(&mut client);
        if self.web_origins.is_none() {
            client.web_origins = origins(&client.redirect_uris);
        }
        client
    }

    /// A client that an administrator makes: as [`Self::imported_client`], with what Keycloak adds to one whose protocol is given.
    pub(crate) fn new_client(&self, realm_id: &str, new_id: impl FnOnce() -> String) -> Client {
        let mut client = self.imported_client(realm_id, new_id);
        if self.redirect_uris.is_none()
            && self.protocol.is_some()
            && let Some(root) = self.root_url.as_deref().filter(|root| !root.is_empty())
        {
            client.redirect_uris = vec![format!("{}/*", root.trim_end_matches('/'))];
            if self.web_origins.is_none() {
                client.web_origins = origins(&client.redirect_uris);
            }
        }
        if self.protocol.is_some() {
            client.direct_access_grants_enabled = self.direct_access_grants_enabled.unwrap_or(true);
            for (name, value) in [
                ("backchannel.logout.session.required", "true"),
                ("backchannel.logout.revoke.offline.tokens", "false"),
            ] {
                client.attributes.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        client
    }

    /// Puts what the body gives over a client. Attributes are merged: an empty or null one goes. The body's id is ignored.
    pub(crate) fn apply(&self, client: &mut Client) {
        for (member, given) in [
            (&mut client.name, &self.name),
            (&mut client.description, &self.description),
            (&mut client.root_url, &self.root_url),
            (&mut client.admin_url, &self.admin_url),
            (&mut client.base_url, &self.base_url),
            (&mut client.protocol, &self.protocol),
            (&mut client.client_authenticator_type, &self.client_authenticator_type),
        ] {
            if let Some(given) = given {
                member.clone_from(given);
            }
        }
        if let Some(client_id) = self.client_id.as_ref().filter(|client_id| !client_id.is_empty()) {
            client.client_id.clone_from(client_id);
        }
        for (member, given) in [
            (&mut client.enabled, self.enabled),
            (&mut client.public_client, self.public_client),
            (&mut client.bearer_only, self.bearer_only),
            (&mut client.service_accounts_enabled, self.service_accounts_enabled),
            (&mut client.standard_flow_enabled, self.standard_flow_enabled),
            (&mut client.implicit_flow_enabled, self.implicit_flow_enabled),
            (&mut client.direct_access_grants_enabled, self.direct_access_grants_enabled),
        ] {
            *member = given.unwrap_or(*member);
        }
        client.not_before_s = self.not_before.unwrap_or(client.not_before_s);
        if let Some(redirect_uris) = &self.redirect_uris {
            client.redirect_uris.clone_from(redirect_uris);
        }
        if let Some(web_origins) = &self.web_origins {
            client.web_origins.clone_from(web_origins);
        }
        for (name, value) in self.attributes.iter().flatten() {
            match value.as_ref().filter(|value| !value.is_empty()) {
                Some(value) => client.attributes.insert(name.clone(), value.clone()),
                None => client.attributes.remove(name),
            };
        }
        settings::merge(&mut client.settings_json, &self.more, STORED);
    }

    /// What role-mapping holds for a new client. Without any list of scopes it gets the realm's; if one is given, the other is
    /// taken as empty.
    pub(crate) fn new_mapping(&self, client: &Client, new_id: impl Fn() -> String) -> ClientMapping {
        ClientMapping {
            realm_id: client.realm_id.clone(),
            id: client.id.clone(),
            client_id: client.client_id.clone(),
            full_scope_allowed: self.full_scope_allowed.unwrap_or(true),
            default_client_scopes: self.default_client_scopes.clone().unwrap_or_default(),
            optional_client_scopes: self.optional_client_scopes.clone().unwrap_or_default(),
            protocol_mappers: self.mapper_messages(new_id).unwrap_or_default(),
            service_account_user_id: String::new(),
            realm_default_scopes: self.default_client_scopes.is_none()
                && self.optional_client_scopes.is_none(),
        }
    }

    /// The default and optional client scopes that the body gives, if it gives either list: then the other is taken as empty.
    pub(crate) fn scope_lists(&self) -> Option<(Vec<String>, Vec<String>)> {
        if self.default_client_scopes.is_none() && self.optional_client_scopes.is_none() {
            return None;
        }
        let given = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        Some((given(&self.default_client_scopes), given(&self.optional_client_scopes)))
    }

    /// The protocol mappers that the body gives, if it gives any list.
    pub(crate) fn mapper_messages(&self, new_id: impl Fn() -> String) -> Option<Vec<ProtocolMapper>> {
        let mappers = self.protocol_mappers.clone()?;
        Some(mappers.into_iter().map(|mapper| mapper.message(&new_id)).collect())
    }
}

/// Checks a client's URLs and protocol as Keycloak does, and its limits.
pub(crate) fn check_client(client: &Client) -> Result<(), Error> {
    let refuse = |text: String| Err(Error::InvalidClient(text));
    for (name, url) in [("Root", &client.root_url), ("Base", &client.base_url), ("Admin", &client.admin_url)]
    {
        if has_illegal_scheme(url) {
            return refuse(format!("{name} URL uses an illegal scheme"));
        }
        if url.contains('#') {
            return refuse(format!("{name} URL must not contain an URL fragment"));
        }
    }
    for uri in &client.redirect_uris {
        if has_illegal_scheme(uri) {
            return refuse("A redirect URI uses an illegal scheme".to_owned());
        }
        if uri.contains('#') {
            return refuse("A redirect URI must not contain an URL fragment".to_owned());
        }
    }
    limits::check(&client.attributes).map_err(Error::InvalidClient)?;
    match client.protocol.as_str() {
        "" | "openid-connect" | "saml" => Ok(()),
        other => refuse(format!("Invalid protocol: {other}")),
    }
}

fn has_illegal_scheme(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        ["javascript", "data", "vbscript"].iter().any(|illegal| scheme.trim().eq_ignore_ascii_case(illegal))
    })
}

/// The origins of absolute redirect URIs, each once.
fn origins(redirect_uris: &[String]) -> Vec<String> {
    let mut origins = Vec::new();
    for uri in redirect_uris {
        if let Some((scheme, rest)) = uri.split_once("://") {
            let host = rest.split(['/', '?', '*']).next().unwrap_or_default();
            let origin = format!("{scheme}://{host}");
            if !host.is_empty() && scheme.starts_with("http") && !origins.contains(&origin) {
                origins.push(origin);
            }
        }
    }
    origins
}

/// What the caller may do with a client.
#[derive(Clone, Copy)]
pub(crate) struct Access {
    pub(crate) manage: bool,
}

/// A client with what the other services hold for it.
pub(crate) struct ShownClient<'a> {
    pub(crate) client: &'a Client,
    pub(crate) mapping: &'a ClientMapping,
    /// Empty where there is none to show.
    pub(crate) secret: &'a str,
    pub(crate) access: Option<Access>,
}

/// As Keycloak shows it.
pub(crate) fn show_client(shown: &ShownClient<'_>) -> Value {
    let ShownClient { client, mapping, secret, access } = shown;
    let document = json!({
        "id": client.id,
        "clientId": client.client_id,
        "enabled": client.enabled,
        "surrogateAuthRequired": false,
        "alwaysDisplayInConsole": false,
        "clientAuthenticatorType": client.client_authenticator_type,
        "redirectUris": client.redirect_uris,
        "webOrigins": client.web_origins,
        "notBefore": client.not_before_s,
        "bearerOnly": client.bearer_only,
        "consentRequired": false,
        "standardFlowEnabled": client.standard_flow_enabled,
        "implicitFlowEnabled": client.implicit_flow_enabled,
        "directAccessGrantsEnabled": client.direct_access_grants_enabled,
        "serviceAccountsEnabled": client.service_accounts_enabled,
        "publicClient": client.public_client,
        "frontchannelLogout": false,
        "attributes": client.attributes,
        "authenticationFlowBindingOverrides": {},
        "fullScopeAllowed": mapping.full_scope_allowed,
        "nodeReRegistrationTimeout": 0,
        "defaultClientScopes": mapping.default_client_scopes,
        "optionalClientScopes": mapping.optional_client_scopes,
    });
    let Value::Object(mut document) = document else { return document };
    for (name, value) in [
        ("name", client.name.as_str()),
        ("description", &client.description),
        ("rootUrl", &client.root_url),
        ("baseUrl", &client.base_url),
        ("adminUrl", &client.admin_url),
        ("protocol", &client.protocol),
        ("secret", secret),
    ] {
        if !value.is_empty() {
            document.insert(name.to_owned(), Value::from(value));
        }
    }
    if !mapping.protocol_mappers.is_empty() {
        let mappers = mapping.protocol_mappers.iter().map(show_protocol_mapper).collect();
        document.insert("protocolMappers".to_owned(), mappers);
    }
    if let Some(access) = access {
        let access = json!({ "view": true, "configure": access.manage, "manage": access.manage });
        document.insert("access".to_owned(), access);
    }
    settings::show(&client.settings_json, &mut document);
    Value::Object(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: Value) -> ClientRepresentation {
        super::super::parse(document.to_string().as_bytes()).unwrap()
    }

    fn made(document: Value) -> (Client, ClientMapping) {
        let representation = read(document);
        let client = representation.new_client("r", || "id".to_owned());
        let mapping = representation.new_mapping(&client, || "m".to_owned());
        (client, mapping)
    }

    #[test]
    fn a_new_client_has_keycloaks_defaults() {
        let (client, mapping) = made(json!({ "clientId": "sa", "serviceAccountsEnabled": true }));
        let shown =
            show_client(&ShownClient { client: &client, mapping: &mapping, secret: "s", access: None });
        for (name, value) in [
            ("standardFlowEnabled", json!(true)),
            ("fullScopeAllowed", json!(true)),
            ("nodeReRegistrationTimeout", json!(-1)),
            ("attributes", json!({ "realm_client": "false" })),
            ("protocol", json!("openid-connect")),
            ("secret", json!("s")),
        ] {
            assert_eq!(shown[name], value, "{name}");
        }
        assert!(shown.get("name").is_none() && shown.get("protocolMappers").is_none());
        assert!(mapping.realm_default_scopes);
        assert_eq!(made(json!({})).0.client_id, "id");
    }

    #[test]
    fn one_given_list_of_scopes_empties_the_other() {
        let (_, mapping) = made(json!({ "defaultClientScopes": ["basic"] }));
        assert!(!mapping.realm_default_scopes);
        assert_eq!(mapping.default_client_scopes, ["basic"]);
        assert!(mapping.optional_client_scopes.is_empty());
        assert!(made(json!({ "defaultClientScopes": null })).1.realm_default_scopes);
    }

    #[test]
    fn an_update_merges_attributes_and_leaves_the_rest() {
        let (mut client, _) = made(json!({
            "clientId": "c", "name": "before", "attributes": { "a": "1", "b": "2" },
            "redirectUris": ["https://x.example/*"], "consentRequired": true,
        }));
        assert_eq!(client.web_origins, ["https://x.example"]);
        let update = json!({ "attributes": { "a": "", "b": null, "c": 4 }, "name": null, "redirectUris": [], "id": "z" });
        read(update).apply(&mut client);
        let attributes = BTreeMap::from([("c", "4"), (REALM_CLIENT, "false")]);
        assert!(client.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(attributes));
        assert_eq!((client.name.as_str(), client.id.as_str()), ("before", "id"));
        assert!(client.redirect_uris.is_empty());
        assert!(client.settings_json.contains("\"consentRequired\":true"));
    }

    #[test]
    fn what_was_shown_can_be_put_back() {
        let (client, mapping) = made(
            json!({ "clientId": "c", "frontchannelLogout": true, "protocolMappers": [
            { "name": "m", "protocolMapper": "oidc-audience-mapper", "config": { "access.token.claim": "true" } },
        ] }),
        );
        let access = Some(Access { manage: true });
        let shown = show_client(&ShownClient { client: &client, mapping: &mapping, secret: "s", access });
        let mut again = client.clone();
        let representation = read(shown);
        representation.apply(&mut again);
        let (settings, stored) =
            (settings::read(&again.settings_json), settings::read(&client.settings_json));
        assert!(stored.iter().all(|(name, value)| settings.get(name) == Some(value)));
        again.settings_json.clone_from(&client.settings_json);
        assert_eq!(again, client);
        assert_eq!(representation.mapper_messages(String::new), Some(mapping.protocol_mappers));
    }

    #[test]
    fn urls_that_run_code_or_name_a_fragment_are_refused() {
        for (document, text) in [
            (json!({ "rootUrl": "javascript:alert(1)" }), "Root URL uses an illegal scheme"),
            (json!({ "redirectUris": ["https://a/#f"] }), "A redirect URI must not contain an URL fragment"),
            (json!({ "redirectUris": ["JavaScript:x"] }), "A redirect URI uses an illegal scheme"),
            (json!({ "protocol": "telnet" }), "Invalid protocol: telnet"),
        ] {
            assert_eq!(check_client(&made(document).0).unwrap_err().to_string(), text);
        }
        assert!(check_client(&made(json!({ "redirectUris": ["https://a/*", "/b"] })).0).is_ok());
    }
}
