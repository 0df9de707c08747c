//! `/admin/serverinfo`: what tools read before they begin: the version, and the kinds of components, mappers and authenticators.

use super::{
    answer::json,
    authorization::Authenticated,
    error::{Answer, Error},
    representation::KEY_PROVIDER_TYPE,
};
use crate::App;
use axum::{Router, routing::get};
use serde_json::{Map, Value, json};

/// The Keycloak whose API this is.
pub(super) const KEYCLOAK: &str = "26.7.3";
const AUTHENTICATORS: &[&str] =
    &["client-jwt", "client-secret", "client-secret-jwt", "client-x509", "federated-jwt"];
/// Key providers with their properties.
const KEY_PROVIDERS: &[(&str, &[&str])] = &[
    ("aes-generated", &["priority", "enabled", "active", "secretSize"]),
    ("ecdsa-generated", &["priority", "enabled", "active", "ecGenerateCertificate", "ecdsaEllipticCurveKey"]),
    ("eddsa-generated", &["priority", "enabled", "active", "eddsaEllipticCurveKey"]),
    ("hmac-generated", &["priority", "enabled", "active", "secretSize", "algorithm"]),
    ("rsa", &["priority", "enabled", "active", "algorithm", "privateKey", "certificate"]),
    ("rsa-enc", &["priority", "enabled", "active", "algorithm", "privateKey", "certificate"]),
    ("rsa-enc-generated", &["priority", "enabled", "active", "keySize", "algorithm"]),
    ("rsa-generated", &["priority", "enabled", "active", "keySize", "algorithm"]),
];
/// Protocol mappers with their names for people.
const MAPPERS: &[(&str, &str)] = &[
    ("oidc-acr-mapper", "Authentication Context Class Reference (ACR)"),
    ("oidc-address-mapper", "User Address"),
    ("oidc-allowed-origins-mapper", "Allowed Web Origins"),
    ("oidc-audience-mapper", "Audience"),
    ("oidc-audience-resolve-mapper", "Audience Resolve"),
    ("oidc-claims-param-token-mapper", "Claims parameter Token"),
    ("oidc-full-name-mapper", "User's full name"),
    ("oidc-group-membership-mapper", "Group Membership"),
    ("oidc-hardcoded-claim-mapper", "Hardcoded claim"),
    ("oidc-hardcoded-role-mapper", "Hardcoded Role"),
    ("oidc-nonce-backwards-compatible-mapper", "Nonce backwards compatible"),
    ("oidc-role-name-mapper", "Role Name Mapper"),
    ("oidc-sha256-pairwise-sub-mapper", "Pairwise subject identifier"),
    ("oidc-sub-mapper", "Subject (sub)"),
    ("oidc-usermodel-attribute-mapper", "User Attribute"),
    ("oidc-usermodel-client-role-mapper", "User Client Role"),
    ("oidc-usermodel-property-mapper", "User Property"),
    ("oidc-usermodel-realm-role-mapper", "User Realm Role"),
    ("oidc-usersessionmodel-note-mapper", "User Session Note"),
];

pub(super) fn router() -> Router<App> {
    Router::new().route("/admin/serverinfo", get(show))
}

async fn show(who: Authenticated) -> Answer {
    if !who.caller.is_administrator() {
        return Err(Error::Forbidden);
    }
    json(&document())
}

fn document() -> Value {
    let key_providers = KEY_PROVIDERS.iter().map(|(id, properties)| {
        let properties = properties.iter().map(|name| {
            let kind = if ["enabled", "active"].contains(name) { "boolean" } else { "String" };
            json!({ "name": name, "label": name, "type": kind, "secret": *name == "privateKey", "required": false })
        });
        json!({
            "id": id,
            "helpText": "",
            "properties": properties.collect::<Vec<_>>(),
            "metadata": {},
            "clientProperties": [],
        })
    });
    let mappers = MAPPERS.iter().map(|(id, name)| {
        json!({
            "id": id,
            "name": name,
            "category": "Token mapper",
            "helpText": "",
            "priority": 0,
            "properties": [],
        })
    });
    let providers = |ids: &mut dyn Iterator<Item = &str>| {
        let providers: Map<String, Value> = ids.map(|id| (id.to_owned(), json!({ "order": 0 }))).collect();
        json!({ "internal": false, "providers": providers })
    };
    json!({
        "systemInfo": {
            "version": KEYCLOAK,
            "serverTime": "",
            "uptime": "",
            "uptimeMillis": 0,
            "javaVersion": "",
            "osName": std::env::consts::OS,
            "osArchitecture": std::env::consts::ARCH,
        },
        "memoryInfo": { "total": 0, "used": 0, "free": 0, "freePercentage": 0 },
        "profileInfo": {
            "name": "default",
            "disabledFeatures": [],
            "previewFeatures": [],
            "experimentalFeatures": [],
        },
        "features": [],
        "cryptoInfo": { "cryptoProvider": "aws-lc-rs", "supportedKeystoreTypes": [] },
        "themes": {},
        "socialProviders": [],
        "identityProviders": [],
        "clientImporters": [],
        "clientInstallations": {
            "openid-connect": [{
                "id": "keycloak-oidc-keycloak-json",
                "protocol": "openid-connect",
                "downloadOnly": false,
                "displayType": "Keycloak OIDC JSON",
                "helpText": "",
                "filename": "keycloak.json",
                "mediaType": "application/json",
            }],
        },
        "providers": {
            "client-authenticator": providers(&mut AUTHENTICATORS.iter().copied()),
            "keys": providers(&mut KEY_PROVIDERS.iter().map(|(id, _)| *id)),
            "protocol-mapper": providers(&mut MAPPERS.iter().map(|(id, _)| *id)),
            "login-protocol": providers(&mut ["openid-connect"].into_iter()),
        },
        "componentTypes": { KEY_PROVIDER_TYPE: key_providers.collect::<Vec<_>>() },
        "protocolMapperTypes": { "openid-connect": mappers.collect::<Vec<_>>() },
        "builtinProtocolMappers": { "openid-connect": [] },
        "passwordPolicies": [],
        "enums": {
            "operationType": ["CREATE", "UPDATE", "DELETE", "ACTION"],
            "resourceType": [
                "REALM", "REALM_ROLE", "REALM_ROLE_MAPPING", "REALM_SCOPE_MAPPING", "CLIENT", "CLIENT_ROLE",
                "CLIENT_ROLE_MAPPING", "CLIENT_SCOPE", "CLIENT_SCOPE_MAPPING", "CLIENT_SCOPE_CLIENT_MAPPING", "PROTOCOL_MAPPER",
                "COMPONENT", "USER", "IDENTITY_PROVIDER", "CLIENT_INITIAL_ACCESS_MODEL",
            ],
        },
    })
}
