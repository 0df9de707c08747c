//! `/admin/realms`.

use reqwest::Method;
use serde_json::json;

use crate::app::{TestApp, header_of};

scenarios!(
    a_new_realm_is_disabled_unless_it_is_said,
    a_realm_name_is_there_once,
    an_update_of_a_realm_is_partial,
    a_renamed_realm_keeps_its_clients,
    a_deleted_realm_is_gone_with_all_it_held,
    a_realm_signs_with_the_algorithm_it_chooses,
);

async fn a_new_realm_is_disabled_unless_it_is_said(app: &TestApp) {
    let realm = app.realm_with(json!({"enabled": null})).await;
    assert_eq!(realm.get("").await["enabled"], false);
    let billing = realm.create_service_account("billing").await;
    billing.token().await.is_refusal(403, "access_denied", "Realm not enabled");
    realm.document("").await.expect(200);

    realm.update(json!({"enabled": true})).await;
    billing.token().await.expect(200);
}

async fn a_realm_name_is_there_once(app: &TestApp) {
    let realm = app.realm().await;
    let again = app.admin(Method::POST, "", Some(&json!({"realm": realm.name}))).await;
    let message = format!("Realm {} already exists", realm.name);
    assert_eq!((again.status, again.json()), (409, json!({"errorMessage": message})));
}

async fn an_update_of_a_realm_is_partial(app: &TestApp) {
    let realm = app.realm_with(json!({"accessTokenLifespan": 77, "displayName": "A"})).await;
    realm.update(json!({"ssoSessionIdleTimeout": 600})).await;
    let read = realm.get("").await;
    assert_eq!((&read["accessTokenLifespan"], &read["displayName"]), (&json!(77), &json!("A")));
    assert_eq!((&read["ssoSessionIdleTimeout"], &read["enabled"]), (&json!(600), &json!(true)));
}

async fn a_renamed_realm_keeps_its_clients(app: &TestApp) {
    let mut realm = app.realm().await;
    realm.create_service_account("billing").await.access_token().await;
    let new = format!("{}-renamed", realm.name);
    realm.update(json!({"realm": new})).await;
    assert_eq!(realm.document("").await.status, 404);

    realm.name = new;
    let id = realm.get("/clients?clientId=billing").await[0]["id"].as_str().unwrap().to_owned();
    let secret = crate::app::SECRET.to_owned();
    let billing = crate::app::ServiceAccount { realm: &realm, id, client_id: "billing".to_owned(), secret };
    assert_eq!(crate::app::claims(&billing.access_token().await)["iss"], realm.issuer());
}

async fn a_deleted_realm_is_gone_with_all_it_held(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    billing.access_token().await;
    realm.admin(Method::DELETE, "", None).await.expect(204);
    let gone = billing.token().await;
    assert_eq!((gone.status, gone.json()), (404, json!({"error": "Realm does not exist"})));

    // One of the same name begins empty.
    app.admin(Method::POST, "", Some(&json!({"realm": realm.name, "enabled": true}))).await.expect(201);
    assert_eq!(billing.token().await.refusal().1, "invalid_client");
    assert_eq!(realm.get("/clients?clientId=billing").await, json!([]));
}

async fn a_realm_signs_with_the_algorithm_it_chooses(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    for algorithm in ["ES256", "EdDSA", "PS256", "ES384", "RS256"] {
        realm.update(json!({"defaultSignatureAlgorithm": algorithm})).await;
        let header = header_of(&billing.access_token().await);
        assert_eq!(header["alg"], algorithm);
        let certs = realm.document("/protocol/openid-connect/certs").await.expect(200).json();
        let published = certs["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]);
        assert!(published, "{algorithm}");
    }
}
