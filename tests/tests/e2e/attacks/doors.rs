//! The doors that take a token, and a client whose tokens open them.

use serde_json::{Value, json};

use crate::app::{Answer, Realm, ServiceAccount};

/// The doors that an access token opens. A hint to introspection is no more than that (RFC 7662 section 2.1).
pub(super) const ACCESS: &[&str] =
    &["introspection", "introspection as a refresh token", "userinfo", "Admin REST API", "token exchange"];
/// The doors that a refresh token opens.
pub(super) const REFRESH: &[&str] = &["introspection as a refresh token", "refresh"];
/// The doors that an id token opens: as in Keycloak, introspection says that it is one.
pub(super) const ID: &[&str] = &["introspection", "introspection as a refresh token"];
pub(super) const NOTHING: &[&str] = &[];

/// The tokens of one answer.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) id: String,
}

/// A client that may do all that tokens are good for.
pub(super) async fn trusted<'a>(realm: &'a Realm<'a>, client_id: &str) -> ServiceAccount<'a> {
    let attributes = json!({
        "client_credentials.use_refresh_token": "true",
        "standard.token.exchange.enabled": "true",
    });
    let client = realm.create_service_account_with(client_id, json!({ "attributes": attributes })).await;
    client.hear_itself().await;
    let management = realm.get("/clients?clientId=realm-management").await[0]["id"].clone();
    let management = management.as_str().unwrap();
    let role = realm.get(&format!("/clients/{management}/roles/view-realm")).await;
    realm.add(&format!("/users/{}/role-mappings/clients/{management}", client.user().await), &[&role]).await;
    client
}

/// What a client gets by client credentials.
pub(super) async fn tokens(client: &ServiceAccount<'_>) -> Tokens {
    let answer = client.token_with(&[("scope", "openid")]).await.expect(200);
    Tokens {
        access: answer.text("access_token"),
        refresh: answer.text("refresh_token"),
        id: answer.text("id_token"),
    }
}

/// The doors that a token opens for a client. Whoever is refused learns and gets nothing.
pub(super) async fn opened(client: &ServiceAccount<'_>, token: &str) -> Vec<&'static str> {
    let mut opened = Vec::new();
    if is_active(&client.introspect(token).await) {
        opened.push("introspection");
    }
    if is_active(&client.introspect_refresh(token).await) {
        opened.push("introspection as a refresh token");
    }
    let realm = client.realm;
    if lets_in(&bearer(realm, &realm.path("userinfo"), token).await) {
        opened.push("userinfo");
    }
    if lets_in(&bearer(realm, &format!("/admin/realms/{}/roles", realm.name), token).await) {
        opened.push("Admin REST API");
    }
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    if gives_a_token(&client.post("token", &exchange).await) {
        opened.push("token exchange");
    }
    if gives_a_token(&client.refresh(token).await) {
        opened.push("refresh");
    }
    opened
}

#[track_caller]
fn is_active(answer: &Value) -> bool {
    if answer["active"] == false {
        assert_eq!(*answer, json!({"active": false}));
    }
    answer["active"] == true
}

#[track_caller]
fn lets_in(answer: &Answer) -> bool {
    assert!(matches!(answer.status, 200 | 401 | 403), "{}: {}", answer.status, answer.body);
    answer.status == 200
}

#[track_caller]
fn gives_a_token(answer: &Answer) -> bool {
    assert!(matches!(answer.status, 200 | 400 | 403), "{}: {}", answer.status, answer.body);
    assert_eq!(answer.status == 200, answer.body.contains("access_token\":"));
    answer.status == 200
}

async fn bearer(realm: &Realm<'_>, path: &str, token: &str) -> Answer {
    let request = realm.app.http.get(realm.app.url(path)).header("authorization", format!("Bearer {token}"));
    Answer::read(request.send().await.unwrap()).await.unwrap()
}
