//! Client metadata (RFC 7591 section 2) and the client that they ask for, as Keycloak reads them.
//!
//! Metadata that are not known are ignored, as the RFC asks. So are those that only a browser's client needs, but for the few
//! that Keycloak gives back.

use super::error::Error;
use crate::admin::representation::{ClientRepresentation, Representation};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Between the values of an attribute that holds several.
pub(super) const SEPARATOR: &str = "##";
/// The attribute that keeps which of the two ways to show a secret was asked for.
pub(super) const AUTHENTICATION_METHOD: &str = "token.endpoint.auth.method";

/// Metadata and authenticator types.
pub(super) const AUTHENTICATORS: [(&str, &str); 6] = [
    ("client_secret_basic", "client-secret"),
    ("client_secret_post", "client-secret"),
    ("client_secret_jwt", "client-secret-jwt"),
    ("private_key_jwt", "client-jwt"),
    ("tls_client_auth", "client-x509"),
    ("none", "none"),
];

/// Metadata that are kept as they are, each in an attribute.
pub(super) const TEXTS: [(&str, &str); 17] = [
    ("token_endpoint_auth_signing_alg", "token.endpoint.auth.signing.alg"),
    ("tls_client_auth_subject_dn", "x509.subjectdn"),
    ("tls_client_auth_san_dns", "tls_client_auth_san_dns"),
    ("tls_client_auth_san_uri", "tls_client_auth_san_uri"),
    ("tls_client_auth_san_ip", "tls_client_auth_san_ip"),
    ("tls_client_auth_san_email", "tls_client_auth_san_email"),
    ("id_token_signed_response_alg", "id.token.signed.response.alg"),
    ("id_token_encrypted_response_alg", "id.token.encrypted.response.alg"),
    ("id_token_encrypted_response_enc", "id.token.encrypted.response.enc"),
    ("userinfo_signed_response_alg", "user.info.response.signature.alg"),
    ("userinfo_encrypted_response_alg", "user.info.encrypted.response.alg"),
    ("userinfo_encrypted_response_enc", "user.info.encrypted.response.enc"),
    ("backchannel_logout_uri", "backchannel.logout.url"),
    ("frontchannel_logout_uri", "frontchannel.logout.url"),
    ("logo_uri", "logoUri"),
    ("policy_uri", "policyUri"),
    ("tos_uri", "tosUri"),
];
/// The same for lists.
pub(super) const LISTS: [(&str, &str); 3] = [
    ("post_logout_redirect_uris", "post.logout.redirect.uris"),
    ("request_uris", "request.uris"),
    ("default_acr_values", "default.acr.values"),
];
/// The same for booleans, with what they are when they are not given; `None`: then nothing is kept.
pub(super) const FLAGS: [(&str, &str, Option<bool>); 6] = [
    ("tls_client_certificate_bound_access_tokens", "tls.client.certificate.bound.access.tokens", None),
    ("dpop_bound_access_tokens", "dpop.bound.access.tokens", None),
    ("require_pushed_authorization_requests", "require.pushed.authorization.requests", None),
    ("backchannel_logout_session_required", "backchannel.logout.session.required", Some(true)),
    ("backchannel_logout_revoke_offline_tokens", "backchannel.logout.revoke.offline.tokens", Some(false)),
    ("frontchannel_logout_session_required", "frontchannel.logout.session.required", Some(false)),
];

/// What a client says of itself.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClientMetadata {
    pub(super) client_id: Option<String>,
    client_name: Option<String>,
    client_uri: Option<String>,
    redirect_uris: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for ClientMetadata {
    const NAME: &'static str = "OIDCClientRepresentation";
    const STRICT: bool = false;

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl ClientMetadata {
    /// The client as the Admin REST API would be given it.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for a way to authenticate that there is not, one without the key it needs, keys that are not
    /// public, or a value of another type than its name asks for.
    pub(super) fn representation(&self) -> Result<ClientRepresentation, Error> {
        let mut client = ClientRepresentation::default();
        client.client_id.clone_from(&self.client_id);
        client.name.clone_from(&self.client_name);
        client.base_url.clone_from(&self.client_uri);
        client.redirect_uris.clone_from(&self.redirect_uris);
        client.protocol = Some("openid-connect".to_owned());
        client.optional_client_scopes = self
            .scope
            .as_ref()
            .map(|scope| scope.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect());

        let mut attributes = BTreeMap::new();
        self.set_flows(&mut client, &mut attributes);
        self.set_authentication(&mut client, &mut attributes)?;
        self.set_keys(&mut attributes)?;
        self.set_attributes(&mut attributes)?;
        client.attributes = Some(attributes.into_iter().map(|(name, value)| (name, Some(value))).collect());
        Ok(client)
    }

    /// Without `response_types`, a client whose grant types don't name the code has no use for it.
    fn set_flows(&self, client: &mut ClientRepresentation, attributes: &mut BTreeMap<String, String>) {
        let grants = self.grant_types.as_deref();
        let has = |grant: &str| grants.is_some_and(|grants| grants.iter().any(|known| known == grant));
        let responses = self.response_types.as_deref().filter(|types| !types.is_empty());
        let (code, implicit) = match responses {
            Some(types) => {
                let names = |wanted: &[&str]| {
                    types.iter().flat_map(|types| types.split(' ')).any(|name| wanted.contains(&name))
                };
                (names(&["code"]), names(&["token", "id_token"]))
            }
            None => (grants.is_none() || has("authorization_code"), false),
        };
        client.standard_flow_enabled = Some(code);
        client.implicit_flow_enabled = Some(implicit);
        if grants.is_some() {
            client.direct_access_grants_enabled = Some(has("password"));
            client.service_accounts_enabled = Some(has("client_credentials"));
            attributes.insert("use.refresh.tokens".to_owned(), has("refresh_token").to_string());
        }
    }

    fn set_authentication(
        &self,
        client: &mut ClientRepresentation,
        attributes: &mut BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let Some(method) = self.token_endpoint_auth_method.as_deref() else {
            client.client_authenticator_type = Some("client-secret".to_owned());
            client.public_client = Some(false);
            return Ok(());
        };
        let known = AUTHENTICATORS.iter().find(|(name, _)| *name == method);
        let (_, authenticator) = known.ok_or(Error::MetadataInvalid)?;
        if method == "private_key_jwt" && self.jwks_uri.is_none() && !self.has_signature_key() {
            return Err(Error::MetadataInvalid);
        }
        client.client_authenticator_type = Some((*authenticator).to_owned());
        client.public_client = Some(method == "none");
        attributes.insert(AUTHENTICATION_METHOD.to_owned(), method.to_owned());
        Ok(())
    }

    fn keys(&self) -> Option<&Vec<Value>> {
        self.jwks.as_ref()?.get("keys")?.as_array()
    }

    fn has_signature_key(&self) -> bool {
        let signs = |key: &Value| key.get("use").is_none_or(|purpose| purpose == "sig");
        self.keys().is_some_and(|keys| keys.iter().any(signs))
    }

    /// RFC 7591 section 2: `jwks` and `jwks_uri` must not both be given. A key set that holds a private or a shared key was not
    /// meant to be sent.
    fn set_keys(&self, attributes: &mut BTreeMap<String, String>) -> Result<(), Error> {
        let mut set = |name: &str, value: &str| attributes.insert(name.to_owned(), value.to_owned());
        match (&self.jwks, &self.jwks_uri) {
            (Some(_), Some(_)) => return Err(Error::MetadataInvalid),
            (Some(jwks), None) => {
                let keys = self.keys().ok_or(Error::MetadataInvalid)?;
                let is_public =
                    |key: &Value| key.is_object() && ["d", "k"].iter().all(|part| key.get(part).is_none());
                if !keys.iter().all(is_public) {
                    return Err(Error::MetadataInvalid);
                }
                set("jwks.string", &jwks.to_string());
                set("use.jwks.string", "true");
                set("use.jwks.url", "false");
            }
            (None, Some(uri)) => {
                set("jwks.url", uri);
                set("use.jwks.url", "true");
                set("use.jwks.string", "false");
            }
            (None, None) => {}
        }
        Ok(())
    }

    fn set_attributes(&self, attributes: &mut BTreeMap<String, String>) -> Result<(), Error> {
        let given = |name: &str| self.more.get(name).filter(|value| !value.is_null());
        for (name, attribute) in TEXTS {
            if let Some(value) = given(name) {
                let text = value.as_str().ok_or(Error::MetadataInvalid)?;
                attributes.insert(attribute.to_owned(), text.to_owned());
            }
        }
        if given("tls_client_auth_subject_dn").is_some() {
            // RFC 8705 section 2.1.2: the name as it is, not a pattern.
            attributes.insert("x509.allow.regex.pattern.comparison".to_owned(), "false".to_owned());
        }
        for (name, attribute) in LISTS {
            if let Some(value) = given(name) {
                let items = value.as_array().ok_or(Error::MetadataInvalid)?;
                let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                let texts = texts.ok_or(Error::MetadataInvalid)?;
                attributes.insert(attribute.to_owned(), texts.join(SEPARATOR));
            }
        }
        for (name, attribute, absent) in FLAGS {
            let flag = match given(name) {
                Some(value) => Some(value.as_bool().ok_or(Error::MetadataInvalid)?),
                None => absent,
            };
            if let Some(flag) = flag {
                attributes.insert(attribute.to_owned(), flag.to_string());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::representation::{check_client, parse};
    use proptest::prelude::*;
    use serde_json::json;

    fn read(document: Value) -> Result<ClientRepresentation, Error> {
        parse::<ClientMetadata>(document.to_string().as_bytes()).unwrap().representation()
    }

    proptest! {
        #[test]
        fn any_metadata_are_read_or_refused(
            metadata in prop::collection::btree_map(prop::sample::select(NAMES), value(), 0..6)
        ) {
            let body = json!(metadata).to_string();
            if let Ok(client) = parse::<ClientMetadata>(body.as_bytes())
                && let Ok(client) = client.representation()
            {
                let _ = check_client(&client.new_client("r", || "id".to_owned()));
            }
        }
    }

    const NAMES: &[&str] = &[
        "client_id",
        "client_name",
        "client_uri",
        "redirect_uris",
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "scope",
        "jwks",
        "jwks_uri",
        "tos_uri",
        "request_uris",
        "dpop_bound_access_tokens",
        "unknown",
    ];

    fn value() -> impl Strategy<Value = Value> {
        let text =
            prop_oneof![".{0,12}", Just("client_credentials".to_owned()), Just("private_key_jwt".to_owned())];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.prop_map(Value::from),
            Just(json!({ "keys": [{ "kty": "RSA" }, { "d": 1 }, 2] })),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from))
    }

    #[test]
    fn grant_types_choose_the_flows() {
        for (document, code, account, password) in [
            (json!({}), true, None, None),
            (json!({ "grant_types": ["client_credentials"] }), false, Some(true), Some(false)),
            (
                json!({ "grant_types": ["client_credentials", "authorization_code"] }),
                true,
                Some(true),
                Some(false),
            ),
            (json!({ "grant_types": ["password", "urn:unknown"] }), false, Some(false), Some(true)),
            (json!({ "grant_types": [], "response_types": ["code"] }), true, Some(false), Some(false)),
        ] {
            let client = read(document.clone()).ok().unwrap();
            assert_eq!(
                (
                    client.standard_flow_enabled,
                    client.service_accounts_enabled,
                    client.direct_access_grants_enabled
                ),
                (Some(code), account, password),
                "{document}"
            );
        }
    }

    #[test]
    fn each_way_to_authenticate_has_its_authenticator() {
        for (method, authenticator) in AUTHENTICATORS.iter().filter(|(name, _)| *name != "private_key_jwt") {
            let client = read(json!({ "token_endpoint_auth_method": method })).ok().unwrap();
            assert_eq!(client.client_authenticator_type.as_deref(), Some(*authenticator));
            assert_eq!(client.public_client, Some(*method == "none"));
        }
        assert!(read(json!({ "token_endpoint_auth_method": "telepathy" })).is_err());
    }

    #[test]
    fn a_signing_client_brings_public_keys() {
        let method = "private_key_jwt";
        let with = |jwks: Value| read(json!({ "token_endpoint_auth_method": method, "jwks": jwks }));
        let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": "eA", "use": "sig" });
        let client = with(json!({ "keys": [public] })).ok().unwrap();
        assert_eq!(client.client_authenticator_type.as_deref(), Some("client-jwt"));
        let attributes = client.attributes.unwrap();
        assert_eq!(attributes["use.jwks.string"].as_deref(), Some("true"));
        assert!(attributes["jwks.string"].as_deref().unwrap().contains("Ed25519"));

        let encrypting = json!({ "kty": "RSA", "n": "bg", "e": "AQAB", "use": "enc" });
        let private = json!({ "kty": "OKP", "crv": "Ed25519", "x": "eA", "d": "ZA" });
        let shared = json!({ "kty": "oct", "k": "aw" });
        for keys in
            [json!([]), json!([encrypting]), json!([private]), json!([shared]), json!("x"), json!([1])]
        {
            assert!(matches!(with(json!({ "keys": keys })), Err(Error::MetadataInvalid)), "{keys}");
        }
        let both = json!({ "jwks": { "keys": [public] }, "jwks_uri": "https://a.example/jwks" });
        assert!(matches!(read(both), Err(Error::MetadataInvalid)));
        assert!(read(json!({ "token_endpoint_auth_method": method })).is_err());
        assert!(
            read(json!({ "token_endpoint_auth_method": method, "jwks_uri": "https://a.example" })).is_ok()
        );
    }

    #[test]
    fn unknown_metadata_are_ignored_and_known_ones_must_be_of_their_type() {
        let client =
            read(json!({ "software_version": "1", "x": {}, "request_uris": ["a", "b"] })).ok().unwrap();
        assert_eq!(client.attributes.unwrap()["request.uris"].as_deref(), Some("a##b"));
        for document in [
            json!({ "tos_uri": 1 }),
            json!({ "request_uris": "a" }),
            json!({ "request_uris": [1] }),
            json!({ "dpop_bound_access_tokens": "yes" }),
        ] {
            assert!(matches!(read(document), Err(Error::MetadataInvalid)));
        }
    }
}
