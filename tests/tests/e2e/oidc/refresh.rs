//! `grant_type=refresh_token`, RFC 6749 section 6.

use futures::StreamExt as _;
use futures::stream;
use serde_json::json;

use crate::app::{TestApp, claims, header_of};

scenarios!(
    a_refresh_token_comes_only_where_the_client_wants_it,
    without_rotation_a_refresh_token_can_be_used_again,
    with_rotation_a_refresh_token_is_spent_once,
    of_a_thousand_uses_at_once_exactly_one_wins,
    roles_are_read_anew_at_each_refresh,
    a_refresh_can_narrow_the_scope_but_not_widen_it,
    another_client_cannot_use_a_refresh_token,
    what_is_no_refresh_token_is_refused,
);

async fn a_refresh_token_comes_only_where_the_client_wants_it(app: &TestApp) {
    let realm = app.realm_with(json!({"ssoSessionIdleTimeout": 900})).await;
    let plain = realm.create_service_account("plain").await;
    let refreshing = realm.create_refreshing("refreshing").await;
    assert_eq!(plain.token().await.expect(200).json()["refresh_token"], json!(null));

    let answer = refreshing.token().await.expect(200);
    let refresh_token = answer.text("refresh_token");
    assert_eq!(answer.json()["refresh_expires_in"], 900);
    assert_eq!(header_of(&refresh_token)["alg"], "HS512", "only this server reads it");
    let refresh = claims(&refresh_token);
    assert_eq!((&refresh["typ"], &refresh["azp"]), (&json!("Refresh"), &json!("refreshing")));
    assert_eq!((&refresh["aud"], &refresh["iss"]), (&json!(realm.issuer()), &json!(realm.issuer())));
    let access = claims(&answer.text("access_token"));
    assert_eq!(access["sid"], answer.json()["session_state"]);
    assert_eq!(access["sid"], refresh["sid"]);
}

async fn without_rotation_a_refresh_token_can_be_used_again(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let first = billing.token().await.expect(200);

    let second = billing.refresh(&first.text("refresh_token")).await.expect(200);
    assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
    assert_eq!(second.text("session_state"), first.text("session_state"));
    for refresh_token in [first.text("refresh_token"), second.text("refresh_token")] {
        billing.refresh(&refresh_token).await.expect(200);
    }
}

async fn with_rotation_a_refresh_token_is_spent_once(app: &TestApp) {
    let realm = app.realm_with(json!({"revokeRefreshToken": true, "refreshTokenMaxReuse": 0})).await;
    let billing = realm.create_refreshing("billing").await;
    let first = billing.token().await.expect(200).text("refresh_token");
    let second = billing.refresh(&first).await.expect(200).text("refresh_token");
    let third = billing.refresh(&second).await.expect(200).text("refresh_token");

    billing.refresh(&second).await.is_refusal(
        400,
        "invalid_grant",
        "Maximum allowed refresh token reuse exceeded",
    );
    // The replay has ended the family: its newest token is worth nothing either.
    billing.refresh(&third).await.is_refusal(400, "invalid_grant", "Session doesn't have required client");
    billing.token().await.expect(200);
}

async fn of_a_thousand_uses_at_once_exactly_one_wins(app: &TestApp) {
    const USES: usize = 1000;
    let realm = app.realm_with(json!({"revokeRefreshToken": true, "refreshTokenMaxReuse": 0})).await;
    let billing = realm.create_refreshing("billing").await;
    let refresh_token = billing.token().await.expect(200).text("refresh_token");

    let uses = stream::iter(0..USES).map(|_| billing.refresh(&refresh_token)).buffer_unordered(USES);
    let answers: Vec<_> = uses.collect().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, USES - 1));
    for answer in &lost {
        let (status, error, description) = answer.refusal();
        assert_eq!((status, error.as_str()), (400, "invalid_grant"), "{description}");
    }
    billing.refresh(&won[0].text("refresh_token")).await.is_refusal(
        400,
        "invalid_grant",
        "Session doesn't have required client",
    );
}

async fn roles_are_read_anew_at_each_refresh(app: &TestApp) {
    let realm = app.realm().await;
    let reader = realm.role("reader").await;
    let billing = realm.create_refreshing("billing").await;
    let answer = billing.token().await.expect(200);
    let roles = |token: &str| claims(token)["realm_access"]["roles"].to_string();
    assert!(!roles(&answer.text("access_token")).contains("reader"));

    billing.grant(&[&reader]).await;
    let answer = billing.refresh(&answer.text("refresh_token")).await.expect(200);
    assert!(roles(&answer.text("access_token")).contains("reader"));
}

async fn a_refresh_can_narrow_the_scope_but_not_widen_it(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let granted = billing.token_with(&[("scope", "openid phone")]).await.expect(200);
    assert!(granted.text("scope").contains("phone"));

    let refresh_token = granted.text("refresh_token");
    let refresh = async |scope: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh_token), ("scope", scope)];
        billing.post("token", &form).await
    };
    let narrowed = refresh("openid").await.expect(200).text("scope");
    assert!(!narrowed.contains("phone") && narrowed.contains("email"), "{narrowed}");
    let known = refresh("address").await.expect(200).text("scope");
    assert!(!known.contains("address"), "a scope that was not granted is dropped: {known}");
    refresh("nope").await.is_refusal(400, "invalid_scope", "Invalid scopes: nope");
}

async fn another_client_cannot_use_a_refresh_token(app: &TestApp) {
    let realm = app.realm().await;
    let (billing, thief) = (realm.create_refreshing("billing").await, realm.create_refreshing("thief").await);
    let refresh_token = billing.token().await.expect(200).text("refresh_token");
    thief.refresh(&refresh_token).await.is_refusal(
        400,
        "invalid_grant",
        "Invalid refresh token. Token client and authorized client don't match",
    );
    billing.refresh(&refresh_token).await.expect(200);
}

async fn what_is_no_refresh_token_is_refused(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let answer = billing.token_with(&[("scope", "openid")]).await.expect(200);
    let good = answer.text("refresh_token");
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other_signature = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let garbage = ["garbage", "", &other_signature, &answer.text("access_token"), &answer.text("id_token")];
    for token in garbage {
        billing.refresh(token).await.is_refusal(400, "invalid_grant", "Invalid refresh token");
    }
    billing.post("token", &[("grant_type", "refresh_token")]).await.is_refusal(
        400,
        "invalid_request",
        "No refresh token",
    );
}
