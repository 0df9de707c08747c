//! Invariant 4: one realm can neither see nor slow another.

use reqwest::Method;
use serde_json::json;

use crate::app::TestApp;

scenarios!(
    equal_client_names_in_two_realms_are_two_clients,
    a_token_of_one_realm_is_nothing_in_another,
    an_id_of_one_realm_is_not_found_in_another,
);

async fn equal_client_names_in_two_realms_are_two_clients(app: &TestApp) {
    let (one, two) = (app.realm().await, app.realm().await);
    let mine = one.create_service_account_with("billing", json!({"secret": "mine"})).await;
    let mut yours = two.create_service_account_with("billing", json!({"secret": "yours"})).await;
    let mine = crate::app::ServiceAccount { secret: "mine".to_owned(), ..mine };
    let reader = one.role("reader").await;
    two.role("reader").await;
    mine.grant(&[&reader]).await;

    yours.secret = "mine".to_owned();
    assert_eq!(yours.token().await.refusal().1, "unauthorized_client");
    yours.secret = "yours".to_owned();
    let claims_of =
        async |client: &crate::app::ServiceAccount<'_>| crate::app::claims(&client.access_token().await);
    let (my_claims, your_claims) = (claims_of(&mine).await, claims_of(&yours).await);
    assert_ne!(my_claims["sub"], your_claims["sub"]);
    assert!(my_claims["realm_access"].to_string().contains("reader"));
    assert!(!your_claims["realm_access"].to_string().contains("reader"));

    mine.update(json!({"enabled": false})).await;
    assert_eq!(mine.token().await.status, 401);
    yours.token().await.expect(200);
    one.admin(Method::DELETE, "", None).await.expect(204);
    yours.token().await.expect(200);
}

async fn a_token_of_one_realm_is_nothing_in_another(app: &TestApp) {
    let (one, two) = (app.realm().await, app.realm().await);
    let (mine, yours) = (one.create_refreshing("billing").await, two.create_refreshing("billing").await);
    mine.hear_itself().await;
    yours.hear_itself().await;
    let answer = mine.token().await.expect(200);
    let (access, refresh) = (answer.text("access_token"), answer.text("refresh_token"));

    yours.refresh(&refresh).await.is_refusal(400, "invalid_grant", "Invalid refresh token");
    yours.logout(&refresh).await.is_refusal(400, "invalid_grant", "Invalid refresh token");
    assert_eq!(yours.introspect(&access).await, json!({"active": false}));
    assert_eq!(yours.introspect_refresh(&refresh).await, json!({"active": false}));
    for token in [&access, &refresh] {
        let answer = yours.post("revoke", &[("token", token)]).await.expect(200);
        assert_eq!(answer.json()["error"], "invalid_token");
    }
    let userinfo = app.http.get(app.url(&two.path("userinfo"))).bearer_auth(&access).send().await.unwrap();
    assert_eq!(userinfo.status(), 401);

    assert_eq!(mine.introspect(&access).await["active"], true);
    mine.refresh(&refresh).await.expect(200);
}

async fn an_id_of_one_realm_is_not_found_in_another(app: &TestApp) {
    let (one, two) = (app.realm().await, app.realm().await);
    let billing = one.create_service_account("billing").await;
    let reader = one.role("reader").await;
    let (client, role) = (billing.path(), format!("/roles-by-id/{}", reader["id"].as_str().unwrap()));
    let user = format!("/users/{}", billing.user().await);
    for path in [&client, &role, &user] {
        one.admin(Method::GET, path, None).await.expect(200);
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(two.admin(method.clone(), path, None).await.status, 404, "{method} {path}");
        }
        one.admin(Method::GET, path, None).await.expect(200);
    }
}
