//! Who may administer what.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Realm, TestApp, basic};

scenarios!(
    without_a_good_token_there_is_nothing_to_see,
    a_service_account_administers_what_its_roles_allow,
    an_administrator_of_one_realm_is_a_stranger_in_another,
);

async fn with_authorization(realm: &Realm<'_>, value: &str, method: Method, body: &Value) -> Answer {
    let url = realm.app.url(&format!("/admin/realms/{}/clients", realm.name));
    let mut request = realm.app.http.request(method, url).header("authorization", value);
    if !body.is_null() {
        request = request.json(body);
    }
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

async fn list(realm: &Realm<'_>, token: &str) -> u16 {
    with_authorization(realm, &format!("Bearer {token}"), Method::GET, &Value::Null).await.status
}

async fn without_a_good_token_there_is_nothing_to_see(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let token = app.admin_token().await;
    let (head, signature) = token.rsplit_once('.').unwrap();
    let tampered = format!("Bearer {head}.{}", signature.chars().rev().collect::<String>());
    for value in ["Bearer garbage", "Bearer ", &basic("e2e-admin", "x"), &billing.basic(), &tampered] {
        let answer = with_authorization(&realm, value, Method::GET, &Value::Null).await;
        assert_eq!(
            (answer.status, answer.json()),
            (401, json!({"error": "HTTP 401 Unauthorized"})),
            "{value}"
        );
    }
    // A token without any admin role.
    assert_eq!(list(&realm, &billing.access_token().await).await, 403);
}

async fn a_service_account_administers_what_its_roles_allow(app: &TestApp) {
    let realm = app.realm().await;
    let operator = realm.create_service_account("operator").await;
    let management =
        realm.get("/clients?clientId=realm-management").await[0]["id"].as_str().unwrap().to_owned();
    let role = async |name: &str| realm.get(&format!("/clients/{management}/roles/{name}")).await;
    let mappings = format!("/users/{}/role-mappings/clients/{management}", operator.user().await);
    let token = operator.access_token().await;
    let new = json!({"clientId": "made-by-operator"});
    assert_eq!(list(&realm, &token).await, 403);

    // A role that is granted after the token was issued works at once.
    realm.add(&mappings, &[&role("view-clients").await]).await;
    assert_eq!(list(&realm, &token).await, 200);
    let bearer = format!("Bearer {token}");
    assert_eq!(with_authorization(&realm, &bearer, Method::POST, &new).await.status, 403);
    let manage = role("manage-clients").await;
    realm.add(&mappings, &[&manage]).await;
    assert_eq!(with_authorization(&realm, &bearer, Method::POST, &new).await.status, 201);

    // And one that is taken away stops at once.
    realm.admin(Method::DELETE, &mappings, Some(&json!([manage]))).await.expect(204);
    let another = json!({"clientId": "another"});
    assert_eq!(with_authorization(&realm, &bearer, Method::POST, &another).await.status, 403);
}

async fn an_administrator_of_one_realm_is_a_stranger_in_another(app: &TestApp) {
    let (home, away) = (app.realm().await, app.realm().await);
    let operator = home.create_service_account("operator").await;
    let management =
        home.get("/clients?clientId=realm-management").await[0]["id"].as_str().unwrap().to_owned();
    let role = home.get(&format!("/clients/{management}/roles/realm-admin")).await;
    let mappings = format!("/users/{}/role-mappings/clients/{management}", operator.user().await);
    home.add(&mappings, &[&role]).await;

    let token = operator.access_token().await;
    assert_eq!(list(&home, &token).await, 200);
    assert!(matches!(list(&away, &token).await, 401 | 403));
}
