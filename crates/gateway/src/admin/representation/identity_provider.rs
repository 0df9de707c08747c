//! IdentityProviderRepresentation: an outside issuer that the realm trusts.

use super::{MASK, Representation, lenient, settings};
use crate::admin::error::Error;
use latchkey_api::registry::v1::{IdentityProvider, TestAssertionResponse};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The setting that is kept sealed.
const CLIENT_SECRET: &str = "clientSecret";
/// Members that are only stored and shown.
const STORED: &[&str] = &[
    "displayName",
    "trustEmail",
    "storeToken",
    "addReadTokenRoleOnCreate",
    "authenticateByDefault",
    "linkOnly",
    "hideOnLogin",
    "firstBrokerLoginFlowAlias",
];

/// An identity provider as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IdentityProviderRepresentation {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) alias: Option<String>,
    internal_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    provider_id: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::texts")]
    config: Option<BTreeMap<String, Option<String>>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for IdentityProviderRepresentation {
    const NAME: &'static str = "IdentityProviderRepresentation";
    const MORE: &'static [&'static str] = &[
        "updateProfileFirstLoginMode",
        "updateProfileFirstLogin",
        "postBrokerLoginFlowAlias",
        "organizationId",
        "types",
    ];

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }

    fn knows(name: &str) -> bool {
        STORED.contains(&name) || Self::MORE.contains(&name)
    }
}

impl IdentityProviderRepresentation {
    /// The message and the client secret, empty where none is given. A masked one keeps what is stored; all else is as the body
    /// says, so that what is left out is gone.
    pub(crate) fn message(self, realm_id: String) -> (IdentityProvider, String) {
        let config = self.config.unwrap_or_default();
        let mut config: BTreeMap<String, String> =
            config.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let secret = config.remove(CLIENT_SECRET).unwrap_or_default();
        let masked = secret == MASK;
        let mut settings_json = String::new();
        settings::merge(&mut settings_json, &self.more, STORED);
        let provider = IdentityProvider {
            id: self.internal_id.unwrap_or_default(),
            realm_id,
            alias: self.alias.unwrap_or_default(),
            provider_id: self.provider_id.unwrap_or_default(),
            enabled: self.enabled.unwrap_or(true),
            config,
            has_client_secret: masked,
            settings_json,
            version: 0,
        };
        (provider, if masked { String::new() } else { secret })
    }
}

/// Checks an alias. Keycloak refuses what has a meaning in paths.
pub(crate) fn check_alias(alias: &str) -> Result<(), Error> {
    if alias.chars().any(char::is_whitespace) {
        return Err(Error::AliasSpace);
    }
    let reserved = |character: &char| ":/?#@!$&()*+,;=[]\\".contains(*character) || character.is_control();
    alias.chars().find(reserved).map_or(Ok(()), |character| Err(Error::AliasCharacter(character)))
}

/// As Keycloak shows it, the secret masked.
pub(crate) fn show_identity_provider(provider: &IdentityProvider) -> Value {
    let mut shown = show_identity_provider_briefly(provider);
    shown["types"] = json!(types(&provider.provider_id));
    shown
}

/// As Keycloak shows it in a brief list.
pub(crate) fn show_identity_provider_briefly(provider: &IdentityProvider) -> Value {
    let mut config = provider.config.clone();
    if provider.has_client_secret {
        config.insert(CLIENT_SECRET.to_owned(), MASK.to_owned());
    }
    let mut shown = Map::new();
    settings::show(&provider.settings_json, &mut shown);
    for (name, value) in [
        ("alias", json!(provider.alias)),
        ("internalId", json!(provider.id)),
        ("providerId", json!(provider.provider_id)),
        ("enabled", json!(provider.enabled)),
        ("config", json!(config)),
    ] {
        shown.insert(name.to_owned(), value);
    }
    Value::from(shown)
}

fn types(provider_id: &str) -> &'static [&'static str] {
    match provider_id {
        "oidc" | "keycloak-oidc" => &[
            "USER_AUTHENTICATION",
            "CLIENT_ASSERTION",
            "TRUST_MATERIAL",
            "EXCHANGE_EXTERNAL_TOKEN",
            "JWT_AUTHORIZATION_GRANT",
        ],
        "saml" => &["USER_AUTHENTICATION"],
        "kubernetes" | "spiffe" => &["CLIENT_ASSERTION"],
        _ => &[],
    }
}

/// An assertion that is to be tried. Not in Keycloak.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct TestedAssertion {
    pub(crate) assertion: SecretString,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Default for TestedAssertion {
    fn default() -> Self {
        Self { assertion: SecretString::from(String::new()), more: Map::new() }
    }
}

impl Representation for TestedAssertion {
    const NAME: &'static str = "TestedAssertion";

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

/// What came of it.
pub(crate) fn show_tested_assertion(tested: &TestAssertionResponse) -> Value {
    let checks = tested
        .checks
        .iter()
        .map(|check| json!({ "name": check.name, "passed": check.passed, "detail": check.detail }));
    let mut shown = json!({ "accepted": tested.accepted, "checks": checks.collect::<Vec<_>>() });
    if !tested.client_id.is_empty() {
        shown["clientId"] = json!(tested.client_id);
    }
    shown
}
