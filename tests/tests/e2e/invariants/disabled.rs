//! Invariant 1: no token for a disabled realm, client or account, or a client without a service account: at once on the gateway
//! that answered the administrator.

use reqwest::Method;
use serde_json::json;

use crate::app::TestApp;

scenarios!(
    a_disabled_realm_refuses_at_once,
    a_disabled_client_refuses_at_once,
    a_disabled_account_refuses_at_once,
    an_unset_service_account_refuses_at_once,
    a_token_from_before_not_before_counts_no_more,
);

async fn a_disabled_realm_refuses_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    for _ in 0..3 {
        let answer = billing.token().await.expect(200);
        realm.update(json!({"enabled": false})).await;
        billing.token().await.is_refusal(403, "access_denied", "Realm not enabled");
        billing.refresh(&answer.text("refresh_token")).await.is_refusal(
            403,
            "access_denied",
            "Realm not enabled",
        );
        realm.update(json!({"enabled": true})).await;
    }
    billing.token().await.expect(200);
}

async fn a_disabled_client_refuses_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let refused = (401, "invalid_client", "Invalid client or Invalid client credentials");
    for _ in 0..3 {
        let answer = billing.token().await.expect(200);
        billing.update(json!({"enabled": false})).await;
        billing.token().await.is_refusal(refused.0, refused.1, refused.2);
        billing.refresh(&answer.text("refresh_token")).await.is_refusal(refused.0, refused.1, refused.2);
        billing.update(json!({"enabled": true})).await;
    }
    billing.token().await.expect(200);
}

async fn a_disabled_account_refuses_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let user = format!("/users/{}", billing.user().await);
    for _ in 0..3 {
        let answer = billing.token().await.expect(200);
        realm.admin(Method::PUT, &user, Some(&json!({"enabled": false}))).await.expect(204);
        billing.token().await.is_refusal(401, "invalid_request", "User 'service-account-billing' disabled");
        billing.refresh(&answer.text("refresh_token")).await.is_refusal(
            400,
            "invalid_grant",
            "User disabled",
        );
        assert_eq!(billing.introspect(&answer.text("access_token")).await["active"], false);
        realm.admin(Method::PUT, &user, Some(&json!({"enabled": true}))).await.expect(204);
    }
    billing.token().await.expect(200);
}

async fn an_unset_service_account_refuses_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    for _ in 0..3 {
        billing.token().await.expect(200);
        billing.update(json!({"serviceAccountsEnabled": false})).await;
        billing.token().await.is_refusal(
            401,
            "unauthorized_client",
            "Client not enabled to retrieve service account",
        );
        billing.update(json!({"serviceAccountsEnabled": true})).await;
    }
    billing.token().await.expect(200);
}

async fn a_token_from_before_not_before_counts_no_more(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let answer = billing.token().await.expect(200);
    let issued = crate::app::claims(&answer.text("access_token"))["iat"].as_i64().unwrap();
    assert_eq!(billing.introspect(&answer.text("access_token")).await["active"], true);

    realm.update(json!({"notBefore": issued + 1})).await;
    billing.refresh(&answer.text("refresh_token")).await.is_refusal(400, "invalid_grant", "Stale token");
    assert_eq!(billing.introspect(&answer.text("access_token")).await["active"], false);
}
