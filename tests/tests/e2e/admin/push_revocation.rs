//! Clients are told of not-before at their admin URLs.

use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{
    Realm, ServiceAccount, Setup, Shape, TestApp, ToldClient, claims, header_of, jws, run_alone,
};

scenarios!(
    nobody_is_told_where_there_is_no_admin_url,
    attack_an_admin_url_at_a_private_address,
    pushing_is_for_who_may_manage,
);

async fn push(realm: &Realm<'_>) -> Value {
    realm.admin(Method::POST, "/push-revocation", None).await.expect(200).json()
}

async fn push_to(client: &ServiceAccount<'_>) -> Value {
    let path = format!("{}/push-revocation", client.path());
    client.realm.admin(Method::POST, &path, None).await.expect(200).json()
}

async fn with_admin_url<'a>(realm: &'a Realm<'a>, client_id: &str, url: &str) -> ServiceAccount<'a> {
    realm.create_service_account_with(client_id, json!({ "adminUrl": url })).await
}

async fn nobody_is_told_where_there_is_no_admin_url(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    assert_eq!(push(&realm).await, json!({}));
    assert_eq!(push_to(&billing).await, json!({}));
    realm.admin(Method::POST, "/clients/nobody/push-revocation", None).await.expect(404);
}

async fn attack_an_admin_url_at_a_private_address(app: &TestApp) {
    let realm = app.realm().await;
    let told = ToldClient::start().await;
    let by_name = format!("http://localhost:{}/app", told.address.port());
    let urls = [told.url("/app"), by_name, "http://169.254.169.254/latest".to_owned()];
    for (index, url) in urls.iter().enumerate() {
        with_admin_url(&realm, &format!("c{index}"), url).await;
    }
    assert_eq!(push(&realm).await, json!({ "failedRequests": urls }));
    assert!(told.heard().is_empty());
}

async fn pushing_is_for_who_may_manage(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let token = billing.access_token().await;
    for path in ["/push-revocation".to_owned(), format!("{}/push-revocation", billing.path())] {
        let url = app.url(&format!("/admin/realms/{}{path}", realm.name));
        assert_eq!(app.http.post(&url).send().await.unwrap().status(), 401);
        assert_eq!(app.http.post(&url).bearer_auth(&token).send().await.unwrap().status(), 403);
    }
}

/// A server whose settings allow the network that the clients are in.
async fn allowed(shape: Shape) -> TestApp {
    let networks = r#"["127.0.0.0/8"]"#;
    let setup = Setup::of(shape).with("LATCHKEY_CLIENT_REGISTRY__ALLOWED_KEY_SERVER_NETWORKS", networks);
    TestApp::start(setup).await
}

async fn clients_are_told(shape: Shape) {
    let app = allowed(shape).await;
    let realm = app.realm().await;
    let told = ToldClient::start().await;
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (good, broken, gone) = (told.url("/app"), told.url("/broken"), format!("http://{gone}/app"));

    let billing = with_admin_url(&realm, "billing", &good).await;
    let relative = json!({ "adminUrl": "/app", "rootUrl": told.url("") });
    let relative = realm.create_service_account_with("relative", relative).await;
    let broken_client = with_admin_url(&realm, "broken", &broken).await;
    with_admin_url(&realm, "gone", &gone).await;
    let off = with_admin_url(&realm, "off", &good).await;
    off.update(json!({ "enabled": false })).await;
    realm.create_service_account("none").await;
    let elsewhere = app.realm().await;
    with_admin_url(&elsewhere, "billing", &good).await;

    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    realm.update(json!({ "notBefore": 1_700_000_000 })).await;
    billing.update(json!({ "notBefore": 1_700_000_007 })).await;
    let expected = json!({ "successRequests": [good, good], "failedRequests": [broken, gone] });
    assert_eq!(push(&realm).await, expected);

    let mut heard = told.heard();
    assert_eq!(heard.len(), 2, "neither who is disabled nor another realm's");
    heard.sort_by_key(|(_, action)| claims(action)["resource"].as_str().unwrap().to_owned());
    let keys = realm.document("/protocol/openid-connect/certs").await.expect(200).json();
    let foreign = elsewhere.document("/protocol/openid-connect/certs").await.expect(200).json();
    for ((content_type, action), (client, not_before)) in
        heard.iter().zip([(&billing, 1_700_000_007), (&relative, 1_700_000_000)])
    {
        assert_eq!(content_type, "text/plain");
        assert!(jws::is_signed_by_one_of(&keys, action));
        assert!(!foreign.to_string().contains(header_of(action)["kid"].as_str().unwrap()));
        let claims = claims(action);
        let expiration = claims["expiration"].as_u64().unwrap();
        assert!((now_s + 25..now_s + 90).contains(&expiration), "{expiration}");
        let expected = json!({
            "id": claims["id"], "expiration": expiration, "resource": client.client_id,
            "action": "PUSH_NOT_BEFORE", "notBefore": not_before,
        });
        assert_eq!(claims, expected);
        assert!(claims["id"].is_string());
        assert!(!app.server.log().contains(action.as_str()), "an action is in the log");
    }

    assert_eq!(push_to(&billing).await, json!({ "successRequests": [good] }));
    assert_eq!(push_to(&off).await, json!({ "successRequests": [good] }), "who is named is told");
    assert_eq!(push_to(&broken_client).await, json!({ "failedRequests": [broken] }));
    let resources = told.heard().into_iter().map(|(_, action)| claims(&action)["resource"].clone());
    assert_eq!(resources.collect::<Vec<_>>(), ["billing", "off"]);
    assert!(app.server.log().contains("a client was not told"), "the operator can learn why");
}

#[test]
fn clients_are_told_by_one_process() {
    run_alone(clients_are_told(Shape::AllInOne));
}

#[test]
fn clients_are_told_by_separate_processes() {
    run_alone(clients_are_told(Shape::Separate));
}

/// More than can be waited for, each for its five seconds.
#[test]
fn attack_many_clients_that_never_answer() {
    run_alone(async {
        let app = allowed(Shape::Separate).await;
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let client = |n| json!({ "clientId": format!("c{n}"), "adminUrl": url });
        let realm = app.realm_with(json!({ "clients": (0..80).map(client).collect::<Vec<_>>() })).await;
        let started = Instant::now();
        let failed = push(&realm).await["failedRequests"].as_array().unwrap().len();
        assert_eq!(failed, 80, "who was not tried is told too");
        assert!(started.elapsed() < Duration::from_secs(28), "{:?}", started.elapsed());
    });
}
