//! Which roles a token carries.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{ServiceAccount, TestApp, claims};

scenarios!(
    roles_are_the_intersection_of_account_and_scope,
    full_scope_carries_all_of_the_accounts_roles,
    composites_are_expanded_on_both_sides,
    a_cycle_of_composites_is_harmless,
    a_clients_own_roles_always_pass,
    a_client_with_a_role_is_in_the_audience,
    a_role_that_is_taken_away_is_gone_at_once,
);

/// The realm roles of a new token.
async fn realm_roles(client: &ServiceAccount<'_>) -> BTreeSet<String> {
    names(&claims(&client.access_token().await)["realm_access"]["roles"])
}

fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn roles_are_the_intersection_of_account_and_scope(app: &TestApp) {
    let realm = app.realm().await;
    let (reader, writer, owner) =
        (realm.role("reader").await, realm.role("writer").await, realm.role("owner").await);
    let limited = json!({"fullScopeAllowed": false});
    let billing = realm.create_service_account_with("billing", limited).await;
    billing.grant(&[&reader, &writer]).await;
    assert_eq!(realm_roles(&billing).await, set(&[]));

    billing.let_through(&[&reader, &owner]).await;
    assert_eq!(realm_roles(&billing).await, set(&["reader"]));
}

async fn full_scope_carries_all_of_the_accounts_roles(app: &TestApp) {
    let realm = app.realm().await;
    let (reader, _owner) = (realm.role("reader").await, realm.role("owner").await);
    let billing = realm.create_service_account("billing").await;
    billing.grant(&[&reader]).await;

    let claims = claims(&billing.access_token().await);
    let default_roles = format!("default-roles-{}", realm.name);
    assert_eq!(
        names(&claims["realm_access"]["roles"]),
        set(&["reader", &default_roles, "offline_access", "uma_authorization"])
    );
    assert_eq!(
        names(&claims["resource_access"]["account"]["roles"]),
        set(&["manage-account", "manage-account-links", "view-profile"])
    );
    assert_eq!(claims["aud"], "account");

    billing.update(json!({"fullScopeAllowed": false})).await;
    assert_eq!(realm_roles(&billing).await, set(&[]));
}

async fn composites_are_expanded_on_both_sides(app: &TestApp) {
    let realm = app.realm().await;
    let mut roles = Vec::new();
    for name in ["staff", "clerk", "reader", "public", "visitor"] {
        roles.push(realm.role(name).await);
    }
    let [staff, clerk, reader, public, visitor] = &roles[..] else { unreachable!() };
    realm.add("/roles/staff/composites", &[clerk]).await;
    realm.add("/roles/clerk/composites", &[reader, visitor]).await;
    realm.add("/roles/public/composites", &[reader]).await;
    let limited = json!({"fullScopeAllowed": false});
    let billing = realm.create_service_account_with("billing", limited).await;

    billing.grant(&[staff]).await;
    billing.let_through(&[public]).await;
    // The account has staff, clerk, reader and visitor; the scope lets public and reader through.
    assert_eq!(realm_roles(&billing).await, set(&["reader"]));

    billing.update(json!({"fullScopeAllowed": true})).await;
    let roles = realm_roles(&billing).await;
    assert!(roles.is_superset(&set(&["staff", "clerk", "reader", "visitor"])), "{roles:?}");
    assert!(!roles.contains("public"), "{roles:?}");
}

async fn a_cycle_of_composites_is_harmless(app: &TestApp) {
    let realm = app.realm().await;
    let (hen, egg) = (realm.role("hen").await, realm.role("egg").await);
    let billing = realm.create_service_account("billing").await;
    realm.add("/roles/hen/composites", &[&egg]).await;
    realm.add("/roles/egg/composites", &[&hen]).await;
    billing.grant(&[&egg]).await;

    let roles = realm_roles(&billing).await;
    assert!(roles.is_superset(&set(&["hen", "egg"])), "{roles:?}");
}

async fn a_clients_own_roles_always_pass(app: &TestApp) {
    let realm = app.realm().await;
    let limited = json!({"fullScopeAllowed": false});
    let billing = realm.create_service_account_with("billing", limited).await;
    let stock = realm.create_service_account("stock").await;
    let (own, other) = (billing.role("own").await, stock.role("count").await);
    billing.grant_of(&billing, &[&own]).await;
    billing.grant_of(&stock, &[&other]).await;

    let claims = claims(&billing.access_token().await);
    assert_eq!(claims["resource_access"], json!({"billing": {"roles": ["own"]}}));
    assert_eq!(claims["aud"], json!(null), "a client does not address itself");
}

async fn a_client_with_a_role_is_in_the_audience(app: &TestApp) {
    let realm = app.realm().await;
    let limited = json!({"fullScopeAllowed": false});
    let billing = realm.create_service_account_with("billing", limited).await;
    let stock = realm.create_service_account("stock").await;
    let count = stock.role("count").await;
    billing.grant_of(&stock, &[&count]).await;
    realm.add(&format!("{}/scope-mappings/clients/{}", billing.path(), stock.id), &[&count]).await;

    let claims = claims(&billing.access_token().await);
    assert_eq!(claims["resource_access"], json!({"stock": {"roles": ["count"]}}));
    assert_eq!(claims["aud"], "stock");
}

async fn a_role_that_is_taken_away_is_gone_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let (reader, writer) = (realm.role("reader").await, realm.role("writer").await);
    let billing = realm.create_service_account("billing").await;
    billing.grant(&[&reader, &writer]).await;
    assert!(realm_roles(&billing).await.is_superset(&set(&["reader", "writer"])));

    let mappings = format!("/users/{}/role-mappings/realm", billing.user().await);
    realm.admin(Method::DELETE, &mappings, Some(&json!([writer]))).await.expect(204);
    assert!(!realm_roles(&billing).await.contains("writer"));

    realm.admin(Method::DELETE, "/roles/reader", None).await.expect(204);
    assert!(!realm_roles(&billing).await.contains("reader"));
}
