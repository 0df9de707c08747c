//! RealmRepresentation and RealmEventsConfigRepresentation.

use super::{Representation, event_types::all_event_types, lenient, settings, show_role};
use latchkey_api::{registry::v1::Realm, roles::v1::Role};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

/// The setting that remembers the name of the default role: it stays when the realm is renamed.
const DEFAULT_ROLE: &str = "defaultRole";
/// Lifespans that Keycloak also shows among the attributes, where they are set.
const SHOWN_TWICE: &[&str] = &[
    "clientSessionIdleTimeout",
    "clientSessionMaxLifespan",
    "clientOfflineSessionIdleTimeout",
    "clientOfflineSessionMaxLifespan",
];
/// Members that are shown but never stored, or that only an import gives.
const NOT_STORED: &[&str] = &[
    "defaultRole",
    "accessTokenLifespanMillis",
    "realmCacheEnabled",
    "userCacheEnabled",
    "keycloakVersion",
    "roles",
    "groups",
    "users",
    "federatedUsers",
    "clients",
    "clientScopes",
    "identityProviders",
    "identityProviderMappers",
    "defaultDefaultClientScopes",
    "defaultOptionalClientScopes",
    "scopeMappings",
    "clientScopeMappings",
    "components",
    "applications",
    "oauthClients",
    "applicationScopeMappings",
    "clientTemplates",
    "protocolMappers",
    "defaultRoles",
    "defaultGroups",
    "organizations",
    "publicKey",
    "privateKey",
    "certificate",
    "codeSecret",
    "password",
    "passwordCredentialGrantAllowed",
    "social",
    "socialProviders",
    "updateProfileOnInitialSocialLogin",
    "userFederationProviders",
    "userFederationMappers",
];
/// Members that are only stored and shown, beside those of the defaults.
const STORED: &[&str] = &[
    "displayName",
    "displayNameHtml",
    "loginTheme",
    "accountTheme",
    "adminTheme",
    "emailTheme",
    "defaultLocale",
    "passwordPolicy",
    "authenticationFlows",
    "authenticatorConfig",
    "requiredActions",
    "localizationTexts",
    "cibaBackchannelTokenDeliveryMode",
    "cibaExpiresIn",
    "cibaInterval",
    "cibaAuthRequestedUserHint",
    "parRequestUriLifespan",
    "realmReusableOtpCode",
    "scimApiEnabled",
    "maxSecondaryAuthFailures",
    "otpSupportedApplications",
    "otpPolicyType",
];

/// What Keycloak shows of a realm for members that were never given.
static DEFAULTS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("realm_defaults.json")).expect("the defaults are a JSON object")
});
static STORED_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let names = DEFAULTS.keys().map(String::as_str).chain(STORED.iter().copied());
    names.filter(|name| !NOT_STORED.contains(name)).collect()
});

/// A realm as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RealmRepresentation {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) realm: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) access_token_lifespan: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) sso_session_idle_timeout: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) sso_session_max_lifespan: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) client_session_idle_timeout: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) client_session_max_lifespan: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) offline_session_idle_timeout: Option<i64>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) offline_session_max_lifespan_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) offline_session_max_lifespan: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) client_offline_session_idle_timeout: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) client_offline_session_max_lifespan: Option<i64>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) revoke_refresh_token: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) refresh_token_max_reuse: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) not_before: Option<i64>,
    pub(crate) default_signature_algorithm: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) events_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) events_expiration: Option<i64>,
    pub(crate) enabled_event_types: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) admin_events_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) admin_events_details_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) attributes: Option<BTreeMap<String, Option<String>>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for RealmRepresentation {
    const NAME: &'static str = "RealmRepresentation";

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }

    fn knows(name: &str) -> bool {
        STORED_NAMES.contains(&name) || NOT_STORED.contains(&name) || name.starts_with("webAuthnPolicy")
    }
}

impl RealmRepresentation {
    /// A realm that is to be made, with Keycloak's defaults for what the body leaves out: disabled among them.
    pub(crate) fn new_realm(&self, name: &str, new_id: impl FnOnce() -> String) -> Realm {
        let mut realm = Realm {
            id: self.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(new_id),
            name: name.to_owned(),
            access_token_lifespan_s: 300,
            sso_session_idle_timeout_s: 1800,
            sso_session_max_lifespan_s: 36_000,
            offline_session_idle_timeout_s: 2_592_000,
            offline_session_max_lifespan_s: 5_184_000,
            default_signature_algorithm: "RS256".to_owned(),
            ..Realm::default()
        };
        self.apply(&mut realm);
        name.clone_into(&mut realm.name);
        realm
    }

    /// Puts what the body gives over a realm, its name included. Attributes, when given, replace all.
    pub(crate) fn apply(&self, realm: &mut Realm) {
        if let Some(name) = &self.realm {
            realm.name.clone_from(name);
        }
        for (member, given) in [
            (&mut realm.enabled, self.enabled),
            (&mut realm.offline_session_max_lifespan_enabled, self.offline_session_max_lifespan_enabled),
            (&mut realm.revoke_refresh_token, self.revoke_refresh_token),
            (&mut realm.events_enabled, self.events_enabled),
            (&mut realm.admin_events_enabled, self.admin_events_enabled),
            (&mut realm.admin_events_details_enabled, self.admin_events_details_enabled),
        ] {
            *member = given.unwrap_or(*member);
        }
        for (member, given) in [
            (&mut realm.access_token_lifespan_s, self.access_token_lifespan),
            (&mut realm.sso_session_idle_timeout_s, self.sso_session_idle_timeout),
            (&mut realm.sso_session_max_lifespan_s, self.sso_session_max_lifespan),
            (&mut realm.client_session_idle_timeout_s, self.client_session_idle_timeout),
            (&mut realm.client_session_max_lifespan_s, self.client_session_max_lifespan),
            (&mut realm.offline_session_idle_timeout_s, self.offline_session_idle_timeout),
            (&mut realm.offline_session_max_lifespan_s, self.offline_session_max_lifespan),
            (&mut realm.client_offline_session_idle_timeout_s, self.client_offline_session_idle_timeout),
            (&mut realm.client_offline_session_max_lifespan_s, self.client_offline_session_max_lifespan),
            (&mut realm.not_before_s, self.not_before),
            (&mut realm.events_expiration_s, self.events_expiration),
        ] {
            *member = given.unwrap_or(*member);
        }
        if let Some(reuse) = self.refresh_token_max_reuse {
            realm.refresh_token_max_reuse = i32::try_from(reuse).unwrap_or(i32::MAX).max(0);
        }
        if let Some(algorithm) = self.default_signature_algorithm.as_ref().filter(|name| !name.is_empty()) {
            realm.default_signature_algorithm.clone_from(algorithm);
        }
        if let Some(types) = &self.enabled_event_types {
            realm.enabled_event_types.clone_from(types);
        }
        if let Some(attributes) = &self.attributes {
            let given = attributes.iter().filter(|(name, _)| !SHOWN_TWICE.contains(&name.as_str()));
            realm.attributes =
                given.filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
        }
        settings::merge(&mut realm.settings_json, &self.more, &STORED_NAMES);
        let webauthn: Vec<&str> =
            self.more.keys().map(String::as_str).filter(|name| name.starts_with("webAuthnPolicy")).collect();
        if !webauthn.is_empty() {
            settings::merge(&mut realm.settings_json, &self.more, &webauthn);
        }
    }

    /// A list that a whole-realm import gives, such as `clients`.
    pub(crate) fn import(&self, name: &str) -> Option<&Value> {
        self.more.get(name).filter(|value| !value.is_null())
    }
}

/// Checks a realm's name. Keycloak refuses what has a meaning in paths.
pub(crate) fn check_realm_name(name: &str) -> Result<(), char> {
    name.chars().find(|character| "/?".contains(*character) || character.is_control()).map_or(Ok(()), Err)
}

/// Writes down the name of a new realm's default role: the one that is given, or that after the realm's name.
pub(crate) fn remember_default_role(realm: &mut Realm, given: Option<&str>) {
    let name = given.map_or_else(|| format!("default-roles-{}", realm.name.to_lowercase()), str::to_owned);
    settings::set_hidden_setting(&mut realm.settings_json, DEFAULT_ROLE, Value::from(name));
}

/// The name of a realm's default role.
pub(crate) fn default_role_name(realm: &Realm) -> String {
    settings::hidden_setting(&realm.settings_json, DEFAULT_ROLE)
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("default-roles-{}", realm.name.to_lowercase()))
}

/// As Keycloak shows it to one who may view the realm.
pub(crate) fn show_realm(realm: &Realm, default_role: Option<&Role>) -> Value {
    let mut document = DEFAULTS.clone();
    settings::show(&realm.settings_json, &mut document);
    // Identity providers have secrets; what the realm itself may still hold of them is not shown.
    document.insert("identityProviders".to_owned(), json!([]));
    let mut attributes: Map<String, Value> =
        realm.attributes.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let twice = [
        realm.client_session_idle_timeout_s,
        realm.client_session_max_lifespan_s,
        realm.client_offline_session_idle_timeout_s,
        realm.client_offline_session_max_lifespan_s,
    ];
    for (name, value) in SHOWN_TWICE.iter().zip(twice) {
        if value != 0 {
            attributes.insert((*name).to_owned(), Value::from(value.to_string()));
        }
    }
    let typed = json!({
        "id": realm.id,
        "realm": realm.name,
        "enabled": realm.enabled,
        "accessTokenLifespan": realm.access_token_lifespan_s,
        "ssoSessionIdleTimeout": realm.sso_session_idle_timeout_s,
        "ssoSessionMaxLifespan": realm.sso_session_max_lifespan_s,
        "clientSessionIdleTimeout": realm.client_session_idle_timeout_s,
        "clientSessionMaxLifespan": realm.client_session_max_lifespan_s,
        "offlineSessionIdleTimeout": realm.offline_session_idle_timeout_s,
        "offlineSessionMaxLifespanEnabled": realm.offline_session_max_lifespan_enabled,
        "offlineSessionMaxLifespan": realm.offline_session_max_lifespan_s,
        "clientOfflineSessionIdleTimeout": realm.client_offline_session_idle_timeout_s,
        "clientOfflineSessionMaxLifespan": realm.client_offline_session_max_lifespan_s,
        "revokeRefreshToken": realm.revoke_refresh_token,
        "refreshTokenMaxReuse": realm.refresh_token_max_reuse,
        "notBefore": realm.not_before_s,
        "defaultSignatureAlgorithm": realm.default_signature_algorithm,
        "eventsEnabled": realm.events_enabled,
        "enabledEventTypes": realm.enabled_event_types,
        "adminEventsEnabled": realm.admin_events_enabled,
        "adminEventsDetailsEnabled": realm.admin_events_details_enabled,
        "attributes": attributes,
    });
    if let Value::Object(typed) = typed {
        document.extend(typed);
    }
    if realm.events_expiration_s != 0 {
        document.insert("eventsExpiration".to_owned(), Value::from(realm.events_expiration_s));
    }
    if let Some(role) = default_role {
        document.insert("defaultRole".to_owned(), show_role(role, true));
    }
    Value::Object(document)
}

/// The brief form of lists.
pub(crate) fn show_realm_briefly(realm: &Realm) -> Value {
    let mut shown = json!({ "id": realm.id, "realm": realm.name, "enabled": realm.enabled });
    if let Some(name) = settings::read(&realm.settings_json).remove("displayName") {
        shown["displayName"] = name;
    }
    shown
}

/// What one sees who has some admin role, but may not view the realm.
pub(crate) fn show_realm_stub(realm: &Realm) -> Value {
    let mut shown = json!({ "realm": realm.name });
    let mut stored = settings::read(&realm.settings_json);
    for name in [
        "displayName",
        "displayNameHtml",
        "supportedLocales",
        "internationalizationEnabled",
        "defaultLocale",
        "bruteForceProtected",
        "organizationsEnabled",
        "registrationEmailAsUsername",
        "editUsernameAllowed",
    ] {
        if let Some(value) = stored.remove(name).or_else(|| DEFAULTS.get(name).cloned()) {
            shown[name] = value;
        }
    }
    shown
}

/// Which events a realm keeps, as a body gives it. Not partial: an absent boolean is false.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EventsConfigRepresentation {
    #[serde(deserialize_with = "lenient::flag")]
    events_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    events_expiration: Option<i64>,
    events_listeners: Option<Vec<String>>,
    enabled_event_types: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::flag")]
    admin_events_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    admin_events_details_enabled: Option<bool>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for EventsConfigRepresentation {
    const NAME: &'static str = "RealmEventsConfigRepresentation";

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl EventsConfigRepresentation {
    /// Puts it over a realm.
    pub(crate) fn apply(&self, realm: &mut Realm) {
        realm.events_enabled = self.events_enabled.unwrap_or_default();
        realm.events_expiration_s = self.events_expiration.unwrap_or_default();
        realm.admin_events_enabled = self.admin_events_enabled.unwrap_or_default();
        realm.admin_events_details_enabled = self.admin_events_details_enabled.unwrap_or_default();
        if let Some(types) = &self.enabled_event_types {
            realm.enabled_event_types.clone_from(types);
        }
        if let Some(listeners) = &self.events_listeners {
            let change = Map::from_iter([("eventsListeners".to_owned(), json!(listeners))]);
            settings::merge(&mut realm.settings_json, &change, &["eventsListeners"]);
        }
    }
}

/// As Keycloak shows it: where no types were chosen, all.
pub(crate) fn show_events_config(realm: &Realm) -> Value {
    let types = &realm.enabled_event_types;
    let listeners = settings::read(&realm.settings_json).remove("eventsListeners");
    let mut shown = json!({
        "eventsEnabled": realm.events_enabled,
        "eventsListeners": listeners.unwrap_or_else(|| DEFAULTS["eventsListeners"].clone()),
        "enabledEventTypes": if types.is_empty() { all_event_types() } else { types.clone() },
        "adminEventsEnabled": realm.admin_events_enabled,
        "adminEventsDetailsEnabled": realm.admin_events_details_enabled,
    });
    if realm.events_expiration_s != 0 {
        shown["eventsExpiration"] = Value::from(realm.events_expiration_s);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: Value) -> RealmRepresentation {
        super::super::parse(document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_new_realm_is_disabled_and_has_keycloaks_defaults() {
        let realm = read(json!({ "realm": "r" })).new_realm("r", || "id".to_owned());
        let shown = show_realm(&realm, None);
        for (name, value) in [
            ("enabled", json!(false)),
            ("accessTokenLifespan", json!(300)),
            ("ssoSessionMaxLifespan", json!(36000)),
            ("sslRequired", json!("external")),
            ("eventsListeners", json!(["jboss-logging"])),
            ("enabledEventTypes", json!([])),
            ("attributes", json!({})),
        ] {
            assert_eq!(shown[name], value, "{name}");
        }
        assert!(shown.get("displayName").is_none() && shown.get("eventsExpiration").is_none());
    }

    #[test]
    fn an_update_is_partial_but_attributes_are_replaced() {
        let first = json!({ "realm": "r", "displayName": "first", "accessTokenLifespan": "111",
            "attributes": { "a": "1", "b": 2 }, "clientSessionIdleTimeout": 300 });
        let mut realm = read(first).new_realm("r", || "id".to_owned());
        read(json!({ "accessTokenLifespan": 77, "displayName": null })).apply(&mut realm);
        let shown = show_realm(&realm, None);
        assert_eq!((&shown["accessTokenLifespan"], &shown["displayName"]), (&json!(77), &json!("first")));
        assert_eq!(shown["attributes"], json!({ "a": "1", "b": "2", "clientSessionIdleTimeout": "300" }));
        read(json!({ "attributes": { "b": "3" } })).apply(&mut realm);
        assert_eq!(realm.attributes, BTreeMap::from([("b".to_owned(), "3".to_owned())]));
    }

    #[test]
    fn what_was_shown_can_be_put_back() {
        let mut realm = read(json!({ "realm": "r", "enabled": true, "webAuthnPolicyRpId": "x" }))
            .new_realm("r", || "id".to_owned());
        remember_default_role(&mut realm, None);
        let shown = show_realm(&realm, Some(&Role { name: "d".to_owned(), ..Role::default() }));
        let mut again = realm.clone();
        read(shown).apply(&mut again);
        let (settings, stored) = (settings::read(&again.settings_json), settings::read(&realm.settings_json));
        assert!(stored.iter().all(|(name, value)| settings.get(name) == Some(value)));
        again.settings_json.clone_from(&realm.settings_json);
        assert_eq!(again, realm);
        assert_eq!(default_role_name(&again), "default-roles-r");
    }

    #[test]
    fn the_events_config_is_not_partial() {
        let mut realm = Realm { events_enabled: true, events_expiration_s: 60, ..Realm::default() };
        realm.enabled_event_types = vec!["LOGIN".to_owned()];
        EventsConfigRepresentation::default().apply(&mut realm);
        assert!(!realm.events_enabled && realm.events_expiration_s == 0);
        assert_eq!(realm.enabled_event_types, ["LOGIN"]);
    }
}
