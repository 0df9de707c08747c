//! The realm's public documents.

use serde_json::json;

use crate::app::{TestApp, claims, header_of};

scenarios!(
    discovery_names_the_endpoints_that_answer,
    the_key_of_a_token_is_published_and_a_secret_key_is_not,
    the_realms_page_names_its_key,
    under_the_classic_prefix_every_address_has_it,
);

async fn discovery_names_the_endpoints_that_answer(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let answer = realm.document("/.well-known/openid-configuration").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    assert_eq!(document["issuer"], realm.issuer());
    let server_metadata = realm.document("/.well-known/oauth-authorization-server").await.expect(200);
    assert_eq!(server_metadata.json(), document);

    let token_endpoint = document["token_endpoint"].as_str().unwrap();
    let form = [("grant_type", "client_credentials")];
    let answer = billing.post_at(token_endpoint, &form).await.unwrap().expect(200);
    assert_eq!(claims(&answer.text("access_token"))["iss"], document["issuer"]);
    for (endpoint, form) in
        [("introspection_endpoint", [("token", "x")]), ("revocation_endpoint", [("token", "x")])]
    {
        let url = document[endpoint].as_str().unwrap();
        billing.post_at(url, &form).await.unwrap().expect(200);
    }
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!("client_credentials")) && grants.contains(&json!("refresh_token")));
}

async fn the_key_of_a_token_is_published_and_a_secret_key_is_not(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let answer = billing.token().await.expect(200);
    let keys = realm.document("/protocol/openid-connect/certs").await.expect(200).json();
    let keys = keys["keys"].as_array().unwrap();

    let kid = &header_of(&answer.text("access_token"))["kid"];
    let key = keys.iter().find(|key| &key["kid"] == kid).expect("the key of the access token");
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
    assert_eq!(key["d"], json!(null), "the private part");
    let refresh_kid = &header_of(&answer.text("refresh_token"))["kid"];
    assert!(keys.iter().all(|key| &key["kid"] != refresh_kid && key["kty"] != "oct"));
}

async fn the_realms_page_names_its_key(app: &TestApp) {
    let realm = app.realm().await;
    let answer = realm.document("").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json;charset=UTF-8");
    let page = answer.json();
    assert_eq!(page["realm"], realm.name);
    assert!(page["public_key"].as_str().is_some_and(|key| key.len() > 300));
    assert_eq!(page["token-service"], app.url(&format!("/realms/{}/protocol/openid-connect", realm.name)));
}

async fn under_the_classic_prefix_every_address_has_it(app: &TestApp) {
    let realm = app.realm().await;
    let url = app.url(&format!("/auth/realms/{}/.well-known/openid-configuration", realm.name));
    let document = app.http.get(url).send().await.unwrap().json::<serde_json::Value>().await.unwrap();
    let base = app.url("/auth/realms/");
    for member in ["issuer", "token_endpoint", "jwks_uri", "introspection_endpoint", "end_session_endpoint"] {
        assert!(document[member].as_str().unwrap().starts_with(&base), "{member}: {}", document[member]);
    }
}
