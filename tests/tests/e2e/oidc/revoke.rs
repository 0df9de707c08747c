//! `POST /realms/{realm}/protocol/openid-connect/revoke`, RFC 7009.

use serde_json::json;

use crate::app::TestApp;

scenarios!(
    revoking_a_refresh_token_ends_its_session,
    revoking_an_access_token_kills_that_token_only,
    a_token_of_another_client_is_not_revoked,
    an_unknown_token_is_no_failure,
);

async fn revoking_a_refresh_token_ends_its_session(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let answer = billing.token().await.expect(200);

    let revoked = billing.post("revoke", &[("token", &answer.text("refresh_token"))]).await.expect(200);
    assert_eq!((revoked.body.as_str(), revoked.header("content-type")), ("", ""));
    billing.refresh(&answer.text("refresh_token")).await.is_refusal(
        400,
        "invalid_grant",
        "Session not active",
    );
    assert_eq!(billing.introspect(&answer.text("access_token")).await["active"], false);
}

async fn revoking_an_access_token_kills_that_token_only(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let (one, two) = (billing.token().await.expect(200), billing.token().await.expect(200));

    billing.post("revoke", &[("token", &one.text("access_token"))]).await.expect(200);
    assert_eq!(billing.introspect(&one.text("access_token")).await["active"], false);
    assert_eq!(billing.introspect(&two.text("access_token")).await["active"], true);
    let refreshed = billing.refresh(&one.text("refresh_token")).await.expect(200);
    assert_eq!(billing.introspect(&refreshed.text("access_token")).await["active"], true);
}

async fn a_token_of_another_client_is_not_revoked(app: &TestApp) {
    let realm = app.realm().await;
    let (billing, other) = (realm.create_refreshing("billing").await, realm.create_refreshing("other").await);
    let answer = billing.token().await.expect(200);
    for token in ["access_token", "refresh_token"] {
        other.post("revoke", &[("token", &answer.text(token))]).await.is_refusal(
            400,
            "invalid_request",
            "Unmatching clients",
        );
    }
    billing.refresh(&answer.text("refresh_token")).await.expect(200);
}

async fn an_unknown_token_is_no_failure(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let answer = billing.post("revoke", &[("token", "garbage")]).await.expect(200);
    assert_eq!(answer.json(), json!({"error": "invalid_token", "error_description": "Invalid token"}));
}
