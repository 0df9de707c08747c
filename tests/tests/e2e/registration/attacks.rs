//! Attacks on the registration endpoint, by their names.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Realm, TestApp, claims};

scenarios!(
    anonymous_registration,
    initial_access_token_used_more_often_than_allowed_at_once,
    initial_access_token_of_another_realm,
    initial_access_token_that_reads_clients,
    registration_token_of_one_client_against_another,
    registration_token_of_a_client_of_the_same_name_before,
    registration_token_used_twice_at_once,
    access_token_without_the_role,
    access_token_of_another_realms_administrator,
    registrars_role_opens_nothing_else,
    registration_tokens_as_access_or_refresh_tokens,
    refresh_token_as_registration_token,
    claims_and_audiences_of_ones_own_choice,
    scopes_that_the_realm_does_not_offer,
    lifting_ones_own_limits,
    taking_over_an_existing_client,
    bad_bodies_and_paths,
);

const MAY_NOT_VIEW: &str = "Not authorized to view client. Not valid token or client credentials provided.";
const MAY_NOT_UPDATE: &str = "Not authorized to update client. Maybe missing token or bad token type.";

/// The client_ids that begin so.
async fn clients(realm: &Realm<'_>, prefix: &str) -> Vec<String> {
    let listed = realm.get(&format!("/clients?clientId={prefix}&search=true")).await;
    listed.as_array().unwrap().iter().map(|client| client["clientId"].as_str().unwrap().to_owned()).collect()
}

async fn anonymous_registration(app: &TestApp) {
    let realm = app.realm().await;
    for provider in ["default", "openid-connect"] {
        let answer = realm.registration(Method::POST, provider, "", Some(&json!({}))).await;
        assert_eq!((answer.status, answer.refusal().1.as_str()), (403, "insufficient_scope"));
    }
}

async fn initial_access_token_used_more_often_than_allowed_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(3).await;
    let bodies: Vec<Value> =
        (0..50).map(|n| json!({"clientId": format!("robot-{n}"), "serviceAccountsEnabled": true})).collect();
    let answers = join_all(bodies.iter().map(|body| realm.register(&token, body))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 3);
    for answer in lost {
        answer.is_refusal(401, "invalid_token", "No remaining count on initial access token");
    }
    // Nothing is left of the others, neither a client nor an account.
    assert_eq!(clients(&realm, "robot-").await.len(), 3);
    let accounts = async || realm.get("/users?username=service-account-robot-").await;
    assert_eq!(accounts().await.as_array().unwrap().len(), 3);
}

async fn initial_access_token_of_another_realm(app: &TestApp) {
    let (home, away) = (app.realm().await, app.realm().await);
    let token = home.initial_access_token(5).await;
    let refused = away.register(&token, &json!({"clientId": "robot"})).await;
    refused.is_refusal(401, "invalid_token", "Failed decode token");
    assert!(clients(&away, "robot").await.is_empty());
    assert_eq!(home.get("/clients-initial-access").await[0]["remainingCount"], 5);
}

async fn initial_access_token_that_reads_clients(app: &TestApp) {
    let realm = app.realm().await;
    realm.create_service_account("billing").await;
    let token = realm.initial_access_token(5).await;
    let path = "default/billing";
    let read = realm.registration(Method::GET, path, &token, None).await;
    read.is_refusal(401, "invalid_token", "Not initial access token allowed");
    let body = json!({"clientId": "billing", "secret": "mine"});
    let put = realm.registration(Method::PUT, path, &token, Some(&body)).await;
    put.is_refusal(401, "invalid_token", MAY_NOT_UPDATE);
    let deleted = realm.registration(Method::DELETE, path, &token, None).await;
    deleted.is_refusal(401, "invalid_token", MAY_NOT_UPDATE);
    assert_eq!(clients(&realm, "billing").await, ["billing"]);
}

async fn registration_token_of_one_client_against_another(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(2).await;
    let made = realm.register(&token, &json!({"clientId": "mine"})).await.expect(201);
    realm.register(&token, &json!({"clientId": "yours", "secret": "yours"})).await.expect(201);
    let own = made.text("registrationAccessToken");
    for provider in ["default", "openid-connect"] {
        let path = format!("{provider}/yours");
        let read = realm.registration(Method::GET, &path, &own, None).await;
        read.is_refusal(401, "invalid_token", MAY_NOT_VIEW);
        let body = json!({"clientId": "yours", "client_id": "yours"});
        let body = if provider == "default" { json!({"clientId": "yours"}) } else { body };
        let put = realm.registration(Method::PUT, &path, &own, Some(&body)).await;
        put.is_refusal(401, "invalid_token", MAY_NOT_UPDATE);
        let deleted = realm.registration(Method::DELETE, &path, &own, None).await;
        deleted.is_refusal(401, "invalid_token", MAY_NOT_UPDATE);
    }
    assert_eq!(clients(&realm, "yours").await, ["yours"]);
    realm.registration(Method::GET, "default/mine", &own, None).await.expect(200);
}

async fn registration_token_of_a_client_of_the_same_name_before(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(1).await;
    let made = realm.register(&token, &json!({"clientId": "robot"})).await.expect(201);
    let own = made.text("registrationAccessToken");
    realm.admin(Method::DELETE, &format!("/clients/{}", made.text("id")), None).await.expect(204);
    realm.create_service_account("robot").await;
    let read = realm.registration(Method::GET, "default/robot", &own, None).await;
    read.is_refusal(401, "invalid_token", MAY_NOT_VIEW);
}

async fn registration_token_used_twice_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(1).await;
    let made = realm.register(&token, &json!({"clientId": "robot"})).await.expect(201);
    let own = made.text("registrationAccessToken");
    let body = json!({"clientId": "robot", "name": "changed"});
    let put = || realm.registration(Method::PUT, "default/robot", &own, Some(&body));
    let answers = join_all((0..10).map(|_| put())).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status)));
}

async fn access_token_without_the_role(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.create_service_account("billing").await.access_token().await;
    let path = "default/billing";
    for (method, path) in
        [(Method::POST, "default"), (Method::GET, path), (Method::PUT, path), (Method::DELETE, path)]
    {
        let body = json!({"clientId": "billing"});
        let body = [Method::POST, Method::PUT].contains(&method).then_some(&body);
        let answer = realm.registration(method, path, &token, body).await;
        answer.is_refusal(403, "insufficient_scope", "Forbidden");
    }
}

async fn access_token_of_another_realms_administrator(app: &TestApp) {
    let realm = app.realm().await;
    let token = app.admin_token().await;
    let refused = realm.register(&token, &json!({"clientId": "robot"})).await;
    refused.is_refusal(401, "invalid_token", "Failed decode token");
    assert!(clients(&realm, "robot").await.is_empty());
}

async fn registrars_role_opens_nothing_else(app: &TestApp) {
    let realm = app.realm().await;
    let registrar = realm.create_service_account("registrar").await;
    let found = realm.get("/clients?clientId=realm-management").await;
    let management = found[0]["id"].as_str().unwrap();
    let role = realm.get(&format!("/clients/{management}/roles/create-client")).await;
    let mappings = format!("/users/{}/role-mappings/clients/{management}", registrar.user().await);
    realm.add(&mappings, &[&role]).await;
    let token = registrar.access_token().await;
    let made = realm.register(&token, &json!({"clientId": "robot"})).await.expect(201);
    for method in [Method::GET, Method::DELETE] {
        let answer = realm.registration(method, "default/robot", &token, None).await;
        answer.is_refusal(403, "insufficient_scope", "Forbidden");
    }
    let own = made.text("registrationAccessToken");
    realm.registration(Method::GET, "default/robot", &own, None).await.expect(200);

    // The role is looked up anew: taken away, it opens nothing, whatever the token says.
    realm.admin(Method::DELETE, &mappings, Some(&json!([role]))).await.expect(204);
    let refused = realm.register(&token, &json!({"clientId": "drone"})).await;
    refused.is_refusal(403, "insufficient_scope", "Forbidden");
    // And so is its holder.
    registrar.update(json!({"enabled": false})).await;
    let refused = realm.register(&token, &json!({"clientId": "drone"})).await;
    refused.is_refusal(401, "invalid_token", "Failed decode token");
}

async fn registration_tokens_as_access_or_refresh_tokens(app: &TestApp) {
    let realm = app.realm().await;
    let watcher = realm.create_service_account("watcher").await;
    let initial = realm.initial_access_token(1).await;
    let made = realm.register(&initial, &json!({"clientId": "robot"})).await.expect(201);
    for token in [initial, made.text("registrationAccessToken")] {
        assert_eq!(watcher.introspect(&token).await, json!({"active": false}));
        assert_ne!(watcher.refresh(&token).await.status, 200);
        for path in [realm.path("userinfo"), format!("/admin/realms/{}/clients", realm.name)] {
            let answer = app.http.get(app.url(&path)).bearer_auth(&token).send().await.unwrap();
            assert!([401, 403].contains(&answer.status().as_u16()), "{path}");
        }
    }
}

async fn refresh_token_as_registration_token(app: &TestApp) {
    let realm = app.realm().await;
    let refreshing = realm.create_refreshing("billing").await;
    let refresh = refreshing.token().await.expect(200).text("refresh_token");
    let refused = realm.register(&refresh, &json!({"clientId": "robot"})).await;
    refused.is_refusal(401, "invalid_token", "Invalid type of token");
}

async fn claims_and_audiences_of_ones_own_choice(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(1).await;
    for (mapper, config) in [
        ("oidc-hardcoded-claim-mapper", json!({"claim.name": "groups", "claim.value": "admin"})),
        ("oidc-audience-mapper", json!({"included.custom.audience": "bank"})),
        ("oidc-hardcoded-role-mapper", json!({"role": "realm-management.realm-admin"})),
    ] {
        let mapper =
            json!({"name": "m", "protocol": "openid-connect", "protocolMapper": mapper, "config": config});
        let refused =
            realm.register(&token, &json!({"clientId": "robot", "protocolMappers": [mapper]})).await;
        refused.is_refusal(
            403,
            "insufficient_scope",
            "Policy 'Allowed Protocol Mapper Types' rejected request to client-registration service. Details: ProtocolMapper type not allowed.",
        );
    }
    let made = realm.register(&token, &json!({"clientId": "robot"})).await.expect(201);
    let mapper = json!({"name": "m", "protocolMapper": "oidc-audience-mapper", "config": {}});
    let body = json!({"clientId": "robot", "protocolMappers": [mapper]});
    let own = made.text("registrationAccessToken");
    assert_eq!(realm.registration(Method::PUT, "default/robot", &own, Some(&body)).await.status, 403);
}

async fn scopes_that_the_realm_does_not_offer(app: &TestApp) {
    let realm = app.realm().await;
    let scope = json!({"name": "payments", "protocol": "openid-connect"});
    realm.make("/client-scopes", &scope).await;
    let token = realm.initial_access_token(1).await;
    for body in [
        json!({"clientId": "robot", "defaultClientScopes": ["payments"]}),
        json!({"clientId": "robot", "optionalClientScopes": ["payments"]}),
        // An optional one of the realm, as a default one.
        json!({"clientId": "robot", "defaultClientScopes": ["offline_access"]}),
    ] {
        assert_eq!(realm.register(&token, &body).await.status, 403, "{body}");
    }
    assert!(clients(&realm, "robot").await.is_empty());
}

async fn lifting_ones_own_limits(app: &TestApp) {
    let realm = app.realm().await;
    let limit = "latchkey.rate-limit.per-second";
    let billing = realm.create_service_account_with("billing", json!({"attributes": {limit: "5"}})).await;
    let path = format!("{}/registration-access-token", billing.path());
    let made = realm.admin(Method::POST, &path, None).await.expect(200);
    let own = made.text("registrationAccessToken");
    for value in [json!("1000"), json!(""), Value::Null] {
        let body = json!({"clientId": "billing", "attributes": {limit: value}});
        let refused = realm.registration(Method::PUT, "default/billing", &own, Some(&body)).await;
        assert_eq!((refused.status, refused.refusal().1.as_str()), (403, "insufficient_scope"), "{body}");
    }
    // What it reads, it may put back.
    let read = realm.registration(Method::GET, "default/billing", &own, None).await.expect(200).json();
    let put = realm.registration(Method::PUT, "default/billing", &own, Some(&read)).await.expect(200);
    assert_eq!(put.json()["attributes"][limit], "5");
    let token = realm.initial_access_token(1).await;
    let body = json!({"clientId": "robot", "attributes": {"latchkey.limits.mode": "observe"}});
    assert_eq!(realm.register(&token, &body).await.status, 403);
}

async fn taking_over_an_existing_client(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let token = realm.initial_access_token(5).await;
    for body in [
        json!({"clientId": "billing", "secret": "mine"}),
        json!({"clientId": "mine", "id": billing.id, "secret": "mine"}),
        json!({"clientId": "realm-management"}),
    ] {
        let refused = realm.register(&token, &body).await;
        refused.is_refusal(400, "invalid_client_metadata", "Client Identifier in use");
    }
    billing.token().await.expect(200);
    assert_eq!(realm.get("/clients-initial-access").await[0]["remainingCount"], 5);
}

async fn bad_bodies_and_paths(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(1).await;
    let unknown = realm.registration(Method::POST, "saml2-entity-descriptor", &token, Some(&json!({}))).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (404, json!({"error": "Client registration provider not found"}))
    );
    let nowhere = app.url("/realms/no-such-realm/clients-registrations/default");
    let answer = app.http.post(nowhere).json(&json!({})).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let url = app.url(&format!("/realms/{}/clients-registrations/default", realm.name));
    for (kind, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", r#"{"clientId":"a\u0000"}"#, 400),
        ("application/json", r#"{"nonsense":1}"#, 400),
        ("application/x-www-form-urlencoded", "clientId=a", 415),
    ] {
        let request = app.http.post(&url).bearer_auth(&token).header("content-type", kind).body(body);
        assert_eq!(request.send().await.unwrap().status(), status, "{body}");
    }
    let expired = format!("{}x", &token[..token.len() - 1]);
    assert_eq!(realm.register(&expired, &json!({"clientId": "x"})).await.status, 401);
    assert!(claims(&token)["jti"].is_string());
    realm.register(&token, &json!({"clientId": "x"})).await.expect(201);
}
