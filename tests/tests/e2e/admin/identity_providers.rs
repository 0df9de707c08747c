//! `/admin/realms/{realm}/identity-provider` and the links of users.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Issuer, Realm, TestApp};

scenarios!(
    a_provider_is_shown_as_it_was_made_but_for_its_secret,
    an_update_replaces_and_a_masked_secret_stays,
    lists_are_in_the_order_of_aliases_and_can_be_searched,
    what_cannot_be_is_refused,
    only_who_may_sees_and_changes_them,
    acts_are_recorded_without_secrets,
    links_are_shown_while_their_provider_is_there,
    an_import_brings_providers_and_links,
);

const INSTANCES: &str = "/identity-provider/instances";

async fn a_provider_is_shown_as_it_was_made_but_for_its_secret(app: &TestApp) {
    let realm = app.realm().await;
    let provider = json!({
        "alias": "cloud", "displayName": "", "providerId": "oidc", "trustEmail": false, "hideOnLogin": true,
        "internalId": "11111111-1111-1111-1111-111111111111",
        "config": { "clientId": "x", "clientSecret": "hush", "guiOrder": 1, "useJwksUrl": false, "gone": null },
    });
    let answer = realm.admin(Method::POST, INSTANCES, Some(&provider)).await.expect(201);
    let location = app.url(&format!("/admin/realms/{}{INSTANCES}/cloud", realm.name));
    assert_eq!(answer.header("location"), location);
    let shown = realm.admin(Method::GET, &format!("{INSTANCES}/cloud"), None).await.expect(200);
    assert_eq!(shown.header("content-type"), "application/json;charset=UTF-8");
    let types = [
        "USER_AUTHENTICATION",
        "CLIENT_ASSERTION",
        "TRUST_MATERIAL",
        "EXCHANGE_EXTERNAL_TOKEN",
        "JWT_AUTHORIZATION_GRANT",
    ];
    let expected = json!({
        "alias": "cloud", "displayName": "", "providerId": "oidc", "trustEmail": false, "hideOnLogin": true,
        "internalId": "11111111-1111-1111-1111-111111111111", "enabled": true, "types": types,
        "config": { "clientId": "x", "clientSecret": "**********", "guiOrder": "1", "useJwksUrl": "false" },
    });
    assert_eq!(shown.json(), expected);
    assert_eq!(realm.get(INSTANCES).await, json!([expected]));
    assert_eq!(realm.get(&format!("{INSTANCES}/cloud/mappers")).await, json!([]));
    assert_eq!(realm.get("/identity-provider/providers/oidc").await["id"], "oidc");
}

async fn an_update_replaces_and_a_masked_secret_stays(app: &TestApp) {
    let realm = app.realm().await;
    let provider = Issuer::new("https://cloud.example").provider("cloud", json!({ "guiOrder": "1" }));
    realm.make(INSTANCES, &provider).await;
    let path = format!("{INSTANCES}/cloud");
    let put = async |body: Value| realm.admin(Method::PUT, &path, Some(&body)).await;
    let mut read = realm.get(&path).await;
    read["config"].as_object_mut().unwrap().remove("guiOrder");
    put(read.clone()).await.expect(204);
    assert_eq!(realm.get(&path).await, read);

    put(json!({ "alias": "cloud", "providerId": "oidc", "displayName": "Cloud" })).await.expect(204);
    let replaced = realm.get(&path).await;
    assert_eq!((&replaced["config"], &replaced["displayName"]), (&json!({}), &json!("Cloud")));
    assert_eq!(replaced["internalId"], read["internalId"]);
    put(json!({ "providerId": "oidc", "config": { "clientSecret": "**********" } })).await.expect(204);
    assert_eq!(realm.get(&path).await["config"], json!({}), "there is no secret that could stay");

    let renamed = put(json!({ "alias": "other", "providerId": "oidc" })).await.expect(400);
    assert_eq!(renamed.json(), json!({ "errorMessage": "Identity Provider alias cannot be changed" }));
    realm.admin(Method::DELETE, &path, None).await.expect(204);
    for method in [Method::GET, Method::DELETE] {
        let missing = realm.admin(method, &path, None).await.expect(404);
        assert_eq!(missing.json(), json!({ "error": "HTTP 404 Not Found" }));
    }
}

async fn lists_are_in_the_order_of_aliases_and_can_be_searched(app: &TestApp) {
    let realm = app.realm().await;
    for alias in ["zzz", "mmm", "aaa"] {
        realm.make(INSTANCES, &json!({ "alias": alias, "providerId": "oidc" })).await;
    }
    let aliases = async |query: &str| -> Vec<String> {
        let listed = realm.get(&format!("{INSTANCES}{query}")).await;
        listed.as_array().unwrap().iter().map(|one| one["alias"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(aliases("").await, ["aaa", "mmm", "zzz"]);
    assert_eq!(aliases("?first=1&max=1").await, ["mmm"]);
    assert_eq!(aliases("?first=-1&max=-1").await, ["aaa", "mmm", "zzz"]);
    assert_eq!(aliases("?search=M").await, ["mmm"]);
    assert_eq!(aliases("?search=*z").await, ["zzz"]);
    assert!(aliases("?search=%22mm%22").await.is_empty());
    assert!(realm.get(&format!("{INSTANCES}?briefRepresentation=true")).await[0]["types"].is_null());
    realm.admin(Method::GET, &format!("{INSTANCES}?first=abc"), None).await.expect(404);
}

async fn what_cannot_be_is_refused(app: &TestApp) {
    let realm = app.realm().await;
    let cloud = Issuer::new("https://cloud.example");
    realm.make(INSTANCES, &cloud.provider("cloud", json!({ "supportsClientAssertions": "true" }))).await;
    let message = |text: &str| json!({ "errorMessage": text });
    let taken = "Issuer URL already used for IDP 'cloud', Issuer must be unique if the idp supports JWT \
                 Authorization Grant or Federated Client Authentication";
    for (body, status, expected) in [
        (json!({}), 400, message("path is null")),
        (json!({ "alias": "x" }), 400, message("Invalid identity provider id [null]")),
        (json!({ "alias": "x", "providerId": "y" }), 400, message("Invalid identity provider id [y]")),
        (
            json!({ "alias": "a b", "providerId": "oidc" }),
            400,
            json!({ "error": "Empty Space not allowed." }),
        ),
        (
            json!({ "alias": "a/b", "providerId": "oidc" }),
            400,
            json!({ "error": "Character '/' not allowed." }),
        ),
        (
            json!({ "alias": "cloud", "providerId": "oidc" }),
            409,
            message("Identity Provider cloud already exists"),
        ),
        (cloud.provider("second", json!({ "supportsClientAssertions": "true" })), 400, message(taken)),
        (
            json!({ "alias": "x", "providerId": "oidc", "config": { "jwksUrl": "file:///x" } }),
            400,
            message("The url [jwks_url] is malformed"),
        ),
        (
            json!({ "alias": "x", "providerId": "oidc", "zzz": 1 }),
            400,
            json!({ "error": "Invalid json representation for IdentityProviderRepresentation. Unrecognized field \"zzz\" at line 1 column 39." }),
        ),
    ] {
        let answer = realm.admin(Method::POST, INSTANCES, Some(&body)).await;
        assert_eq!((answer.status, answer.json()), (status, expected), "{body}");
    }
    assert_eq!(realm.get(INSTANCES).await.as_array().unwrap().len(), 1);
}

async fn only_who_may_sees_and_changes_them(app: &TestApp) {
    let realm = app.realm().await;
    realm.make(INSTANCES, &json!({ "alias": "cloud", "providerId": "oidc" })).await;
    let operator = realm.create_service_account("operator").await;
    let management =
        realm.get("/clients?clientId=realm-management").await[0]["id"].as_str().unwrap().to_owned();
    let mappings = format!("/users/{}/role-mappings/clients/{management}", operator.user().await);
    let token = operator.access_token().await;
    let ask = async |method: Method, path: &str, body: Value| {
        let url = app.url(&format!("/admin/realms/{}{path}", realm.name));
        let request = app.http.request(method, url).bearer_auth(&token).json(&body);
        Answer::read(request.send().await.unwrap()).await.unwrap().status
    };
    let one = format!("{INSTANCES}/cloud");
    let test = format!("{one}/test-assertion");
    let provider = json!({ "alias": "cloud", "providerId": "oidc" });
    let statuses = async || {
        [
            ask(Method::GET, INSTANCES, json!(null)).await,
            ask(Method::GET, &one, json!(null)).await,
            ask(Method::PUT, &one, provider.clone()).await,
            ask(Method::POST, &test, json!({ "assertion": "x" })).await,
            ask(Method::POST, INSTANCES, provider.clone()).await,
        ]
    };
    for (role, expected) in [
        ("manage-realm", [403; 5]),
        ("view-identity-providers", [200, 200, 403, 403, 403]),
        ("manage-identity-providers", [200, 200, 204, 200, 409]),
    ] {
        let role = realm.get(&format!("/clients/{management}/roles/{role}")).await;
        realm.add(&mappings, &[&role]).await;
        assert_eq!(statuses().await, expected, "{}", role["name"]);
        realm.admin(Method::DELETE, &mappings, Some(&json!([role]))).await.expect(204);
    }
}

async fn acts_are_recorded_without_secrets(app: &TestApp) {
    let settings = json!({ "adminEventsEnabled": true, "adminEventsDetailsEnabled": true });
    let realm = app.realm_with(settings).await;
    let provider = Issuer::new("https://cloud.example").provider("cloud", json!({}));
    realm.make(INSTANCES, &provider).await;
    let path = format!("{INSTANCES}/cloud");
    realm.admin(Method::PUT, &path, Some(&provider)).await.expect(204);
    realm.admin(Method::DELETE, &path, None).await.expect(204);
    let events = crate::app::eventually("the events are there", crate::app::PATIENCE, async || {
        let events = realm.get("/admin-events?resourceTypes=IDENTITY_PROVIDER").await;
        (events.as_array().unwrap().len() == 3).then_some(events)
    })
    .await;
    for (event, operation) in events.as_array().unwrap().iter().zip(["DELETE", "UPDATE", "CREATE"]) {
        assert_eq!(event["operationType"], operation);
        assert_eq!(event["resourcePath"], "identity-provider/instances/cloud");
        assert!(!event.to_string().contains("hush-of-the-provider"), "{event}");
    }
    assert!(!app.server.log().contains("hush-of-the-provider"));
}

async fn links_are_shown_while_their_provider_is_there(app: &TestApp) {
    let realm = app.realm().await;
    let user = realm.make("/users", &json!({ "username": "joined", "enabled": true })).await;
    let links = format!("/users/{user}/federated-identity");
    let link = async |alias: &str, body: Value| {
        realm.admin(Method::POST, &format!("{links}/{alias}"), Some(&body)).await
    };
    assert_eq!(realm.get(&links).await, json!([]));
    link("cloud", json!({ "identityProvider": "OTHER", "userId": "7", "userName": "ext" })).await.expect(204);
    assert_eq!(realm.get(&links).await, json!([]), "the realm has no such provider");
    let again = link("cloud", json!({})).await.expect(409);
    assert_eq!(again.json(), json!({ "errorMessage": "User is already linked with provider" }));
    realm.make(INSTANCES, &json!({ "alias": "cloud", "providerId": "oidc" })).await;
    let shown = json!([{ "identityProvider": "cloud", "userId": "7", "userName": "ext" }]);
    assert_eq!(realm.get(&links).await, shown);
    let unknown = link("x", json!({ "bogus": 1 })).await.expect(400).text("error");
    assert!(unknown.starts_with("Invalid json representation for FederatedIdentityRepresentation."));

    realm.admin(Method::DELETE, &format!("{INSTANCES}/cloud"), None).await.expect(204);
    realm.make(INSTANCES, &json!({ "alias": "cloud", "providerId": "oidc" })).await;
    assert_eq!(realm.get(&links).await, json!([]), "the links went with the provider");
    let missing = realm.admin(Method::DELETE, &format!("{links}/cloud"), None).await.expect(404);
    assert_eq!(missing.json(), json!({ "error": "Link not found" }));
    let nobody = realm.admin(Method::GET, "/users/nobody/federated-identity", None).await.expect(404);
    assert_eq!(nobody.json(), json!({ "error": "User not found" }));
}

async fn an_import_brings_providers_and_links(app: &TestApp) {
    let provider = Issuer::new("https://cloud.example").provider("cloud", json!({}));
    let user = json!({
        "username": "joined", "enabled": true,
        "federatedIdentities": [{ "identityProvider": "cloud", "userId": "7", "userName": "ext" }],
    });
    let realm: Realm<'_> = app.realm_with(json!({ "identityProviders": [provider], "users": [user] })).await;
    assert_eq!(realm.get(&format!("{INSTANCES}/cloud")).await["config"]["clientSecret"], "**********");
    let shown = realm.get("").await;
    assert_eq!(shown["identityProviders"][0]["alias"], "cloud");
    assert!(!shown.to_string().contains("hush-of-the-provider"), "a realm shows no secret of a provider");
    let id = realm.get("/users?username=joined").await[0]["id"].as_str().unwrap().to_owned();
    let links = realm.get(&format!("/users/{id}/federated-identity")).await;
    assert_eq!(links, json!([{ "identityProvider": "cloud", "userId": "7", "userName": "ext" }]));
}
