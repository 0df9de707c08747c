//! Registration by client metadata, RFC 7591 section 2.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Realm, TestApp, claims};

scenarios!(
    a_machine_registers_itself_and_gets_a_token,
    a_machine_changes_its_metadata,
    a_machine_that_signs_registers_its_public_keys,
    scopes_that_are_asked_for_are_optional_ones,
    metadata_that_make_no_sense_are_refused,
    discovery_names_the_endpoint,
    both_prefixes_lead_there,
);

async fn register(realm: &Realm<'_>, metadata: &Value) -> Answer {
    let token = realm.initial_access_token(1).await;
    realm.registration(Method::POST, "openid-connect", &token, Some(metadata)).await
}

async fn a_machine_registers_itself_and_gets_a_token(app: &TestApp) {
    let realm = app.realm().await;
    let metadata = json!({
        "client_name": "Robot", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic", "software_id": "ignored",
    });
    let made = register(&realm, &metadata).await.expect(201);
    let said = made.json();
    assert_eq!(said["client_secret_expires_at"], 0);
    assert!(said["client_id_issued_at"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(said["registration_client_uri"], made.header("location"));
    assert_eq!(said["token_endpoint_auth_method"], "client_secret_basic");
    let robot = realm.registered(&made).await;
    let access = claims(&robot.access_token().await);
    assert_eq!(
        (&access["azp"], access["client_id"].as_str()),
        (&json!(robot.client_id), Some(robot.client_id.as_str()))
    );

    // At the address that it was told, with the token that it was given.
    let place = app.http.get(said["registration_client_uri"].as_str().unwrap());
    let read = place.bearer_auth(made.text("registration_access_token")).send().await.unwrap();
    let read = Answer::read(read).await.unwrap().expect(200);
    assert_eq!(read.json()["client_secret"], said["client_secret"]);
}

async fn a_machine_changes_its_metadata(app: &TestApp) {
    let realm = app.realm().await;
    let made = register(&realm, &json!({"client_name": "Robot", "grant_types": ["client_credentials"]}))
        .await
        .expect(201);
    let client_id = made.text("client_id");
    let path = format!("openid-connect/{client_id}");
    let change = json!({"client_id": client_id, "client_name": "Drone", "grant_types": [], "scope": "phone"});
    let own = made.text("registration_access_token");
    let changed = realm.registration(Method::PUT, &path, &own, Some(&change)).await.expect(200);
    let said = changed.json();
    assert_eq!(
        (&said["client_name"], &said["grant_types"], &said["scope"]),
        (&json!("Drone"), &json!([]), &json!("phone"))
    );
    assert_ne!(changed.text("registration_access_token"), own);
    // Without its grant it has no account any more.
    assert_eq!(realm.registered(&made).await.token().await.status, 401);
    let another = json!({"client_id": "another"});
    let next = changed.text("registration_access_token");
    realm.registration(Method::PUT, &path, &next, Some(&another)).await.is_refusal(
        400,
        "invalid_client_metadata",
        "Client Identifier modified",
    );
}

async fn a_machine_that_signs_registers_its_public_keys(app: &TestApp) {
    let realm = app.realm().await;
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "use": "sig", "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let metadata = json!({
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "EdDSA", "jwks": {"keys": [key]},
    });
    let made = register(&realm, &metadata).await.expect(201);
    let said = made.json();
    assert!(said.get("client_secret").is_none());
    assert_eq!(
        (&said["jwks"], &said["token_endpoint_auth_signing_alg"]),
        (&metadata["jwks"], &json!("EdDSA"))
    );
    let robot = realm.registered(&made).await;
    let stored = realm.get(&robot.path()).await;
    assert_eq!(stored["clientAuthenticatorType"], "client-jwt");
    assert_eq!(stored["attributes"]["use.jwks.string"], "true");
    // A secret opens nothing.
    assert_ne!(robot.token().await.status, 200);
}

async fn scopes_that_are_asked_for_are_optional_ones(app: &TestApp) {
    let realm = app.realm().await;
    let metadata = json!({"grant_types": ["client_credentials"], "scope": "email phone"});
    let said = register(&realm, &metadata).await;
    // Of the realm's lists, email is a default one: it may not become an optional one.
    said.is_refusal(
        403,
        "insufficient_scope",
        "Policy 'Allowed Client Scopes' rejected request to client-registration service. Details: Not permitted to use specified clientScope.",
    );
    let metadata = json!({"grant_types": ["client_credentials"], "scope": "address phone"});
    let made = register(&realm, &metadata).await.expect(201);
    assert_eq!(made.json()["scope"], "address phone");
    let robot = realm.registered(&made).await;
    let access = claims(&robot.token_with(&[("scope", "phone")]).await.expect(200).text("access_token"));
    assert_eq!(access["scope"], "phone");
    assert!(access["sub"].is_string(), "the scope basic came by itself");
}

async fn metadata_that_make_no_sense_are_refused(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(1).await;
    let invalid = "Client metadata invalid";
    for (metadata, error, description) in [
        (json!({"client_id": "mine"}), "invalid_client_metadata", "Client Identifier included"),
        (json!({"token_endpoint_auth_method": "telepathy"}), "invalid_client_metadata", invalid),
        (json!({"token_endpoint_auth_method": "private_key_jwt"}), "invalid_client_metadata", invalid),
        (json!({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}), "invalid_client_metadata", invalid),
        (json!({"jwks": {"keys": []}, "jwks_uri": "https://a.example"}), "invalid_client_metadata", invalid),
        (
            json!({"redirect_uris": ["javascript:alert(1)"]}),
            "invalid_redirect_uri",
            "A redirect URI uses an illegal scheme",
        ),
        (
            json!({"client_uri": "data:text/html,x"}),
            "invalid_client_metadata",
            "Base URL uses an illegal scheme",
        ),
        (json!({"grant_types": "client_credentials"}), "unknown_error", "Cannot parse the JSON"),
    ] {
        let answer = realm.registration(Method::POST, "openid-connect", &token, Some(&metadata)).await;
        answer.is_refusal(400, error, description);
    }
    // None of them took the token.
    realm.registration(Method::POST, "openid-connect", &token, Some(&json!({}))).await.expect(201);
}

async fn discovery_names_the_endpoint(app: &TestApp) {
    let realm = app.realm().await;
    let endpoint = realm.document("/.well-known/openid-configuration").await.text("registration_endpoint");
    assert_eq!(endpoint, format!("{}/clients-registrations/openid-connect", realm.issuer()));
    let token = realm.initial_access_token(1).await;
    let made = app.http.post(endpoint).bearer_auth(token).json(&json!({})).send().await.unwrap();
    assert_eq!(made.status(), 201);
}

async fn both_prefixes_lead_there(app: &TestApp) {
    let realm = app.realm().await;
    let initial = {
        let url = app.url(&format!("/auth/admin/realms/{}/clients-initial-access", realm.name));
        let request = app.http.post(url).bearer_auth(app.admin_token().await).json(&json!({"count": 1}));
        Answer::read(request.send().await.unwrap()).await.unwrap().expect(201).text("token")
    };
    // As a realm of another issuer, so to say.
    let refused = realm.registration(Method::POST, "openid-connect", &initial, Some(&json!({}))).await;
    refused.is_refusal(401, "invalid_token", "Failed decode token");
    let url = app.url(&format!("/auth/realms/{}/clients-registrations/openid-connect", realm.name));
    let made = app.http.post(url).bearer_auth(&initial).json(&json!({})).send().await.unwrap();
    let made = Answer::read(made).await.unwrap().expect(201);
    assert!(made.text("registration_client_uri").contains("/auth/realms/"));
}
