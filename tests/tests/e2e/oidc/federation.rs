//! Clients and users that an outside issuer vouches for: RFC 7523 and Keycloak's `federated-jwt`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Issuer, KeyServer, Realm, Setup, Shape, TestApp, claims, run_alone};

scenarios!(
    a_workload_gets_a_token_without_any_secret,
    an_assertion_is_used_once,
    who_it_is_not_learns_no_more_than_that,
    a_prefix_and_claims_say_who_a_workload_is,
    a_linked_user_is_vouched_for,
    a_grant_is_used_once_and_gives_no_refresh_token,
    a_provider_may_let_assertions_come_again_and_bound_tokens,
    a_grant_ends_with_its_link_and_its_provider,
    attack_keys_at_a_private_address,
    both_prefixes_serve_outside_assertions,
);

const REFUSED: &str = "Invalid client or Invalid client credentials";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn present(realm: &Realm<'_>, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    realm.post_form("token", &form).await
}

/// A realm whose client `billing` is the cloud's `workload-7`.
async fn trusting(app: &TestApp) -> (Realm<'_>, Issuer) {
    let realm = app.realm().await;
    let cloud = Issuer::new("https://cloud.example");
    trust(&realm, &cloud.provider("cloud", json!({ "supportsClientAssertions": "true" }))).await;
    workload(&realm, "billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    (realm, cloud)
}

async fn trust(realm: &Realm<'_>, provider: &Value) {
    assert_eq!(
        realm.make("/identity-provider/instances", provider).await,
        provider["alias"].as_str().unwrap()
    );
}

async fn workload(realm: &Realm<'_>, client_id: &str, mut attributes: Value) {
    attributes["jwt.credential.issuer"] = json!("cloud");
    let settings =
        json!({ "secret": null, "clientAuthenticatorType": "federated-jwt", "attributes": attributes });
    realm.create_service_account_with(client_id, settings).await;
}

async fn a_workload_gets_a_token_without_any_secret(app: &TestApp) {
    let (realm, cloud) = trusting(app).await;
    let assertion = cloud.assertion("workload-7", &realm.issuer(), json!({}));
    let token = present(&realm, &assertion).await.expect(200).text("access_token");
    assert_eq!(claims(&token)["azp"], "billing");
    assert_eq!(claims(&token)["preferred_username"], "service-account-billing");
}

async fn an_assertion_is_used_once(app: &TestApp) {
    let (realm, cloud) = trusting(app).await;
    let assertion = cloud.assertion("workload-7", &realm.issuer(), json!({}));
    let uses = futures::future::join_all((0..8).map(|_| present(&realm, &assertion))).await;
    assert_eq!(uses.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in uses.iter().filter(|answer| answer.status != 200) {
        answer.is_refusal(400, "invalid_client", "Token reuse detected");
    }
}

async fn who_it_is_not_learns_no_more_than_that(app: &TestApp) {
    let (realm, cloud) = trusting(app).await;
    let stranger = Issuer::new(&cloud.url);
    let us = realm.issuer();
    for assertion in [
        cloud.assertion("workload-8", &us, json!({})),
        cloud.assertion("workload-7", &us, json!({ "iss": "https://other.example" })),
        stranger.assertion("workload-7", &us, json!({})),
        "garbage".to_owned(),
    ] {
        present(&realm, &assertion).await.is_refusal(401, "invalid_client", REFUSED);
    }
    for (audience, claims, description) in [
        ("https://other.example", json!({}), "Invalid token audience"),
        (&us, json!({ "exp": 1_700_000_000, "iat": null }), "Token is not active"),
        (&us, json!({ "jti": null }), "Token jti claim is required"),
    ] {
        let assertion = cloud.assertion("workload-7", audience, claims);
        present(&realm, &assertion).await.is_refusal(400, "invalid_client", description);
    }
    // Another realm that trusts nobody.
    let other = app.realm().await;
    let assertion = cloud.assertion("workload-7", &other.issuer(), json!({}));
    present(&other, &assertion).await.is_refusal(401, "invalid_client", REFUSED);
}

async fn a_prefix_and_claims_say_who_a_workload_is(app: &TestApp) {
    let (realm, cloud) = trusting(app).await;
    let deployer = json!({
        "jwt.credential.sub.prefix": "repo:acme/app:",
        "jwt.credential.claims": json!({ "environment": "prod" }).to_string(),
    });
    workload(&realm, "deployer", deployer).await;
    let us = realm.issuer();
    let from = |environment: &str| {
        cloud.assertion("repo:acme/app:ref:refs/heads/main", &us, json!({ "environment": environment }))
    };
    let token = present(&realm, &from("prod")).await.expect(200).text("access_token");
    assert_eq!(claims(&token)["azp"], "deployer");
    present(&realm, &from("dev")).await.is_refusal(401, "invalid_client", REFUSED);

    let path = "/identity-provider/instances/cloud/test-assertion";
    let assertion = from("prod");
    for _ in 0..2 {
        let body = json!({ "assertion": assertion });
        let tested = realm.admin(Method::POST, path, Some(&body)).await.expect(200).json();
        assert_eq!(
            (&tested["accepted"], &tested["clientId"]),
            (&json!(true), &json!("deployer")),
            "{tested}"
        );
    }
    present(&realm, &assertion).await.expect(200);
    let body = json!({ "assertion": from("dev") });
    let tested = realm.admin(Method::POST, path, Some(&body)).await.expect(200).json();
    assert_eq!(tested["accepted"], false);
    let last = tested["checks"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["name"], &last["passed"]), (&json!("client"), &json!(false)), "{tested}");
    for token in [&assertion, body["assertion"].as_str().unwrap()] {
        assert!(!app.server.log().contains(token), "an assertion is in the log");
    }
}

/// A realm whose user `joined` is the broker's `abc-9`, and the client `app` that may have him vouched for.
async fn brokered(app: &TestApp) -> (Realm<'_>, Issuer, String) {
    let realm = app.realm().await;
    let broker = Issuer::new("https://broker.example");
    trust(&realm, &broker.provider("broker", json!({ "jwtAuthorizationGrantEnabled": "true" }))).await;
    let attributes = json!({
        "oauth2.jwt.authorization.grant.enabled": "true", "oauth2.jwt.authorization.grant.idp": "broker",
    });
    realm.create_service_account_with("app", json!({ "attributes": attributes })).await;
    let user = json!({ "username": "joined", "enabled": true, "email": "j@example.org" });
    let user = realm.make("/users", &user).await;
    let link = json!({ "userId": "abc-9", "userName": "ext" });
    let path = format!("/users/{user}/federated-identity/broker");
    realm.admin(Method::POST, &path, Some(&link)).await.expect(204);
    (realm, broker, user)
}

async fn grant(realm: &Realm<'_>, assertion: &str) -> Answer {
    let form = [
        ("grant_type", GRANT),
        ("assertion", assertion),
        ("client_id", "app"),
        ("client_secret", crate::app::SECRET),
        ("scope", "openid offline_access"),
    ];
    realm.post_form("token", &form).await
}

async fn a_linked_user_is_vouched_for(app: &TestApp) {
    let (realm, broker, user) = brokered(app).await;
    let us = realm.issuer();
    let token_endpoint = app.url(&realm.path("token"));
    for audience in [&us, &token_endpoint] {
        let answer = grant(&realm, &broker.assertion("abc-9", audience, json!({}))).await.expect(200);
        let token = claims(&answer.text("access_token"));
        assert_eq!((&token["sub"], &token["azp"]), (&json!(user), &json!("app")));
        assert!(token["jti"].as_str().unwrap().starts_with("trrtag:"));
    }
    let stranger = Issuer::new(&broker.url);
    for (assertion, description) in [
        (broker.assertion("abc-8", &us, json!({})), "User not found"),
        (broker.assertion("abc-9", "https://other.example", json!({})), "Invalid token audience"),
        (stranger.assertion("abc-9", &us, json!({})), "Invalid signature"),
        (
            broker.assertion("abc-9", &us, json!({ "iss": "https://x.example" })),
            "No Identity Provider for provided issuer",
        ),
        ("garbage".to_owned(), "The provided assertion is not a valid JWT"),
    ] {
        grant(&realm, &assertion).await.is_refusal(400, "invalid_grant", description);
    }
    realm.admin(Method::PUT, &format!("/users/{user}"), Some(&json!({ "enabled": false }))).await.expect(204);
    let assertion = broker.assertion("abc-9", &us, json!({}));
    grant(&realm, &assertion).await.is_refusal(400, "invalid_grant", "User disabled");
}

async fn a_grant_is_used_once_and_gives_no_refresh_token(app: &TestApp) {
    let (realm, broker, _) = brokered(app).await;
    let assertion = broker.assertion("abc-9", &realm.issuer(), json!({}));
    let answer = grant(&realm, &assertion).await.expect(200).json();
    assert_eq!(answer["refresh_expires_in"], 0);
    assert!(answer["refresh_token"].is_null() && answer["session_state"].is_null(), "{answer}");
    grant(&realm, &assertion).await.is_refusal(400, "invalid_grant", "Token reuse detected");
}

async fn a_provider_may_let_assertions_come_again_and_bound_tokens(app: &TestApp) {
    let (realm, broker, _) = brokered(app).await;
    let assertion = broker.assertion("abc-9", &realm.issuer(), json!({}));
    let lasts = async || grant(&realm, &assertion).await.expect(200).json()["expires_in"].as_i64().unwrap();
    assert_eq!(lasts().await, 300, "as the realm has it");
    let path = "/identity-provider/instances/broker";
    let mut provider = realm.get(path).await;
    provider["config"]["jwtAuthorizationGrantAssertionReuseAllowed"] = json!("true");
    provider["config"]["jwtAuthorizationGrantLimitAccessTokenExp"] = json!("true");
    realm.admin(Method::PUT, path, Some(&provider)).await.expect(204);
    for _ in 0..2 {
        let bounded = lasts().await;
        assert!((1..=120).contains(&bounded), "not longer than the assertion: {bounded}");
    }
}

async fn a_grant_ends_with_its_link_and_its_provider(app: &TestApp) {
    let (realm, broker, user) = brokered(app).await;
    let us = realm.issuer();
    let fresh = || broker.assertion("abc-9", &us, json!({}));
    let path = format!("/users/{user}/federated-identity/broker");
    realm.admin(Method::DELETE, &path, None).await.expect(204);
    grant(&realm, &fresh()).await.is_refusal(400, "invalid_grant", "User not found");
    realm.admin(Method::POST, &path, Some(&json!({ "userId": "abc-9" }))).await.expect(204);
    grant(&realm, &fresh()).await.expect(200);

    let provider = "/identity-provider/instances/broker";
    realm.admin(Method::DELETE, provider, None).await.expect(204);
    let unknown = "No Identity Provider for provided issuer";
    grant(&realm, &fresh()).await.is_refusal(400, "invalid_grant", unknown);
    // Another one of the same alias is another one: nobody is linked to it.
    trust(&realm, &broker.provider("broker", json!({ "jwtAuthorizationGrantEnabled": "true" }))).await;
    grant(&realm, &fresh()).await.is_refusal(400, "invalid_grant", "User not found");
}

async fn attack_keys_at_a_private_address(app: &TestApp) {
    let realm = app.realm().await;
    let (server, cloud) = KeyServer::start().await;
    let config = json!({
        "useJwksUrl": "true", "jwksUrl": server.url("/keys"), "supportsClientAssertions": "true",
    });
    trust(&realm, &cloud.provider("cloud", config)).await;
    workload(&realm, "billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    let assertion = cloud.assertion("workload-7", &realm.issuer(), json!({}));
    present(&realm, &assertion).await.is_refusal(401, "invalid_client", REFUSED);
    let path = "/identity-provider/instances/cloud/test-assertion";
    let tested = realm.admin(Method::POST, path, Some(&json!({ "assertion": assertion }))).await.json();
    let detail = tested["checks"].as_array().unwrap().last().unwrap()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("private"), "{detail}");
}

async fn both_prefixes_serve_outside_assertions(app: &TestApp) {
    let (realm, cloud) = trusting(app).await;
    let issuer = app.url(&format!("/auth/realms/{}", realm.name));
    let assertion = cloud.assertion("workload-7", &issuer, json!({}));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    let url = app.url(&format!("/auth{}", realm.path("token")));
    let answer = app.http.post(url).form(&form).send().await.unwrap();
    let token = Answer::read(answer).await.unwrap().expect(200).text("access_token");
    assert_eq!(claims(&token)["iss"], issuer);
    present(&realm, &cloud.assertion("workload-7", &issuer, json!({}))).await.is_refusal(
        400,
        "invalid_client",
        "Invalid token audience",
    );
}

/// An issuer of a private network that the settings allow, found by discovery; as a cluster's is.
async fn a_cluster_publishes_its_keys(shape: Shape) {
    let networks = r#"["127.0.0.0/8"]"#;
    let setup = Setup::of(shape).with("LATCHKEY_CLIENT_REGISTRY__ALLOWED_KEY_SERVER_NETWORKS", networks);
    let app = TestApp::start(setup).await;
    let realm = app.realm().await;
    let (_server, cluster) = KeyServer::start().await;
    let provider = json!({
        "alias": "cloud", "providerId": "kubernetes", "config": { "issuer": cluster.url },
    });
    trust(&realm, &provider).await;
    let subject = "system:serviceaccount:prod:billing";
    workload(&realm, "billing", json!({ "jwt.credential.sub": subject })).await;
    let assertion = cluster.assertion(subject, &realm.issuer(), json!({ "jti": null }));
    for _ in 0..2 {
        present(&realm, &assertion).await.expect(200);
    }
}

#[test]
fn a_cluster_publishes_its_keys_to_one_process() {
    run_alone(a_cluster_publishes_its_keys(Shape::AllInOne));
}

#[test]
fn a_cluster_publishes_its_keys_to_separate_processes() {
    run_alone(a_cluster_publishes_its_keys(Shape::Separate));
}
