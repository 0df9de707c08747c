//! Registration in the form of the Admin REST API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{PATIENCE, TestApp, claims, eventually};

scenarios!(
    a_client_reads_changes_and_deletes_itself,
    a_registered_clients_service_account_goes_with_it,
    an_administrator_gives_a_client_a_new_registration_token,
    what_a_client_does_to_itself_is_told_in_the_events,
    a_client_keeps_what_an_administrator_gave_it,
    an_administrator_of_the_realm_uses_any_client,
);

async fn a_client_reads_changes_and_deletes_itself(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(1).await;
    let client = json!({"clientId": "a/b c", "serviceAccountsEnabled": true});
    let made = realm.register(&token, &client).await.expect(201);
    let place = made.header("location").to_owned();
    assert!(place.ends_with("/clients-registrations/default/a%2Fb%20c"), "{place}");
    let first = made.text("registrationAccessToken");
    let path = "default/a%2Fb%20c";

    let read = realm.registration(Method::GET, path, &first, None).await.expect(200);
    assert_eq!(read.json()["secret"], made.json()["secret"]);
    assert_eq!(read.text("registrationAccessToken"), first, "reading takes no token");
    let named = json!({"clientId": "a/b c", "name": "Robot"});
    let changed = realm.registration(Method::PUT, path, &first, Some(&named)).await.expect(200);
    assert_eq!(
        (&changed.json()["name"], &changed.json()["serviceAccountsEnabled"]),
        (&json!("Robot"), &json!(true))
    );
    let second = changed.text("registrationAccessToken");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let body = (method == Method::PUT).then_some(&named);
        assert_eq!(realm.registration(method, path, &first, body).await.refusal().0, 401);
    }
    let renamed = json!({"clientId": "another"});
    realm.registration(Method::PUT, path, &second, Some(&renamed)).await.is_refusal(
        400,
        "invalid_client_metadata",
        "Client Identifier modified",
    );
    realm.registration(Method::DELETE, path, &second, None).await.expect(204);
    realm.registration(Method::GET, path, &second, None).await.is_refusal(
        401,
        "invalid_token",
        "Not authorized to view client. Not valid token or client credentials provided.",
    );
}

async fn a_registered_clients_service_account_goes_with_it(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(2).await;
    let machine = json!({"grant_types": ["client_credentials"]});
    let made = realm.registration(Method::POST, "openid-connect", &token, Some(&machine)).await.expect(201);
    let robot = realm.registered(&made).await;
    robot.hear_itself().await;
    let access = robot.access_token().await;
    assert_eq!(robot.introspect(&access).await["active"], true);
    let watcher = realm.create_service_account("watcher").await;

    let path = format!("openid-connect/{}", robot.client_id);
    let own = made.text("registration_access_token");
    realm.registration(Method::DELETE, &path, &own, None).await.expect(204);
    assert_eq!(robot.token().await.status, 401);
    assert_eq!(watcher.introspect(&access).await, json!({"active": false}));
    let users = realm.get(&format!("/users?username=service-account-{}", robot.client_id)).await;
    assert_eq!(users, json!([]));
}

async fn an_administrator_gives_a_client_a_new_registration_token(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let path = format!("{}/registration-access-token", billing.path());
    let made = realm.admin(Method::POST, &path, None).await.expect(200);
    assert_eq!(made.text("secret"), "**********");
    let first = made.text("registrationAccessToken");
    realm.registration(Method::GET, "default/billing", &first, None).await.expect(200);
    let second = realm.admin(Method::POST, &path, None).await.expect(200).text("registrationAccessToken");
    assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
    assert_eq!(realm.registration(Method::GET, "default/billing", &first, None).await.status, 401);
    realm.registration(Method::GET, "default/billing", &second, None).await.expect(200);
}

async fn what_a_client_does_to_itself_is_told_in_the_events(app: &TestApp) {
    let realm = app.realm_with(json!({"eventsEnabled": true})).await;
    let token = realm.initial_access_token(1).await;
    let made = realm.register(&token, &json!({"clientId": "robot"})).await.expect(201);
    realm.register(&token, &json!({"clientId": "late"})).await.expect(401);
    let own = made.text("registrationAccessToken");
    realm.registration(Method::DELETE, "default/robot", &own, None).await.expect(204);
    let told = eventually("all are told", PATIENCE, async || {
        let told = realm.get("/events?direction=asc").await;
        (told.as_array().unwrap().len() == 3).then_some(told)
    })
    .await;
    let column =
        |name: &str| told.as_array().unwrap().iter().map(|event| event[name].clone()).collect::<Vec<Value>>();
    let mut types = column("type");
    types.sort_by_key(Value::to_string);
    assert_eq!(types, ["CLIENT_DELETE", "CLIENT_REGISTER", "CLIENT_REGISTER_ERROR"]);
    assert!(column("error").contains(&json!("invalid_token")));
    assert!(!told.to_string().contains(&own));
}

async fn a_client_keeps_what_an_administrator_gave_it(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(1).await;
    let made = realm.register(&token, &json!({"clientId": "robot"})).await.expect(201);
    let id = made.text("id");
    let scope = json!({"name": "billing", "protocol": "openid-connect"});
    let scope = realm.make("/client-scopes", &scope).await;
    let place = format!("/clients/{id}/default-client-scopes/{scope}");
    realm.admin(Method::PUT, &place, None).await.expect(204);
    let mapper = json!({
        "name": "fixed", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {"claim.name": "team", "claim.value": "red", "access.token.claim": "true"},
    });
    realm.make(&format!("/clients/{id}/protocol-mappers/models"), &mapper).await;

    // What it reads, it may put back.
    let own = made.text("registrationAccessToken");
    let read = realm.registration(Method::GET, "default/robot", &own, None).await.expect(200).json();
    assert!(read["defaultClientScopes"].to_string().contains("billing"));
    let put = realm.registration(Method::PUT, "default/robot", &own, Some(&read)).await.expect(200);
    assert_eq!(put.json()["defaultClientScopes"], read["defaultClientScopes"]);
    assert_eq!(put.json()["protocolMappers"], read["protocolMappers"]);

    // And it may do without.
    let own = put.text("registrationAccessToken");
    let less =
        json!({"clientId": "robot", "defaultClientScopes": ["basic"], "optionalClientScopes": ["phone"]});
    let put = realm.registration(Method::PUT, "default/robot", &own, Some(&less)).await.expect(200).json();
    assert_eq!(
        (&put["defaultClientScopes"], &put["optionalClientScopes"]),
        (&json!(["basic"]), &json!(["phone"]))
    );
}

async fn an_administrator_of_the_realm_uses_any_client(app: &TestApp) {
    let realm = app.realm().await;
    realm.create_service_account("billing").await;
    let operator = realm.create_service_account("operator").await;
    let found = realm.get("/clients?clientId=realm-management").await;
    let management = found[0]["id"].as_str().unwrap();
    let role = async |name: &str| realm.get(&format!("/clients/{management}/roles/{name}")).await;
    let mappings = format!("/users/{}/role-mappings/clients/{management}", operator.user().await);
    realm.add(&mappings, &[&role("view-clients").await]).await;
    let token = operator.access_token().await;
    let path = "default/billing";
    let body = json!({"clientId": "billing", "name": "Billing"});

    let read = realm.registration(Method::GET, path, &token, None).await.expect(200).json();
    assert!(read["secret"].is_string() && read.get("registrationAccessToken").is_none());
    let metadata = realm.registration(Method::GET, "openid-connect/billing", &token, None).await.expect(200);
    assert_eq!(metadata.json()["grant_types"][0], "client_credentials");
    let refused = realm.registration(Method::PUT, path, &token, Some(&body)).await;
    refused.is_refusal(403, "insufficient_scope", "Forbidden");
    let unknown = realm.registration(Method::GET, "default/nobody", &token, None).await;
    unknown.is_refusal(404, "invalid_request", "Client not found");

    realm.add(&mappings, &[&role("manage-clients").await]).await;
    let put = realm.registration(Method::PUT, path, &token, Some(&body)).await.expect(200).json();
    assert!(put["name"] == "Billing" && put.get("registrationAccessToken").is_none());
    let admin_roles = json!({"clientId": "realm-management", "name": "mine"});
    let refused =
        realm.registration(Method::PUT, "default/realm-management", &token, Some(&admin_roles)).await;
    assert_eq!(refused.status, 403);
    let deleted = realm.registration(Method::DELETE, "default/account", &token, None).await;
    assert_eq!(deleted.status, 400, "a built-in client stays");
    realm.registration(Method::DELETE, path, &token, None).await.expect(204);
    let again = realm.registration(Method::DELETE, path, &token, None).await;
    again.is_refusal(404, "invalid_request", "Client not found");
}
