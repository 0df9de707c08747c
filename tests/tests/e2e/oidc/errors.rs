//! What the token endpoint answers to requests that cannot succeed: Keycloak's table.

use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, TestApp};

scenarios!(
    the_table_of_errors,
    the_order_of_the_checks,
    what_is_no_form_has_no_parameters,
    unknown_realms_paths_and_methods,
    a_long_parameter_is_dropped,
);

const CLIENT_REFUSED: &str = "Invalid client or Invalid client credentials";
const BILLING: &[(&str, &str)] =
    &[("client_id", "billing"), ("client_secret", "correct horse/battery+staple")];
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn the_table_of_errors(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let access_token = billing.access_token().await;
    realm.create_service_account_with("without-account", json!({"serviceAccountsEnabled": false})).await;
    realm.create_service_account_with("disabled", json!({"enabled": false})).await;
    let bearer_only = json!({"bearerOnly": true, "serviceAccountsEnabled": false});
    realm.create_service_account_with("bearer-only", bearer_only).await;
    let public = json!({"clientId": "public", "publicClient": true, "directAccessGrantsEnabled": false});
    realm.make("/clients", &public).await;

    let with = |more: &[(&'static str, &'static str)]| [BILLING, more].concat();
    let named = |client_id: &'static str| {
        vec![GRANT, ("client_id", client_id), ("client_secret", "correct horse/battery+staple")]
    };
    let password = ("grant_type", "password");
    let refresh = ("grant_type", "refresh_token");
    let table = [
        (with(&[]), 400, "invalid_request", "Missing form parameter: grant_type"),
        (with(&[("grant_type", "")]), 400, "unsupported_grant_type", "Unsupported grant_type"),
        (with(&[("grant_type", "nope")]), 400, "unsupported_grant_type", "Unsupported grant_type"),
        (
            with(&[("grant_type", "CLIENT_CREDENTIALS")]),
            400,
            "unsupported_grant_type",
            "Unsupported grant_type",
        ),
        (with(&[GRANT, GRANT]), 400, "invalid_request", "duplicated parameter"),
        (with(&[GRANT, ("x", "1"), ("x", "2")]), 400, "invalid_request", "duplicated parameter"),
        (vec![GRANT], 401, "invalid_client", CLIENT_REFUSED),
        (named("nobody"), 401, "invalid_client", CLIENT_REFUSED),
        (named("disabled"), 401, "invalid_client", CLIENT_REFUSED),
        (vec![GRANT, ("client_id", "billing")], 401, "unauthorized_client", CLIENT_REFUSED),
        (
            vec![GRANT, ("client_id", "billing"), ("client_secret", "")],
            401,
            "unauthorized_client",
            CLIENT_REFUSED,
        ),
        (
            named("without-account"),
            401,
            "unauthorized_client",
            "Client not enabled to retrieve service account",
        ),
        (
            vec![GRANT, ("client_id", "public")],
            401,
            "unauthorized_client",
            "Public client not allowed to retrieve service account",
        ),
        (named("bearer-only"), 400, "invalid_client", "Bearer-only not allowed"),
        (
            with(&[password, ("username", "a"), ("password", "b")]),
            400,
            "unauthorized_client",
            "Client not allowed for direct access grants",
        ),
        (with(&[refresh]), 400, "invalid_request", "No refresh token"),
        (with(&[refresh, ("refresh_token", "x")]), 400, "invalid_grant", "Invalid refresh token"),
        (with(&[GRANT, ("scope", "nope")]), 400, "invalid_scope", "Invalid scopes: nope"),
    ];
    for (form, status, error, description) in table {
        let answer = realm.post_form("token", &form).await;
        let expected = (status, error.to_owned(), description.to_owned());
        assert_eq!(answer.refusal(), expected, "{form:?}");
        assert_eq!(answer.header("content-type"), "application/json", "{form:?}");
        assert_eq!(answer.header("cache-control"), "no-store", "{form:?}");
        assert_eq!(answer.header("pragma"), "no-cache", "{form:?}");
    }
    billing.refresh(&access_token).await.is_refusal(400, "invalid_grant", "Invalid refresh token");
}

async fn the_order_of_the_checks(app: &TestApp) {
    let realm = app.realm().await;
    let off = json!({"serviceAccountsEnabled": false});
    let billing = realm.create_service_account_with("billing", off).await;
    let unknown = app.url("/realms/no-such-realm/protocol/openid-connect/token");
    let answer = billing.post_at(&unknown, &[]).await.unwrap();
    assert_eq!((answer.status, answer.json()), (404, json!({"error": "Realm does not exist"})));

    // Each request has the faults of all that follow it.
    let wrong = [("client_id", "billing"), ("client_secret", "wrong")];
    let post = async |form: &[(&str, &str)]| realm.post_form("token", form).await.refusal().1;
    assert_eq!(post(&[]).await, "invalid_request");
    assert_eq!(post(&[&wrong[..], &[("grant_type", "nope")]].concat()).await, "unsupported_grant_type");
    let twice = [GRANT, ("scope", "nope"), ("scope", "nope")];
    assert_eq!(post(&[&wrong[..], &twice].concat()).await, "unauthorized_client");
    assert_eq!(post(&[BILLING, &twice].concat()).await, "invalid_request");
    billing.token_with(&[("scope", "nope")]).await.is_refusal(
        401,
        "unauthorized_client",
        "Client not enabled to retrieve service account",
    );

    realm.update(json!({"enabled": false})).await;
    realm.post_form("token", &[]).await.is_refusal(403, "access_denied", "Realm not enabled");
}

async fn what_is_no_form_has_no_parameters(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let url = app.url(&realm.path("token"));
    let post = || app.http.post(&url).header("authorization", billing.basic());
    for request in [
        post().json(&json!({"grant_type": "client_credentials"})),
        post().header("content-type", "text/plain").body("grant_type=client_credentials"),
        post(),
        app.http
            .post(format!("{url}?grant_type=client_credentials"))
            .header("authorization", billing.basic()),
    ] {
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        answer.is_refusal(400, "invalid_request", "Missing form parameter: grant_type");
    }
    let multipart = reqwest::multipart::Form::new().text("grant_type", "client_credentials");
    Answer::read(post().multipart(multipart).send().await.unwrap()).await.unwrap().expect(200);
}

async fn unknown_realms_paths_and_methods(app: &TestApp) {
    let realm = app.realm().await;
    let at = |path: &str| format!("/realms/{}{path}", realm.name);
    let token = at("/protocol/openid-connect/token");
    for (method, path, status, error) in [
        (Method::GET, "/realms/no-such-realm".to_owned(), 404, "Realm does not exist"),
        (Method::GET, "/realms/no-such-realm/x/y".to_owned(), 404, "Realm does not exist"),
        (Method::GET, at("/protocol/openid-connect/nope"), 404, "HTTP 404 Not Found"),
        (Method::POST, at("/protocol/openid-connect/nope"), 405, "HTTP 405 Method Not Allowed"),
        (Method::GET, token.clone(), 405, "HTTP 405 Method Not Allowed"),
        (Method::PUT, token.clone(), 405, "HTTP 405 Method Not Allowed"),
        (Method::DELETE, token, 405, "HTTP 405 Method Not Allowed"),
        (Method::GET, at("").to_uppercase().replace("/REALMS", "/realms"), 404, "Realm does not exist"),
    ] {
        let request = app.http.request(method.clone(), app.url(&path));
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        assert_eq!((answer.status, answer.json()), (status, json!({"error": error})), "{method} {path}");
    }
}

async fn a_long_parameter_is_dropped(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    billing.token_with(&[("scope", &"x".repeat(5000))]).await.expect(200);
    assert_eq!(billing.token_with(&[("scope", &"x".repeat(3000))]).await.refusal().1, "invalid_scope");
}
