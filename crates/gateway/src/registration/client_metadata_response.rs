//! A client as client metadata (RFC 7591 section 3.2.1), as Keycloak shows it.

use super::client_metadata::{AUTHENTICATION_METHOD, AUTHENTICATORS, LISTS, SEPARATOR, TEXTS};
use latchkey_api::{registry::v1::Client, roles::v1::ClientMapping};
use serde_json::{Map, Value, json};

/// Authenticators that check a secret.
const WITH_SECRET: [&str; 2] = ["client-secret", "client-secret-jwt"];

/// A client with what is shown beside it.
pub(super) struct ShownMetadata<'a> {
    pub(super) client: &'a Client,
    pub(super) mapping: &'a ClientMapping,
    /// Empty where there is none.
    pub(super) secret: &'a str,
    /// The registration access token.
    pub(super) token: Option<&'a str>,
    /// Where the client is read and changed.
    pub(super) address: &'a str,
    /// Seconds since the epoch; only for a client that has just been made.
    pub(super) issued_at_s: Option<i64>,
}

/// The document.
pub(super) fn show_metadata(shown: &ShownMetadata<'_>) -> Value {
    let client = shown.client;
    let is_set = |attribute: &str| client.attributes.get(attribute).is_some_and(|value| value == "true");
    let mut document = json!({
        "client_id": client.client_id,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": [],
        "request_uris": [],
        "grant_types": grant_types(client),
        "response_types": response_types(client),
        "scope": shown.mapping.optional_client_scopes.join(" "),
        "subject_type": "public",
        "registration_client_uri": shown.address,
        "tls_client_certificate_bound_access_tokens": is_set("tls.client.certificate.bound.access.tokens"),
        "dpop_bound_access_tokens": is_set("dpop.bound.access.tokens"),
        "require_pushed_authorization_requests": is_set("require.pushed.authorization.requests"),
        // Keycloak shows another attribute by this name.
        "backchannel_logout_session_required": is_set("backchannel.logout.revoke.offline.tokens"),
        "frontchannel_logout_session_required": is_set("frontchannel.logout.session.required"),
    });
    let Value::Object(members) = &mut document else { return document };
    if let Some(method) = authentication_method(client) {
        members.insert("token_endpoint_auth_method".to_owned(), Value::from(method));
    }
    if WITH_SECRET.contains(&client.client_authenticator_type.as_str()) && !shown.secret.is_empty() {
        members.insert("client_secret".to_owned(), Value::from(shown.secret));
        members.insert("client_secret_expires_at".to_owned(), Value::from(0));
    }
    for (name, value) in [
        ("client_name", Some(client.name.as_str())),
        ("client_uri", Some(client.base_url.as_str())),
        ("registration_access_token", shown.token),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            members.insert(name.to_owned(), Value::from(value));
        }
    }
    if let Some(issued_at_s) = shown.issued_at_s {
        members.insert("client_id_issued_at".to_owned(), Value::from(issued_at_s));
    }
    show_attributes(client, members);
    document
}

fn show_attributes(client: &Client, members: &mut Map<String, Value>) {
    let kept = |attribute: &str| client.attributes.get(attribute).filter(|value| !value.is_empty());
    for (name, attribute) in TEXTS {
        if let Some(value) = kept(attribute) {
            members.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    for (name, attribute) in LISTS {
        if let Some(value) = kept(attribute) {
            members.insert(name.to_owned(), value.split(SEPARATOR).map(Value::from).collect());
        }
    }
    if kept("use.jwks.url").is_some_and(|value| value == "true")
        && let Some(uri) = kept("jwks.url")
    {
        members.insert("jwks_uri".to_owned(), Value::from(uri.as_str()));
    }
    if kept("use.jwks.string").is_some_and(|value| value == "true")
        && let Some(jwks) = kept("jwks.string").and_then(|jwks| serde_json::from_str::<Value>(jwks).ok())
    {
        members.insert("jwks".to_owned(), jwks);
    }
}

/// What the client asked for, if that is still its authenticator; else the first that is.
fn authentication_method(client: &Client) -> Option<&str> {
    let authenticator = client.client_authenticator_type.as_str();
    let fits = |(_, kind): &&(&str, &str)| *kind == authenticator;
    let mut methods = AUTHENTICATORS.iter().filter(fits).map(|(method, _)| *method);
    let asked = client.attributes.get(AUTHENTICATION_METHOD).map(String::as_str);
    match asked {
        Some(asked) if methods.clone().any(|method| method == asked) => Some(asked),
        _ => methods.next(),
    }
}

fn response_types(client: &Client) -> Vec<&'static str> {
    let mut types = Vec::new();
    if client.standard_flow_enabled {
        types.extend(["code", "none"]);
    }
    if client.implicit_flow_enabled {
        types.extend(["id_token", "id_token token"]);
    }
    if client.standard_flow_enabled && client.implicit_flow_enabled {
        types.extend(["code id_token", "code token", "code id_token token"]);
    }
    types
}

fn grant_types(client: &Client) -> Vec<&'static str> {
    let refreshes = client.attributes.get("use.refresh.tokens").is_none_or(|value| value == "true");
    [
        ("authorization_code", client.standard_flow_enabled),
        ("implicit", client.implicit_flow_enabled),
        ("password", client.direct_access_grants_enabled),
        ("client_credentials", client.service_accounts_enabled),
        ("refresh_token", refreshes),
    ]
    .into_iter()
    .filter_map(|(grant, has)| has.then_some(grant))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(client: &Client) -> Value {
        show_metadata(&ShownMetadata {
            client,
            mapping: &ClientMapping::default(),
            secret: "s",
            token: None,
            address: "https://id.example/x",
            issued_at_s: None,
        })
    }

    fn client(authenticator: &str, attributes: &[(&str, &str)]) -> Client {
        Client {
            client_authenticator_type: authenticator.to_owned(),
            service_accounts_enabled: true,
            attributes: attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Client::default()
        }
    }

    #[test]
    fn only_a_client_that_shows_its_secret_is_told_it() {
        assert_eq!(shown(&client("client-secret", &[]))["client_secret"], "s");
        let signing =
            shown(&client("client-jwt", &[("use.jwks.string", "true"), ("jwks.string", "{\"keys\":[]}")]));
        assert!(signing.get("client_secret").is_none());
        assert_eq!(
            (&signing["token_endpoint_auth_method"], &signing["jwks"]),
            (&json!("private_key_jwt"), &json!({ "keys": [] }))
        );
    }

    #[test]
    fn the_way_to_authenticate_is_the_one_asked_for_while_it_holds() {
        let asked = [(AUTHENTICATION_METHOD, "client_secret_post")];
        assert_eq!(
            shown(&client("client-secret", &asked))["token_endpoint_auth_method"],
            "client_secret_post"
        );
        assert_eq!(shown(&client("client-secret", &[]))["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(shown(&client("client-jwt", &asked))["token_endpoint_auth_method"], "private_key_jwt");
    }

    #[test]
    fn grant_types_are_what_the_client_may_do() {
        let machine = client("client-secret", &[("use.refresh.tokens", "false")]);
        assert_eq!(grant_types(&machine), ["client_credentials"]);
        assert!(response_types(&machine).is_empty());
        let browser = Client { standard_flow_enabled: true, ..Client::default() };
        assert_eq!(grant_types(&browser), ["authorization_code", "refresh_token"]);
    }
}
