//! `POST /realms/{realm}/protocol/openid-connect/token/introspect`, RFC 7662.

use serde_json::json;

use crate::app::{Answer, ServiceAccount, TestApp, claims, header_of};

scenarios!(
    only_who_is_in_the_audience_sees_an_active_token,
    a_refresh_token_needs_its_hint_and_its_own_client,
    the_answer_tells_the_state_of_now,
    whatever_is_no_live_token_is_inactive,
    a_bad_request_is_told_as_keycloak_does,
    who_asks_for_a_jwt_is_told_in_one,
);

async fn only_who_is_in_the_audience_sees_an_active_token(app: &TestApp) {
    let realm = app.realm().await;
    let (billing, other) =
        (realm.create_service_account("billing").await, realm.create_service_account("other").await);
    let token = billing.access_token().await;
    assert_eq!(billing.introspect(&token).await, json!({"active": false}), "not even the token's own client");

    billing.hear_itself().await;
    let token = billing.access_token().await;
    let seen = billing.introspect(&token).await;
    assert_eq!(seen["active"], true);
    assert_eq!((&seen["client_id"], &seen["token_type"]), (&json!("billing"), &json!("Bearer")));
    assert_eq!(seen["username"], "service-account-billing");
    assert_eq!(seen["iss"], realm.issuer());
    assert_eq!(other.introspect(&token).await, json!({"active": false}));
}

async fn a_refresh_token_needs_its_hint_and_its_own_client(app: &TestApp) {
    let realm = app.realm().await;
    let (billing, other) = (realm.create_refreshing("billing").await, realm.create_refreshing("other").await);
    let refresh_token = billing.token().await.expect(200).text("refresh_token");

    let seen = billing.introspect_refresh(&refresh_token).await;
    assert_eq!((&seen["active"], &seen["typ"]), (&json!(true), &json!("Refresh")));
    assert_eq!(billing.introspect(&refresh_token).await, json!({"active": false}));
    assert_eq!(other.introspect_refresh(&refresh_token).await, json!({"active": false}));
}

async fn the_answer_tells_the_state_of_now(app: &TestApp) {
    let realm = app.realm().await;
    let reader = realm.role("reader").await;
    let billing = realm.create_service_account("billing").await;
    billing.hear_itself().await;
    let token = billing.access_token().await;
    assert!(!billing.introspect(&token).await["realm_access"].to_string().contains("reader"));

    billing.grant(&[&reader]).await;
    assert!(billing.introspect(&token).await["realm_access"].to_string().contains("reader"));
}

async fn whatever_is_no_live_token_is_inactive(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    billing.hear_itself().await;
    let good = billing.access_token().await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    let tampered = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for token in ["", "garbage", "a.b.c", &unsigned, &tampered, &format!("{good}x")] {
        assert_eq!(billing.introspect(token).await, json!({"active": false}), "{token}");
    }
}

async fn a_bad_request_is_told_as_keycloak_does(app: &TestApp) {
    let realm = app.realm().await;
    let mut billing = realm.create_service_account("billing").await;
    let token = billing.access_token().await;
    billing.post("token/introspect", &[]).await.is_refusal(400, "invalid_request", "Token not provided.");
    billing.post("token/introspect", &[("token", &token), ("token_type_hint", "nope")]).await.is_refusal(
        400,
        "invalid_request",
        "Unsupported token type.",
    );
    realm.post_form("token/introspect", &[("token", &token), ("client_id", "admin-cli")]).await.is_refusal(
        403,
        "invalid_request",
        "Client not allowed.",
    );
    billing.secret.push('x');
    billing.post("token/introspect", &[("token", &token)]).await.is_refusal(
        401,
        "invalid_client",
        "Client authentication failed.",
    );
}

/// RFC 9701.
async fn who_asks_for_a_jwt_is_told_in_one(app: &TestApp) {
    let realm = app.realm().await;
    let settings = json!({"attributes": {"introspection.signed.response.alg": "ES256"}});
    let billing = realm.create_service_account_with("billing", settings).await;
    billing.hear_itself().await;
    let token = billing.access_token().await;
    let answer = introspect_as_jwt(&billing, &token).await;
    assert_eq!(answer.header("content-type"), "application/token-introspection+jwt");
    let header = header_of(&answer.body);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("token-introspection+jwt"), &json!("ES256")));
    let keys = realm.document("/protocol/openid-connect/certs").await.json();
    assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]), "{keys}");
    let told = claims(&answer.body);
    assert_eq!((&told["iss"], &told["aud"]), (&json!(realm.issuer()), &json!("billing")));
    assert!(told["iat"].is_i64() && told.get("exp").is_none() && told.get("sub").is_none(), "{told}");
    assert_eq!(told["token_introspection"], billing.introspect(&token).await);

    let inactive = introspect_as_jwt(&billing, "no token").await;
    assert_eq!(claims(&inactive.body)["token_introspection"], json!({"active": false}));

    // What was told is no token.
    assert_eq!(billing.introspect(&answer.body).await, json!({"active": false}));
    let userinfo = app.http.get(app.url(&realm.path("userinfo"))).bearer_auth(&answer.body);
    assert_eq!(userinfo.send().await.unwrap().status(), 403, "it has no scope either");
    let admin = app.http.get(app.url(&format!("/admin/realms/{}", realm.name))).bearer_auth(&answer.body);
    assert_eq!(admin.send().await.unwrap().status(), 401);
}

async fn introspect_as_jwt(client: &ServiceAccount<'_>, token: &str) -> Answer {
    let app = client.realm.app;
    let request = app
        .http
        .post(app.url(&client.realm.path("token/introspect")))
        .header("authorization", client.basic())
        .header("accept", "application/token-introspection+jwt")
        .form(&[("token", token)]);
    Answer::read(request.send().await.unwrap()).await.unwrap().expect(200)
}
