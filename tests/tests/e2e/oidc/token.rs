//! `POST /realms/{realm}/protocol/openid-connect/token`.

use reqwest::Version;
use serde_json::json;

use crate::app::{TestApp, claims, header_of};

scenarios!(
    the_classic_answer_is_the_one_of_the_readme,
    the_current_answer_has_neither_session_nor_refresh_token,
    the_classic_prefix_names_itself_in_the_issuer,
    an_access_token_tells_who_asked_and_from_where,
    every_token_has_an_id_of_its_own,
    a_client_chooses_how_long_its_tokens_live,
);

async fn the_classic_answer_is_the_one_of_the_readme(app: &TestApp) {
    let answer = app.demo_token().await.expect("a token");

    assert_eq!(answer.version, Version::HTTP_11);
    for (name, value) in [
        ("content-type", "application/json;charset=UTF-8"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let body = answer.json();
    let mut members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(
        members,
        [
            "access_token",
            "expires_in",
            "id_token",
            "not-before-policy",
            "refresh_expires_in",
            "refresh_token",
            "session_state",
            "token_type",
        ]
    );
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 60);
    assert_eq!(body["refresh_expires_in"], 600);
    assert_eq!(body["not-before-policy"], 0);

    let access_token = claims(&answer.text("access_token"));
    assert_eq!(access_token["realm_access"], json!({"roles": ["product-reader"]}), "the intersection");
    assert_eq!(access_token["iss"], app.url("/auth/realms/demo"));
    assert_eq!(access_token["sid"], body["session_state"]);
    assert_eq!(claims(&answer.text("refresh_token"))["typ"], "Refresh");
    assert_eq!(claims(&answer.text("id_token"))["aud"], "product-sa-client");
}

async fn the_current_answer_has_neither_session_nor_refresh_token(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;

    let answer = billing.token().await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    let mut members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(
        members,
        ["access_token", "expires_in", "not-before-policy", "refresh_expires_in", "scope", "token_type"]
    );
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(300)));
    assert_eq!(body["refresh_expires_in"], 0);
    assert_eq!(claims(&answer.text("access_token"))["sid"], json!(null));

    let sessions = realm.get(&format!("{}/session-count", billing.path())).await;
    assert_eq!(sessions["count"], 0);
}

async fn the_classic_prefix_names_itself_in_the_issuer(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    for prefix in ["", "/auth"] {
        let url = app.url(&format!("{prefix}{}", realm.path("token")));
        let answer =
            billing.post_at(&url, &[("grant_type", "client_credentials")]).await.unwrap().expect(200);
        let issuer = app.url(&format!("{prefix}/realms/{}", realm.name));
        assert_eq!(claims(&answer.text("access_token"))["iss"], issuer);
    }
}

async fn an_access_token_tells_who_asked_and_from_where(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("Billing").await;

    let token = billing.access_token().await;
    let header = header_of(&token);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    let claims = claims(&token);
    for (claim, value) in [
        ("typ", json!("Bearer")),
        ("azp", json!("Billing")),
        ("client_id", json!("Billing")),
        ("clientHost", json!("127.0.0.1")),
        ("clientAddress", json!("127.0.0.1")),
        ("preferred_username", json!("service-account-billing")),
        ("email_verified", json!(false)),
        ("acr", json!("1")),
        ("iss", json!(realm.issuer())),
        ("sub", json!(billing.user().await)),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert!(claims["jti"].as_str().unwrap().starts_with("trrtcc:"));
}

async fn every_token_has_an_id_of_its_own(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let tokens = futures::future::join_all((0..20).map(|_| billing.access_token())).await;
    let ids: std::collections::HashSet<String> =
        tokens.iter().map(|token| claims(token)["jti"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), tokens.len());
}

async fn a_client_chooses_how_long_its_tokens_live(app: &TestApp) {
    let realm = app.realm_with(json!({"accessTokenLifespan": 90})).await;
    let billing = realm.create_service_account("billing").await;
    assert_eq!(billing.token().await.expect(200).json()["expires_in"], 90);

    billing.update(json!({"attributes": {"access.token.lifespan": "1230"}})).await;
    assert_eq!(billing.token().await.expect(200).json()["expires_in"], 1230);
}
