//! The action by which clients are told of not-before.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation, decode};
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::*;
use serde_json::{Value, json};
use tonic::Request;

use crate::setting::*;

async fn sign(s: &Setting, algorithm: &str) -> String {
    let request = SignNotBeforeRequest {
        realm_id: "red".to_owned(),
        algorithm: algorithm.to_owned(),
        client_id: "a \"client\"".to_owned(),
        not_before_s: 7,
    };
    answer(s.service.sign_not_before(Request::new(request)).await).unwrap().action
}

async fn an_action_has_keycloaks_claims_and_no_others(s: Setting) {
    for algorithm in ["RS256", "ES256"] {
        let action = sign(&s, algorithm).await;
        let jwks = s.jwks("red").await;
        let jwk = jwks.iter().find(|jwk| jwk["kid"] == part(&action, 0)["kid"]).unwrap();
        let jwk: Jwk = serde_json::from_value(jwk.clone()).unwrap();
        let mut validation = Validation::new(algorithm.parse().unwrap());
        validation.required_spec_claims.clear();
        let claims =
            decode::<Value>(&action, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap().claims;
        let id = claims["id"].as_str().unwrap();
        assert!(id.len() == 36 && !sign(&s, algorithm).await.contains(id));
        let expected = json!({
            "id": id,
            "expiration": NOW_MS / 1000 + 30,
            "resource": "a \"client\"",
            "action": "PUSH_NOT_BEFORE",
            "notBefore": 7,
        });
        assert_eq!(claims, expected);
    }
}

async fn an_action_names_nothing_that_a_token_names(s: Setting) {
    let read = s.verified("red", &sign(&s, "RS256").await).await;
    let texts =
        [&read.token_type, &read.jti, &read.issuer, &read.azp, &read.subject, &read.session_id, &read.scope];
    assert!(texts.iter().all(|text| text.is_empty()), "{texts:?}");
    assert_eq!((read.issued_at_s, read.expires_at_s), (0, 0));
}

contract!(an_action_has_keycloaks_claims_and_no_others, an_action_names_nothing_that_a_token_names);
