//! Assertions that are grants (RFC 7523 section 2.1).

use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::verify_grant_assertion_response::Outcome;
use latchkey_api::registry::v1::*;
use serde_json::{Value, json};
use tonic::Request;

use crate::identity_providers::provider;
use crate::setting::*;
use crate::signing::*;

const BROKER: &str = "https://broker.example";

async fn broker(s: &Setting, changes: Value) -> (Signer, IdentityProvider) {
    let (key, pem) = pem_key();
    let mut config = json!({ "issuer": BROKER, "jwtAuthorizationGrantEnabled": "true", "publicKeySignatureVerifier": pem });
    for (name, value) in changes.as_object().unwrap() {
        config[name] = value.clone();
    }
    let made = s.create_provider(provider("red", "broker", config), "").await.unwrap();
    (key, made)
}

async fn allow(s: &Setting, client_id: &str, attributes: Value) {
    create(s, client_id, "client-secret", "x", attributes).await;
}

fn token(key: &Signer, changes: Value) -> String {
    signed(key, json!({ "alg": "ES256" }), json!({ "iss": BROKER, "sub": "abc-9" }), changes)
}

async fn verify(s: &Setting, client_id: &str, assertion: &str) -> Result<VerifiedGrant, String> {
    let request = VerifyGrantAssertionRequest {
        realm_id: id_of("red"),
        client_id: client_id.to_owned(),
        assertion: assertion.to_owned(),
        audiences: vec![ISSUER.to_owned(), format!("{ISSUER}/token")],
    };
    match answer(s.service.verify_grant_assertion(Request::new(request)).await).unwrap().outcome.unwrap() {
        Outcome::Verified(verified) => Ok(verified),
        Outcome::Fault(fault) => Err(fault),
    }
}

const ALLOWED: &str = "oauth2.jwt.authorization.grant.enabled";
const PROVIDERS: &str = "oauth2.jwt.authorization.grant.idp";

async fn an_allowed_client_gets_what_the_issuer_signs(s: Setting) {
    let (key, made) = broker(&s, json!({})).await;
    allow(&s, "app", json!({ ALLOWED: "true", PROVIDERS: "other##broker" })).await;
    for aud in [json!(ISSUER), json!(format!("{ISSUER}/token"))] {
        let verified = verify(&s, "app", &token(&key, json!({ "aud": aud, "jti": "j" }))).await.unwrap();
        assert_eq!((verified.identity_provider.as_str(), verified.subject.as_str()), ("broker", "abc-9"));
        let id = AssertionId { id: format!("{}:j", made.id), ttl_s: 51 };
        assert_eq!((verified.used_once, verified.limit_s), (Some(id), 0));
    }
    let mut lenient = made.clone();
    for name in ["jwtAuthorizationGrantAssertionReuseAllowed", "jwtAuthorizationGrantLimitAccessTokenExp"] {
        lenient.config.insert(name.to_owned(), "true".to_owned());
    }
    s.update_provider(lenient, "").await.unwrap();
    let verified = verify(&s, "app", &token(&key, json!({ "jti": null }))).await.unwrap();
    assert_eq!((verified.used_once, verified.limit_s), (None, NOW_MS / 1000 + 50));
}

async fn what_is_no_grant_is_refused_in_keycloaks_words(s: Setting) {
    let (key, made) = broker(&s, json!({ "jwtAuthorizationGrantAssertionSignatureAlg": "ES256" })).await;
    allow(&s, "off", json!({ PROVIDERS: "broker" })).await;
    allow(&s, "other-idp", json!({ ALLOWED: "true", PROVIDERS: "another" })).await;
    allow(&s, "no-idp", json!({ ALLOWED: "true" })).await;
    allow(&s, "app", json!({ ALLOWED: "true", PROVIDERS: "broker" })).await;
    let now = NOW_MS / 1000;
    let good = || token(&key, json!({}));
    let foreign = pem_key().0;
    for (client_id, assertion, words) in [
        ("off", "garbage".to_owned(), "The provided assertion is not a valid JWT"),
        ("off", good(), "JWT Authorization Grant is not supported for the requested client"),
        ("app", token(&key, json!({ "iss": null })), "Missing claim: iss"),
        ("app", token(&key, json!({ "sub": null })), "Missing claim: sub"),
        (
            "app",
            token(&key, json!({ "iss": "https://else.example" })),
            "No Identity Provider for provided issuer",
        ),
        ("other-idp", good(), "Identity Provider is not allowed for the client"),
        ("no-idp", good(), "Identity Provider is not allowed for the client"),
        ("app", token(&key, json!({ "iat": now - 600, "exp": now - 300 })), "Token is not active"),
        (
            "app",
            token(&key, json!({ "iat": now - 301 })),
            "Token was issued too far in the past to be used now",
        ),
        ("app", token(&key, json!({ "jti": null })), "Token jti claim is required"),
        ("app", token(&key, json!({ "aud": null })), "Invalid token audience"),
        ("app", token(&key, json!({ "aud": [ISSUER, "x"] })), "Multiple audiences not allowed"),
        ("app", token(&foreign, json!({})), "Invalid signature"),
        (
            "app",
            signed(&key, json!({ "alg": "none" }), json!({ "iss": BROKER, "sub": "abc-9" }), json!({})),
            "Invalid signature algorithm",
        ),
    ] {
        assert_eq!(verify(&s, client_id, &assertion).await, Err(words.to_owned()), "{client_id}");
    }
    assert!(verify(&s, "app", &good()).await.is_ok());
    s.update_provider(IdentityProvider { enabled: false, ..made }, "").await.unwrap();
    let unknown = "No Identity Provider for provided issuer".to_owned();
    assert_eq!(verify(&s, "app", &good()).await, Err(unknown));
}

async fn attack_a_grant_without_a_signature(s: Setting) {
    // Also where Keycloak's switch for validating signatures is off.
    let (key, _) = broker(&s, json!({ "validateSignature": "false" })).await;
    allow(&s, "app", json!({ ALLOWED: "true", PROVIDERS: "broker" })).await;
    for (signer, alg) in [(&pem_key().0, "ES256"), (&key, "none"), (&key, "HS256"), (&key, "RS256")] {
        let assertion =
            signed(signer, json!({ "alg": alg }), json!({ "iss": BROKER, "sub": "abc-9" }), json!({}));
        assert_eq!(verify(&s, "app", &assertion).await, Err("Invalid signature".to_owned()), "{alg}");
    }
}

contract!(
    an_allowed_client_gets_what_the_issuer_signs,
    what_is_no_grant_is_refused_in_keycloaks_words,
    attack_a_grant_without_a_signature,
);
