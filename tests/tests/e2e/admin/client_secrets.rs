//! The secrets of a client: rotated without a failed request, shown once where the realm keeps hashes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Realm, TestApp};

scenarios!(
    a_rotation_fails_no_request,
    a_realm_that_keeps_hashes_shows_a_secret_once,
    attributes_without_meaning_are_refused,
);

async fn a_rotation_fails_no_request(app: &TestApp) {
    let realm = keeping(app, json!({"latchkey.client-secret.rotated-expiration-period": "600"})).await;
    let mut client = realm.create_service_account("orders").await;
    let path = format!("{}/client-secret", client.path());
    let old = client.secret.clone();
    let new = realm.admin(Method::POST, &path, None).await.expect(200).text("value");
    client.token().await.expect(200);
    new.clone_into(&mut client.secret);
    client.token().await.expect(200);
    assert_eq!(realm.get(&format!("{path}/rotated")).await, json!({"type": "secret", "value": old}));

    let listed = realm.get(&format!("{}/client-secrets", client.path())).await;
    let [newest, replaced] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert!(newest.get("expiration").is_none() && newest["readable"] == true, "{newest}");
    let life_ms = replaced["expiration"].as_i64().unwrap() - newest["createdDate"].as_i64().unwrap();
    assert!((599_000..601_000).contains(&life_ms), "{listed}");
    assert!(newest["lastUsed"].as_i64() >= replaced["lastUsed"].as_i64(), "{listed}");
    assert!(replaced["lastUsed"].is_i64(), "{listed}");
    assert!(!listed.to_string().contains(&new), "{listed}");

    let one = format!("{}/client-secrets/{}", client.path(), replaced["id"].as_str().unwrap());
    realm.admin(Method::DELETE, &one, None).await.expect(204);
    let gone = realm.admin(Method::DELETE, &one, None).await.expect(404);
    assert_eq!(gone.json(), json!({"error": "Client secret not found"}));
    client.token().await.expect(200);
    client.secret = old;
    client.token().await.is_refusal(
        401,
        "unauthorized_client",
        "Invalid client or Invalid client credentials",
    );
    realm.admin(Method::GET, &format!("{path}/rotated"), None).await.expect(404);
}

async fn a_realm_that_keeps_hashes_shows_a_secret_once(app: &TestApp) {
    let realm = keeping(app, json!({"latchkey.client-secret.storage": "hash"})).await;
    let mut client = realm.create_service_account("orders").await;
    client.token().await.expect(200);
    let path = format!("{}/client-secret", client.path());
    let shown = realm.admin(Method::POST, &path, None).await.expect(200).text("value");
    shown.clone_into(&mut client.secret);
    client.token().await.expect(200);
    assert_eq!(realm.get(&path).await, json!({"type": "secret"}));
    let representation = realm.get(&client.path()).await;
    assert!(!representation.to_string().contains(&shown), "{representation}");
    // Who reads a client and writes it back changes no secret.
    client.update(representation).await;
    client.token().await.expect(200);
}

async fn attributes_without_meaning_are_refused(app: &TestApp) {
    let realm = app.realm().await;
    for (name, value) in [("storage", "plain"), ("live-max", "0"), ("rotated-expiration-period", "soon")] {
        let name = format!("latchkey.client-secret.{name}");
        let body = json!({"attributes": {&name: value}});
        let refused = realm.admin(Method::PUT, "", Some(&body)).await.expect(400).json();
        assert!(refused["errorMessage"].as_str().unwrap().starts_with(&name), "{refused}");
    }
}

async fn keeping(app: &TestApp, attributes: Value) -> Realm<'_> {
    app.realm_with(json!({"attributes": attributes})).await
}
