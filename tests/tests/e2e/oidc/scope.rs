//! The parameter `scope`, RFC 6749 section 3.3, and `openid`.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Realm, ServiceAccount, TestApp, claims};

scenarios!(
    openid_gives_an_id_token,
    default_scopes_are_named_where_they_ask_for_it,
    an_optional_scope_comes_when_it_is_asked_for,
    an_unknown_scope_is_refused_with_the_whole_parameter,
    the_roles_of_a_scope_come_with_it,
);

async fn client_scope(realm: &Realm<'_>, name: &str) -> String {
    let scope = json!({
        "name": name,
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "true"},
    });
    realm.make("/client-scopes", &scope).await
}

async fn assign(client: &ServiceAccount<'_>, list: &str, scope: &str) {
    let path = format!("{}/{list}-client-scopes/{scope}", client.path());
    client.realm.admin(Method::PUT, &path, Some(&json!({}))).await.expect(204);
}

fn words(scope: &Value) -> BTreeSet<String> {
    scope.as_str().unwrap().split(' ').map(str::to_owned).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn openid_gives_an_id_token(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    assert_eq!(billing.token().await.expect(200).json()["id_token"], json!(null));

    let answer = billing.token_with(&[("scope", "openid")]).await.expect(200);
    assert_eq!(words(&answer.json()["scope"]), set(&["openid", "email", "profile"]));
    let id_token = claims(&answer.text("id_token"));
    assert_eq!((&id_token["typ"], &id_token["aud"]), (&json!("ID"), &json!("billing")));
    assert_eq!(id_token["iss"], realm.issuer());
    assert_eq!(id_token["sub"], billing.user().await);
}

async fn default_scopes_are_named_where_they_ask_for_it(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let answer = billing.token().await.expect(200);
    // roles, web-origins, acr and basic are in use as well, but do not want to be named.
    assert_eq!(words(&answer.json()["scope"]), set(&["email", "profile"]));
    assert_eq!(words(&claims(&answer.text("access_token"))["scope"]), set(&["email", "profile"]));
}

async fn an_optional_scope_comes_when_it_is_asked_for(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let invoices = client_scope(&realm, "invoices").await;
    billing.token_with(&[("scope", "invoices")]).await.is_refusal(
        400,
        "invalid_scope",
        "Invalid scopes: invoices",
    );

    assign(&billing, "optional", &invoices).await;
    assert_eq!(words(&billing.token().await.expect(200).json()["scope"]), set(&["email", "profile"]));
    let asked = billing.token_with(&[("scope", "invoices")]).await.expect(200);
    assert_eq!(words(&asked.json()["scope"]), set(&["email", "profile", "invoices"]));
}

async fn an_unknown_scope_is_refused_with_the_whole_parameter(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    for scope in ["nope", "openid nope email", ""] {
        billing.token_with(&[("scope", scope)]).await.is_refusal(
            400,
            "invalid_scope",
            &format!("Invalid scopes: {scope}"),
        );
    }
}

async fn the_roles_of_a_scope_come_with_it(app: &TestApp) {
    let realm = app.realm().await;
    let limited = json!({"fullScopeAllowed": false});
    let billing = realm.create_service_account_with("billing", limited).await;
    let (held, missing) = (realm.role("held").await, realm.role("missing").await);
    let (invoices, secrets) = (client_scope(&realm, "invoices").await, client_scope(&realm, "secrets").await);
    realm.add(&format!("/client-scopes/{invoices}/scope-mappings/realm"), &[&held]).await;
    realm.add(&format!("/client-scopes/{secrets}/scope-mappings/realm"), &[&missing]).await;
    assign(&billing, "optional", &invoices).await;
    assign(&billing, "optional", &secrets).await;
    billing.grant(&[&held]).await;

    let answer = billing.token_with(&[("scope", "invoices secrets")]).await.expect(200);
    let access_token = claims(&answer.text("access_token"));
    assert_eq!(access_token["realm_access"], json!({"roles": ["held"]}));
    // A scope of whose roles the account holds none is dropped in silence.
    assert_eq!(words(&answer.json()["scope"]), set(&["email", "profile", "invoices"]));
}
