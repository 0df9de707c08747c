//! Genuine tokens in the place of others: RFC 8725 sections 2.8 and 3.12, RFC 9700 section 4.

use serde_json::json;

use super::doors::{ID, NOTHING, opened, tokens, trusted};
use crate::app::{Realm, TestApp, claims};

scenarios!(
    id_token_in_the_place_of_others,
    access_or_refresh_token_as_client_assertion,
    token_of_another_client,
    audience_confusion_at_the_token_exchange,
    token_of_a_session_that_has_ended,
);

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn id_token_in_the_place_of_others(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let id = tokens(&billing).await.id;
    assert_eq!(claims(&id)["typ"], "ID");
    assert_eq!(opened(&billing, &id).await, ID);
    let told = billing.introspect(&id).await;
    assert_eq!((&told["typ"], &told["token_type"]), (&json!("ID"), &json!("ID")), "whoever asks is told");
    billing.logout(&id).await.expect(400);
}

/// All of them name the client as `azp`, are signed, and live now.
async fn access_or_refresh_token_as_client_assertion(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await;
    for (kind, algorithm) in [("client-secret-jwt", "HS512"), ("client-jwt", "RS256")] {
        let attributes = json!({
            "jwks.url": realm.app.url(&realm.path("certs")), "use.jwks.url": "true",
            "token.endpoint.auth.signing.alg": algorithm,
        });
        let settings = json!({"clientAuthenticatorType": kind, "attributes": attributes});
        realm.create_service_account_with(kind, settings).await;
        for token in [&genuine.access, &genuine.refresh, &genuine.id] {
            for client_id in [Some("billing"), Some(kind), None] {
                let mut form = vec![
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", token),
                ];
                form.extend(client_id.map(|client_id| ("client_id", client_id)));
                let answer = realm.post_form("token", &form).await;
                assert!(matches!(answer.status, 400 | 401), "{}: {}", answer.status, answer.body);
            }
        }
    }
}

async fn token_of_another_client(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let thief = trusted(&realm, "thief").await;
    let stolen = tokens(&billing).await;
    // Bearer tokens are good for whoever holds them where they are shown, but no client trades or refreshes another's.
    assert_eq!(opened(&thief, &stolen.access).await, ["userinfo", "Admin REST API"]);
    assert_eq!(opened(&thief, &stolen.refresh).await, NOTHING);
    assert_eq!(opened(&thief, &stolen.id).await, NOTHING);
    thief.logout(&stolen.refresh).await.expect(400);
    billing.refresh(&stolen.refresh).await.expect(200);
}

/// RFC 8693 section 2.1: only who is in a token's audience trades it, and gets no audience that it does not have.
async fn audience_confusion_at_the_token_exchange(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let orders = trusted(&realm, "orders").await;
    let subject = tokens(&billing).await.access;
    let exchange = |audience: &'static str| {
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("audience", audience),
        ]
    };
    for audience in ["orders", "billing", "realm-management"] {
        let answer = orders.post("token", &exchange(audience)).await;
        assert!(matches!(answer.status, 400 | 403), "{audience}: {}: {}", answer.status, answer.body);
    }
    for audience in ["nobody", "orders", "master-realm"] {
        let answer = billing.post("token", &exchange(audience)).await;
        assert_eq!(answer.status, 400, "{audience}: {}", answer.body);
    }
    billing.post("token", &exchange("billing")).await.expect(200);
}

async fn token_of_a_session_that_has_ended(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await;
    billing.logout(&genuine.refresh).await.expect(204);
    for token in [&genuine.access, &genuine.refresh, &genuine.id] {
        assert_eq!(opened(&billing, token).await, NOTHING);
    }
    is_alive(&realm).await;
}

/// Nothing that was tried has hurt the realm.
async fn is_alive(realm: &Realm<'_>) {
    let witness = trusted(realm, "witness").await;
    assert!(!opened(&witness, &tokens(&witness).await.access).await.is_empty());
}
