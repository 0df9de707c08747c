//! `/admin/realms/{realm}/clients`.

use reqwest::Method;
use serde_json::json;

use crate::app::TestApp;

scenarios!(
    a_client_is_made_found_changed_and_deleted,
    a_client_id_is_there_once,
    switching_the_service_account_off_takes_its_roles,
    a_renamed_client_keeps_its_secret_and_its_roles,
    a_deleted_client_takes_its_tokens_with_it,
);

async fn a_client_is_made_found_changed_and_deleted(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let found = realm.get("/clients?clientId=billing").await;
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &json!(billing.id)));
    assert_eq!(found[0]["secret"], billing.secret);
    assert_eq!(found[0]["serviceAccountsEnabled"], true);

    billing.update(json!({"description": "sends invoices", "attributes": {"team": "money"}})).await;
    billing.update(json!({"name": "Billing"})).await;
    let client = realm.get(&billing.path()).await;
    assert_eq!(client["description"], "sends invoices", "an update is partial");
    assert_eq!((&client["name"], &client["attributes"]["team"]), (&json!("Billing"), &json!("money")));

    realm.admin(Method::DELETE, &billing.path(), None).await.expect(204);
    let gone = realm.admin(Method::GET, &billing.path(), None).await;
    assert_eq!((gone.status, gone.json()), (404, json!({"error": "Could not find client"})));
    assert_eq!(realm.get("/clients?clientId=billing").await, json!([]));
}

async fn a_client_id_is_there_once(app: &TestApp) {
    let realm = app.realm().await;
    realm.create_service_account("billing").await;
    let again = realm.admin(Method::POST, "/clients", Some(&json!({"clientId": "billing"}))).await;
    assert_eq!((again.status, again.json()), (409, json!({"errorMessage": "Client billing already exists"})));

    let racer = json!({"clientId": "racer", "serviceAccountsEnabled": true});
    let racers = (0..8).map(|_| realm.admin(Method::POST, "/clients", Some(&racer)));
    let mut statuses: Vec<u16> =
        futures::future::join_all(racers).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

async fn switching_the_service_account_off_takes_its_roles(app: &TestApp) {
    let realm = app.realm().await;
    let reader = realm.role("reader").await;
    let billing = realm.create_service_account("billing").await;
    billing.grant(&[&reader]).await;
    let user = billing.user().await;

    billing.update(json!({"serviceAccountsEnabled": false})).await;
    let off = realm.admin(Method::GET, &format!("{}/service-account-user", billing.path()), None).await;
    assert_eq!(
        (off.status, off.json()),
        (400, json!({"error": "Service account not enabled for the client 'billing'"}))
    );
    billing.update(json!({"serviceAccountsEnabled": true})).await;
    assert_ne!(billing.user().await, user);
    let roles = realm.get(&format!("/users/{}/role-mappings/realm", billing.user().await)).await;
    assert!(!roles.to_string().contains("reader"), "{roles}");
    billing.token().await.expect(200);
}

async fn a_renamed_client_keeps_its_secret_and_its_roles(app: &TestApp) {
    let realm = app.realm().await;
    let reader = realm.role("reader").await;
    let mut billing = realm.create_service_account("billing").await;
    billing.grant(&[&reader]).await;
    let user = billing.user().await;

    billing.update(json!({"clientId": "Invoicing"})).await;
    billing.token().await.is_refusal(401, "invalid_client", "Invalid client or Invalid client credentials");
    billing.client_id = "Invoicing".to_owned();
    let claims = crate::app::claims(&billing.access_token().await);
    assert_eq!((&claims["sub"], &claims["azp"]), (&json!(user), &json!("Invoicing")));
    assert_eq!(claims["preferred_username"], "service-account-invoicing");
    assert!(claims["realm_access"]["roles"].as_array().unwrap().contains(&json!("reader")));
}

async fn a_deleted_client_takes_its_tokens_with_it(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let observer = realm.create_service_account("observer").await;
    let mapper = json!({
        "name": "observer",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.client.audience": "observer", "access.token.claim": "true"},
    });
    realm.make(&format!("{}/protocol-mappers/models", billing.path()), &mapper).await;
    let answer = billing.token().await.expect(200);
    assert_eq!(observer.introspect(&answer.text("access_token")).await["active"], true);

    realm.admin(Method::DELETE, &billing.path(), None).await.expect(204);
    assert_eq!(observer.introspect(&answer.text("access_token")).await["active"], false);
    assert_eq!(billing.refresh(&answer.text("refresh_token")).await.status, 401);
    // One of the same name is another one.
    let again = realm.create_refreshing("billing").await;
    assert_eq!(again.refresh(&answer.text("refresh_token")).await.status, 400);
    assert_eq!(observer.introspect(&answer.text("access_token")).await["active"], false);
}
