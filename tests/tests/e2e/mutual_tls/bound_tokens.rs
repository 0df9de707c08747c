//! Tokens that are bound to a certificate, RFC 8705 section 3.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::setting::{Setting, orders, post};
use crate::app::{Answer, Identity, Realm, ServiceAccount, claims};

scenarios_with_certificates!(
    tokens_are_bound_to_the_certificate_that_was_presented,
    a_stolen_token_opens_nothing,
    a_stolen_refresh_token_gives_nothing,
    a_client_that_asks_for_bound_tokens_has_no_use_for_others,
);

const MISMATCH: &str =
    "Client certificate missing, or its thumbprint and one in the refresh token did NOT match";

fn mismatch() -> (u16, String, String) {
    (401, "unauthorized_client".to_owned(), MISMATCH.to_owned())
}

/// A client with a secret whose tokens are bound.
async fn bound<'a>(realm: &'a Realm<'a>) -> ServiceAccount<'a> {
    let attributes = json!({
        "tls.client.certificate.bound.access.tokens": "true",
        "client_credentials.use_refresh_token": "true",
    });
    realm.create_service_account_with("orders", json!({"attributes": attributes})).await
}

async fn by_secret(
    http: &Client,
    client: &ServiceAccount<'_>,
    endpoint: &str,
    header: Option<&str>,
    form: &[(&str, &str)],
) -> Answer {
    let credentials = [("client_id", client.client_id.as_str()), ("client_secret", client.secret.as_str())];
    post(http, client.realm, endpoint, header, &[&credentials, form].concat()).await
}

const CREDENTIALS: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "openid")];

async fn userinfo(http: &Client, realm: &Realm<'_>, token: &str) -> (u16, String) {
    let answer = http.get(realm.app.url(&realm.path("userinfo"))).bearer_auth(token).send().await.unwrap();
    let answer = Answer::read(answer).await.unwrap();
    (answer.status, answer.header("www-authenticate").to_owned())
}

async fn tokens_are_bound_to_the_certificate_that_was_presented(s: &Setting) {
    let realm = s.app.realm().await;
    let client = bound(&realm).await;
    client.hear_itself().await;
    // Nobody need vouch for it: the client is known by its secret.
    let identity = Identity::self_signed(&orders());
    let presenting = s.presenting(&identity);
    let cnf = json!({"x5t#S256": identity.thumbprint()});
    let given = by_secret(&presenting, &client, "token", None, &CREDENTIALS).await.expect(200);
    let told = s.proxy();
    let told =
        by_secret(&told, &client, "token", Some(&identity.client_cert()), &CREDENTIALS).await.expect(200);
    for answer in [&given, &told] {
        assert_eq!(answer.text("token_type"), "Bearer");
        assert_eq!(claims(&answer.text("access_token"))["cnf"], cnf);
        assert_eq!(claims(&answer.text("access_token"))["typ"], "Bearer");
        assert_eq!(claims(&answer.text("refresh_token"))["cnf"], cnf);
        assert_eq!(claims(&answer.text("id_token"))["cnf"], Value::Null);
    }
    assert_eq!(client.introspect(&given.text("access_token")).await["cnf"], cnf);
    assert_eq!(client.introspect_refresh(&given.text("refresh_token")).await["cnf"], cnf);

    let answer = by_secret(&s.app.http, &client, "token", None, &CREDENTIALS).await;
    let words = "Client Certification missing for MTLS HoK Token Binding";
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned(), words.to_owned()));
    let sessions = realm.get(&format!("{}/session-count", client.path())).await;
    assert_eq!(sessions["count"], 2, "a refusal leaves no session");
}

async fn a_stolen_token_opens_nothing(s: &Setting) {
    let realm = s.app.realm().await;
    let client = bound(&realm).await;
    let management = realm.get("/clients?clientId=realm-management").await[0]["id"].clone();
    let management = management.as_str().unwrap();
    let role = realm.get(&format!("/clients/{management}/roles/view-clients")).await;
    let path = format!("/users/{}/role-mappings/clients/{management}", client.user().await);
    realm.add(&path, &[&role]).await;
    let owner = s.presenting(&s.orders());
    let token =
        by_secret(&owner, &client, "token", None, &CREDENTIALS).await.expect(200).text("access_token");

    let clients = async |http: &Client| {
        let url = realm.app.url(&format!("/admin/realms/{}/clients", realm.name));
        http.request(Method::GET, url).bearer_auth(&token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(userinfo(&owner, &realm, &token).await.0, 200);
    assert_eq!(clients(&owner).await, 200);
    // The thief may hold a certificate of the same authority and the same name.
    for thief in [s.app.http.clone(), s.presenting(&s.orders())] {
        let (status, challenge) = userinfo(&thief, &realm, &token).await;
        assert_eq!(status, 401);
        assert!(
            challenge.contains(r#"error="invalid_token""#) && challenge.contains(MISMATCH),
            "{challenge}"
        );
        assert_eq!(clients(&thief).await, 401);
    }
}

async fn a_stolen_refresh_token_gives_nothing(s: &Setting) {
    let realm = s.app.realm_with(json!({"revokeRefreshToken": true, "refreshTokenMaxReuse": 0})).await;
    let client = bound(&realm).await;
    let identity = s.orders();
    let owner = s.presenting(&identity);
    let given = by_secret(&owner, &client, "token", None, &CREDENTIALS).await.expect(200);
    let refresh_token = given.text("refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    // The thief knows the client's secret too.
    for thief in [s.app.http.clone(), s.presenting(&s.orders())] {
        assert_eq!(by_secret(&thief, &client, "token", None, &form).await.refusal(), mismatch());
        let logout = by_secret(&thief, &client, "logout", None, &[("refresh_token", &refresh_token)]).await;
        assert_eq!(logout.refusal(), mismatch());
    }
    let next = by_secret(&owner, &client, "token", None, &form).await.expect(200);
    let cnf = json!({"x5t#S256": identity.thumbprint()});
    assert_eq!(claims(&next.text("access_token"))["cnf"], cnf, "what was refused has spent nothing");
    assert_eq!(claims(&next.text("refresh_token"))["cnf"], cnf);
    let refresh_token = next.text("refresh_token");
    by_secret(&owner, &client, "logout", None, &[("refresh_token", &refresh_token)]).await.expect(204);
}

async fn a_client_that_asks_for_bound_tokens_has_no_use_for_others(s: &Setting) {
    let realm = s.app.realm().await;
    let client = realm.create_refreshing("orders").await;
    let given = client.token_with(&[("scope", "openid")]).await.expect(200);
    let owner = s.presenting(&s.orders());
    assert_eq!(userinfo(&owner, &realm, &given.text("access_token")).await.0, 200);

    let attributes = json!({
        "tls.client.certificate.bound.access.tokens": "true",
        "client_credentials.use_refresh_token": "true",
    });
    client.update(json!({"attributes": attributes})).await;
    assert_eq!(userinfo(&owner, &realm, &given.text("access_token")).await.0, 401);
    let refresh_token = given.text("refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    assert_eq!(by_secret(&owner, &client, "token", None, &form).await.refusal(), mismatch());
}
