//! Identity providers: made, read, replaced and deleted; and what is refused.

use std::collections::BTreeMap;

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use serde_json::{Value, json};
use tonic::{Request, Status};

use crate::setting::*;

/// An OpenID Connect provider with this configuration.
pub(crate) fn provider(realm: &str, alias: &str, config: Value) -> IdentityProvider {
    let config: BTreeMap<String, String> = serde_json::from_value(config).unwrap();
    IdentityProvider {
        realm_id: id_of(realm),
        alias: alias.to_owned(),
        provider_id: "oidc".to_owned(),
        enabled: true,
        config,
        settings_json: r#"{"displayName":"shown"}"#.to_owned(),
        ..IdentityProvider::default()
    }
}

/// What makes an issuer one whose assertions authenticate clients.
pub(crate) fn trusted(issuer: &str, pem: &str) -> Value {
    json!({
        "issuer": issuer, "validateSignature": "true", "supportsClientAssertions": "true",
        "publicKeySignatureVerifier": pem,
    })
}

impl Setting {
    pub(crate) async fn create_provider(
        &self,
        provider: IdentityProvider,
        secret: &str,
    ) -> Result<IdentityProvider, Status> {
        let request = CreateIdentityProviderRequest {
            identity_provider: Some(provider),
            client_secret: secret.to_owned(),
            admin_event: None,
        };
        let made = answer(self.service.create_identity_provider(Request::new(request)).await)?;
        Ok(made.identity_provider.unwrap())
    }

    pub(crate) async fn update_provider(
        &self,
        provider: IdentityProvider,
        secret: &str,
    ) -> Result<IdentityProvider, Status> {
        let request = UpdateIdentityProviderRequest {
            identity_provider: Some(provider),
            client_secret: secret.to_owned(),
            admin_event: None,
        };
        let updated = answer(self.service.update_identity_provider(Request::new(request)).await)?;
        Ok(updated.identity_provider.unwrap())
    }

    async fn provider(&self, realm: &str, alias: &str) -> Result<IdentityProvider, Status> {
        let request = GetIdentityProviderRequest { realm_id: id_of(realm), alias: alias.to_owned() };
        let found = answer(self.service.get_identity_provider(Request::new(request)).await)?;
        Ok(found.identity_provider.unwrap())
    }

    pub(crate) async fn delete_provider(
        &self,
        realm: &str,
        alias: &str,
    ) -> Result<DeleteIdentityProviderResponse, Status> {
        let request = DeleteIdentityProviderRequest {
            realm_id: id_of(realm),
            alias: alias.to_owned(),
            admin_event: None,
        };
        answer(self.service.delete_identity_provider(Request::new(request)).await)
    }

    async fn aliases(&self, realm: &str) -> Vec<String> {
        let request = ListIdentityProvidersRequest { realm_id: id_of(realm) };
        let listed = answer(self.service.list_identity_providers(Request::new(request)).await).unwrap();
        listed.identity_providers.into_iter().map(|provider| provider.alias).collect()
    }
}

async fn a_provider_is_made_read_replaced_and_deleted(s: Setting) {
    for realm in REALMS {
        for alias in ["b", "C", "a"] {
            s.create_provider(provider(realm, alias, json!({ "authorizationUrl": "x" })), "").await.unwrap();
        }
        assert_eq!(s.aliases(realm).await, ["C", "a", "b"]);
    }
    let read = s.provider("red", "a").await.unwrap();
    assert_eq!((read.version, read.has_client_secret, read.enabled), (1, false, true));
    assert_eq!(read.config["authorizationUrl"], "x");
    assert_eq!(read.settings_json, r#"{"displayName":"shown"}"#);

    let other = IdentityProvider { alias: "another".to_owned(), enabled: false, ..read.clone() };
    let updated = s.update_provider(other, "").await.unwrap();
    assert_eq!(
        (updated.alias.as_str(), updated.version, updated.enabled),
        ("a", 2, false),
        "the alias stays"
    );
    assert_eq!(s.provider("red", "a").await.unwrap(), updated);
    assert_eq!(why(s.update_provider(read, "").await), "VERSION_MISMATCH");
    assert_eq!(s.provider("blue", "a").await.unwrap().version, 1);

    s.delete_provider("red", "a").await.unwrap();
    assert_eq!(why(s.provider("red", "a").await), "IDENTITY_PROVIDER_NOT_FOUND");
    assert_eq!(why(s.delete_provider("red", "a").await), "IDENTITY_PROVIDER_NOT_FOUND");
    assert_eq!(why(s.update_provider(updated, "").await), "IDENTITY_PROVIDER_NOT_FOUND");
    assert_eq!(
        (s.aliases("red").await, s.aliases("blue").await.len()),
        (vec!["C".to_owned(), "b".to_owned()], 3)
    );
}

async fn what_cannot_be_trusted_is_refused(s: Setting) {
    let refused = |changes: Value, provider_id: &str| {
        let mut config = trusted("https://a.example", "");
        for (name, value) in changes.as_object().unwrap() {
            config[name] = value.clone();
        }
        IdentityProvider { provider_id: provider_id.to_owned(), ..provider("red", "x", config) }
    };
    for (changes, provider_id, words) in [
        (json!({}), "nonsense", "Invalid identity provider id [nonsense]"),
        (json!({}), "", "Invalid identity provider id [null]"),
        (json!({ "issuer": " " }), "oidc", "Issuer is required"),
        (json!({ "jwksUrl": "file:///etc/passwd" }), "oidc", "The url [jwks_url] is malformed"),
        (json!({ "jwksUrl": "keys" }), "oidc", "The url [jwks_url] is malformed"),
        (json!({ "bundleEndpoint": "//x" }), "spiffe", "The url [bundleEndpoint] is malformed"),
        (json!({ "issuer": "" }), "spiffe", "Issuer is required"),
    ] {
        let status = s.create_provider(refused(changes, provider_id), "").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (tonic::Code::InvalidArgument, words));
    }
    let zero = refused(json!({ "issuer": "a\0b" }), "oidc");
    assert_eq!(s.create_provider(zero, "").await.unwrap_err().code(), tonic::Code::InvalidArgument);
    let nowhere = provider("nowhere", "x", json!({}));
    assert_eq!(why(s.create_provider(nowhere, "").await), "REALM_NOT_FOUND");
    s.create_provider(provider("red", "x", json!({})), "").await.unwrap();
    assert_eq!(why(s.create_provider(provider("red", "x", json!({})), "").await), "IDENTITY_PROVIDER_EXISTS");
    for kind in ["saml", "github", "keycloak-oidc"] {
        let stored = IdentityProvider { provider_id: kind.to_owned(), ..provider("red", kind, json!({})) };
        s.create_provider(stored, "").await.unwrap();
    }
}

async fn an_issuer_is_one_provider_of_a_realm(s: Setting) {
    let config = || trusted("https://a.example", "");
    let first = s.create_provider(provider("red", "first", config()), "").await.unwrap();
    s.create_provider(provider("blue", "first", config()), "").await.unwrap();
    let taken = s.create_provider(provider("red", "second", config()), "").await.unwrap_err();
    let words = "Issuer URL already used for IDP 'first', Issuer must be unique if the idp supports JWT Authorization \
                 Grant or Federated Client Authentication";
    assert_eq!(taken.message(), words);
    let idle = json!({ "issuer": "https://a.example" });
    let second = s.create_provider(provider("red", "second", idle), "").await.unwrap();
    let armed = IdentityProvider { config: serde_json::from_value(config()).unwrap(), ..second };
    assert_eq!(s.update_provider(armed.clone(), "").await.unwrap_err().message(), words);
    s.update_provider(IdentityProvider { enabled: false, ..first }, "").await.unwrap();
    s.update_provider(armed, "").await.unwrap();
}

async fn a_client_secret_is_kept_replaced_or_dropped_but_never_shown(s: Setting) {
    let hidden = json!({ "clientId": "x", "clientSecret": "in the wrong place" });
    let made = s.create_provider(provider("red", "a", hidden), "hush").await.unwrap();
    assert!(made.has_client_secret && !made.config.contains_key("clientSecret"));
    let kept = s.update_provider(made, "").await.unwrap();
    assert!(kept.has_client_secret);
    let replaced =
        s.update_provider(IdentityProvider { has_client_secret: false, ..kept }, "new").await.unwrap();
    assert!(replaced.has_client_secret);
    let dropped =
        s.update_provider(IdentityProvider { has_client_secret: false, ..replaced }, "").await.unwrap();
    assert!(!dropped.has_client_secret);
    assert!(!s.provider("red", "a").await.unwrap().has_client_secret);
}

#[tokio::test]
async fn no_client_secret_stands_in_clear_in_the_file() {
    let s = Setting::sqlite().await;
    let plain = json!({ "authorizationUrl": "https://readable.example" });
    s.create_provider(provider("red", "a", plain), "a-secret-of-a-provider").await.unwrap();
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(s.folder.as_ref().unwrap().path()).unwrap() {
        seen.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &str| seen.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("readable.example") && !holds("a-secret-of-a-provider"));
}

async fn changes_are_logged_by_alias(s: Setting) {
    let request = CreateIdentityProviderRequest {
        identity_provider: Some(provider("red", "a", json!({}))),
        ..CreateIdentityProviderRequest::default()
    };
    let made = answer(s.service.create_identity_provider(Request::new(request)).await).unwrap();
    let id = made.identity_provider.unwrap().id;
    let deleted = s.delete_provider("red", "a").await.unwrap();
    for (revision, operation) in [(made.revision, Operation::Created), (deleted.revision, Operation::Deleted)]
    {
        let change = s.change(revision).await;
        assert_eq!((change.entity.as_str(), change.operation()), ("identity_provider", operation));
        assert_eq!((change.entity_id, change.payload_json), (id.clone(), r#"{"alias":"a"}"#.to_owned()));
        assert_eq!(change.realm_id, id_of("red"));
    }
}

async fn providers_go_with_their_realm(s: Setting) {
    for realm in REALMS {
        s.create_provider(provider(realm, "a", json!({})), "hush").await.unwrap();
    }
    let request = DeleteRealmRequest { realm_id: id_of("red"), admin_event: None };
    answer(s.service.delete_realm(Request::new(request)).await).unwrap();
    assert_eq!((s.aliases("red").await.len(), s.aliases("blue").await.len()), (0, 1));
}

contract!(
    a_provider_is_made_read_replaced_and_deleted,
    what_cannot_be_trusted_is_refused,
    an_issuer_is_one_provider_of_a_realm,
    a_client_secret_is_kept_replaced_or_dropped_but_never_shown,
    changes_are_logged_by_alias,
    providers_go_with_their_realm,
);
