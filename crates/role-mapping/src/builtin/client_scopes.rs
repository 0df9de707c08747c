//! The client scopes that a new realm comes with, and their protocol mappers.

use latchkey_api::roles::v1::{ClientScope, ProtocolMapper};
use latchkey_platform::random;

use super::{OPENID_CONNECT, SERVICE_ACCOUNT_SCOPE};

const SAML: &str = "saml";

/// Where a mapper's claims go, by the letters of access token, ID token, userinfo and introspection.
const DESTINATIONS: [(char, &str); 4] = [
    ('A', "access.token.claim"),
    ('I', "id.token.claim"),
    ('U', "userinfo.token.claim"),
    ('N', "introspection.token.claim"),
];

const SHOWN: (&str, &str) = ("display.on.consent.screen", "true");
const NOT_SHOWN: (&str, &str) = ("display.on.consent.screen", "false");
const IN_TOKEN: (&str, &str) = ("include.in.token.scope", "true");
const HIDDEN_IN_TOKEN: (&str, &str) = ("include.in.token.scope", "false");
const CONSENT: &str = "consent.screen.text";

const DEFAULT: [&str; 9] = [
    "AuthnContextClassRef",
    "acr",
    "basic",
    "email",
    "profile",
    "role_list",
    "roles",
    "saml_organization",
    "web-origins",
];
const OPTIONAL: [&str; 5] = ["address", "microprofile-jwt", "offline_access", "organization", "phone"];

/// Whether new clients get a built-in scope by default (false), may ask for it (true), or neither.
pub(crate) fn is_optional(name: &str) -> Option<bool> {
    if DEFAULT.contains(&name) { Some(false) } else { OPTIONAL.contains(&name).then_some(true) }
}

/// All built-in client scopes of a realm, with fresh ids.
pub(crate) fn client_scopes(realm_id: &str) -> Vec<ClientScope> {
    let mut scopes = vec![
        scope(
            "basic",
            "OpenID Connect scope for add all basic claims to the token",
            &[NOT_SHOWN, HIDDEN_IN_TOKEN],
            vec![
                mapper("sub", "oidc-sub-mapper", &to("AN")),
                note("auth_time", "AUTH_TIME", "auth_time", "long"),
            ],
        ),
        scope(
            "roles",
            "OpenID Connect scope for add user roles to the access token",
            &[SHOWN, HIDDEN_IN_TOKEN, (CONSENT, "${rolesScopeConsentText}")],
            roles(),
        ),
        scope(
            "web-origins",
            "OpenID Connect scope for add allowed web origins to the access token",
            &[NOT_SHOWN, HIDDEN_IN_TOKEN, (CONSENT, "")],
            vec![mapper("allowed web origins", "oidc-allowed-origins-mapper", &to("AN"))],
        ),
        scope(
            "acr",
            "OpenID Connect scope for add acr (authentication context class reference) to the token",
            &[NOT_SHOWN, HIDDEN_IN_TOKEN],
            vec![mapper("acr loa level", "oidc-acr-mapper", &to("AIN"))],
        ),
        standard("profile", profile()),
        standard("email", email()),
        standard("address", vec![address()]),
        standard("phone", phone()),
        scope(
            "offline_access",
            "OpenID Connect built-in scope: offline_access",
            &[SHOWN, (CONSENT, "${offlineAccessScopeConsentText}")],
            vec![],
        ),
        scope(
            "microprofile-jwt",
            "Microprofile - JWT built-in scope",
            &[NOT_SHOWN, IN_TOKEN],
            microprofile(),
        ),
        scope(
            "organization",
            "Additional claims about the organization a subject belongs to",
            &[SHOWN, IN_TOKEN, (CONSENT, "${organizationScopeConsentText}")],
            vec![list("organization", "oidc-organization-membership-mapper", "AIN", "organization")],
        ),
        scope(
            SERVICE_ACCOUNT_SCOPE,
            "Specific scope for a client enabled for service accounts",
            &[NOT_SHOWN, HIDDEN_IN_TOKEN],
            vec![
                note("Client ID", "client_id", "client_id", "String"),
                note("Client Host", "clientHost", "clientHost", "String"),
                note("Client IP Address", "clientAddress", "clientAddress", "String"),
            ],
        ),
    ];
    scopes.extend(saml());
    for scope in &mut scopes {
        realm_id.clone_into(&mut scope.realm_id);
    }
    scopes
}

fn roles() -> Vec<ProtocolMapper> {
    vec![
        role_list("realm roles", "oidc-usermodel-realm-role-mapper", "AN", "realm_access.roles"),
        role_list(
            "client roles",
            "oidc-usermodel-client-role-mapper",
            "AN",
            "resource_access.${client_id}.roles",
        ),
        mapper("audience resolve", "oidc-audience-resolve-mapper", &to("AN")),
    ]
}

fn profile() -> Vec<ProtocolMapper> {
    let attributes = [
        ("family name", "lastName", "family_name", "String"),
        ("given name", "firstName", "given_name", "String"),
        ("middle name", "middleName", "middle_name", "String"),
        ("nickname", "nickname", "nickname", "String"),
        ("username", "username", "preferred_username", "String"),
        ("profile", "profile", "profile", "String"),
        ("picture", "picture", "picture", "String"),
        ("website", "website", "website", "String"),
        ("gender", "gender", "gender", "String"),
        ("birthdate", "birthdate", "birthdate", "String"),
        ("zoneinfo", "zoneinfo", "zoneinfo", "String"),
        ("locale", "locale", "locale", "String"),
        ("updated at", "updatedAt", "updated_at", "long"),
    ];
    let mut mappers = vec![mapper("full name", "oidc-full-name-mapper", &to("AINU"))];
    mappers.extend(attributes.map(|(name, user, claim, json_type)| attribute(name, user, claim, json_type)));
    mappers
}

fn email() -> Vec<ProtocolMapper> {
    let verified = attribute("email verified", "emailVerified", "email_verified", "boolean");
    let verified =
        ProtocolMapper { protocol_mapper: "oidc-usermodel-property-mapper".to_owned(), ..verified };
    vec![attribute("email", "email", "email", "String"), verified]
}

fn phone() -> Vec<ProtocolMapper> {
    vec![
        attribute("phone number", "phoneNumber", "phone_number", "String"),
        attribute("phone number verified", "phoneNumberVerified", "phone_number_verified", "boolean"),
    ]
}

fn address() -> ProtocolMapper {
    let mut config = to("AINU");
    config.extend([
        ("user.attribute.formatted", "formatted"),
        ("user.attribute.street", "street"),
        ("user.attribute.locality", "locality"),
        ("user.attribute.region", "region"),
        ("user.attribute.postal_code", "postal_code"),
        ("user.attribute.country", "country"),
    ]);
    mapper("address", "oidc-address-mapper", &config)
}

fn microprofile() -> Vec<ProtocolMapper> {
    vec![
        attribute("upn", "username", "upn", "String"),
        role_list("groups", "oidc-usermodel-realm-role-mapper", "AIN", "groups"),
    ]
}

/// Kept for tools that read them back; no SAML is spoken here.
fn saml() -> Vec<ClientScope> {
    let saml_mapper = |name: &str, kind: &str, config: &[(&'static str, &'static str)]| ProtocolMapper {
        protocol: SAML.to_owned(),
        ..mapper(name, kind, config)
    };
    let role = [("single", "false"), ("attribute.nameformat", "Basic"), ("attribute.name", "Role")];
    let scopes = [
        scope(
            "role_list",
            "SAML role list",
            &[SHOWN, (CONSENT, "${samlRoleListScopeConsentText}")],
            vec![saml_mapper("role list", "saml-role-list-mapper", &role)],
        ),
        scope(
            "saml_organization",
            "Organization Membership",
            &[NOT_SHOWN],
            vec![saml_mapper("organization", "saml-organization-membership-mapper", &[])],
        ),
        scope("AuthnContextClassRef", "SAML authentication context class reference", &[NOT_SHOWN], vec![]),
    ];
    scopes.into_iter().map(|scope| ClientScope { protocol: SAML.to_owned(), ..scope }).collect()
}

fn standard(name: &str, mappers: Vec<ProtocolMapper>) -> ClientScope {
    let consent = format!("${{{name}ScopeConsentText}}");
    let description = format!("OpenID Connect built-in scope: {name}");
    scope(name, &description, &[SHOWN, IN_TOKEN, (CONSENT, &consent)], mappers)
}

fn scope(
    name: &str,
    description: &str,
    attributes: &[(&str, &str)],
    protocol_mappers: Vec<ProtocolMapper>,
) -> ClientScope {
    ClientScope {
        id: random::uuid(),
        realm_id: String::new(),
        name: name.to_owned(),
        description: description.to_owned(),
        protocol: OPENID_CONNECT.to_owned(),
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        protocol_mappers,
    }
}

/// The settings that send claims to destinations, by their letters.
fn to(letters: &str) -> Vec<(&'static str, &'static str)> {
    DESTINATIONS
        .iter()
        .filter(|(letter, _)| letters.contains(*letter))
        .map(|(_, name)| (*name, "true"))
        .collect()
}

pub(super) fn mapper(name: &str, kind: &str, config: &[(&'static str, &'static str)]) -> ProtocolMapper {
    ProtocolMapper {
        id: random::uuid(),
        name: name.to_owned(),
        protocol: OPENID_CONNECT.to_owned(),
        protocol_mapper: kind.to_owned(),
        config: config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

/// An attribute of the account, for all destinations.
pub(super) fn attribute(
    name: &str,
    user_attribute: &'static str,
    claim: &'static str,
    json_type: &'static str,
) -> ProtocolMapper {
    let mut config = to("AINU");
    config.extend([("user.attribute", user_attribute), ("claim.name", claim), ("jsonType.label", json_type)]);
    mapper(name, "oidc-usermodel-attribute-mapper", &config)
}

fn note(name: &str, note: &'static str, claim: &'static str, json_type: &'static str) -> ProtocolMapper {
    let mut config = to("AIN");
    config.extend([("user.session.note", note), ("claim.name", claim), ("jsonType.label", json_type)]);
    mapper(name, "oidc-usersessionmodel-note-mapper", &config)
}

fn list(name: &str, kind: &str, letters: &str, claim: &'static str) -> ProtocolMapper {
    let mut config = to(letters);
    config.extend([("claim.name", claim), ("jsonType.label", "String"), ("multivalued", "true")]);
    mapper(name, kind, &config)
}

/// Keycloak's own have an attribute `foo`, which means nothing.
fn role_list(name: &str, kind: &str, letters: &str, claim: &'static str) -> ProtocolMapper {
    let mut mapper = list(name, kind, letters, claim);
    mapper.config.insert("user.attribute".to_owned(), "foo".to_owned());
    mapper
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, json};

    /// The recorded scopes of a new realm: `open/admin_scopes/builtin_client_scopes`.
    #[test]
    fn the_scopes_are_the_recorded_ones() {
        let recorded: Value =
            serde_json::from_str(include_str!("client_scopes_recorded.json")).expect("the recording is JSON");
        let ours = client_scopes("r");
        for (name, expected) in recorded.as_object().expect("scopes by name") {
            let scope = ours.iter().find(|scope| scope.name == *name).expect(name);
            let mappers: Map<String, Value> = scope
                .protocol_mappers
                .iter()
                .map(|m| {
                    let shown = json!({"config": m.config, "protocol": m.protocol, "protocolMapper": m.protocol_mapper});
                    (format!("mapper {}", m.name), shown)
                })
                .collect();
            let shown = json!({
                "attributes": scope.attributes,
                "description": scope.description,
                "protocol": scope.protocol,
                "mappers": mappers,
            });
            assert_eq!(&shown, expected, "{name}");
        }
    }

    #[test]
    fn every_listed_scope_exists() {
        let mut names: Vec<String> = client_scopes("r").into_iter().map(|scope| scope.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 15);
        let count = |kind| names.iter().filter(|name| is_optional(name) == kind).count();
        assert_eq!((count(Some(false)), count(Some(true)), count(None)), (DEFAULT.len(), OPTIONAL.len(), 1));
    }
}
