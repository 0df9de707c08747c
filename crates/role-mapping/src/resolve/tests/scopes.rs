//! Scopes and roles.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_default_token_is_the_recorded_one() {
    let world = World::new();
    assert_eq!(
        world.token(None),
        json!({
            "acr": "1",
            "aud": "account",
            "clientAddress": "127.0.0.1",
            "clientHost": "127.0.0.1",
            "client_id": "product-sa-client",
            "email_verified": false,
            "preferred_username": "service-account-product-sa-client",
            "realm_access": {"roles": ["offline_access"]},
            "resource_access": {"account": {"roles": ["view-profile"]}},
            "sub": "sa",
        })
    );
}

#[test]
fn default_scopes_bring_their_claims_and_no_others() {
    let full = World::new().token(None);
    let names = |token: &Value| token.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    for (scope, gone, shown) in [
        ("basic", vec![], "email profile"),
        ("roles", vec!["aud", "realm_access", "resource_access"], "email profile"),
        ("acr", vec!["acr"], "email profile"),
        ("profile", vec!["preferred_username"], "email"),
        ("email", vec!["email_verified"], "profile"),
        ("service_account", vec!["clientAddress", "clientHost", "client_id"], "email profile"),
    ] {
        let mut world = World::new();
        world.remove_scope(scope);
        let left = names(&world.token(None));
        let missing: Vec<String> = names(&full).into_iter().filter(|name| !left.contains(name)).collect();
        assert_eq!(missing, gone, "without {scope}");
        assert_eq!(world.scope(None, None).as_deref(), Ok(shown), "without {scope}");
    }
}

#[test]
fn optional_scopes_are_granted_when_asked_for() {
    let mut world = World::new();
    world.add_scope("always", false, vec![], &[]);
    world.add_scope("asked", true, vec![], &[]);
    world.realm.scopes.get_mut("microprofile-jwt").expect("it is built in").in_token_scope = false;
    let cases = [
        (None, Ok("always email profile")),
        (Some("asked"), Ok("always asked email profile")),
        (Some("openid asked  "), Ok("always asked email openid profile")),
        (Some("email"), Ok("always email profile")),
        (Some("microprofile-jwt"), Ok("always email profile")),
        (Some("nope"), Err(Refusal::InvalidScope)),
        (Some("openid email nope other"), Err(Refusal::InvalidScope)),
        (Some(""), Err(Refusal::InvalidScope)),
        (Some("asked  email"), Err(Refusal::InvalidScope)),
    ];
    for (scope, expected) in cases {
        assert_eq!(world.scope(scope, None), expected.map(str::to_owned), "{scope:?}");
    }
    let answer =
        world.answer(&Ask { scope: Some("microprofile-jwt"), ..Ask::default() }).expect("it is granted");
    assert!(answer.granted_scope.split(' ').any(|name| name == "microprofile-jwt"));
    assert!(answer.granted_scope.split(' ').any(|name| name == "web-origins"));
}

#[test]
fn a_refresh_stays_within_what_was_granted() {
    let world = World::new();
    let granted = "openid acr basic email phone profile roles service_account web-origins";
    let cases = [
        (None, Ok("email openid phone profile")),
        (Some("openid"), Ok("email openid profile")),
        (Some("openid address"), Ok("email openid profile")),
        (Some("phone"), Ok("email phone profile")),
        (Some("nope"), Err(Refusal::InvalidScope)),
    ];
    for (scope, expected) in cases {
        assert_eq!(world.scope(scope, Some(granted)), expected.map(str::to_owned), "{scope:?}");
    }
    // What the client lost since is no longer granted, and no error.
    assert_eq!(world.scope(None, Some("openid gone")).as_deref(), Ok("email openid profile"));
}

#[test]
fn offline_access_needs_its_role() {
    let mut world = World::new();
    let ask = Ask { scope: Some("offline_access"), ..Ask::default() };
    let answer = world.answer(&ask).expect("it is optional");
    assert!(answer.offline_access && answer.scope.contains("offline_access"));
    world.client.full_scope_allowed = false;
    assert!(world.answer(&ask).expect("its own scope mapping lets it through").offline_access);
    world.account.roles.clear();
    let answer = world.answer(&ask).expect("a scope without a held role is dropped");
    assert!(!answer.offline_access && !answer.scope.contains("offline_access"));
}

#[test]
fn a_scope_whose_roles_are_not_held_is_dropped() {
    let mut world = World::new();
    for role in ["reader", "unheld", "bundle"] {
        world.add_role("", role);
    }
    world.realm.graph.add_composite("bundle", "reader");
    world.hold(&["reader"]);
    world.add_scope("reading", true, vec![], &["reader", "unheld"]);
    world.add_scope("bundled", true, vec![], &["bundle"]);
    world.add_scope("closed", true, vec![hardcoded("closed", "yes", "String")], &["unheld"]);
    let scope = world.scope(Some("reading bundled closed"), None);
    assert_eq!(scope.as_deref(), Ok("bundled email profile reading"));
    assert_eq!(world.token(Some("closed")).get("closed"), None);
}

#[test]
fn with_full_scope_all_effective_roles_pass() {
    let mut world = World::new();
    for (client, role) in [
        ("", "reader"),
        ("", "writer"),
        ("", "bundle"),
        ("api", "view"),
        ("api", "edit"),
        (CLIENT_ID, "own-role"),
    ] {
        world.add_role(client, role);
    }
    world.realm.graph.add_composite("bundle", "writer");
    world.realm.graph.add_composite("bundle", "api.edit");
    world.hold(&["reader", "bundle", "api.view", "product-sa-client.own-role"]);
    let token = world.token(None);
    assert_eq!(token["realm_access"], json!({"roles": ["bundle", "offline_access", "reader", "writer"]}));
    assert_eq!(
        token["resource_access"],
        json!({
            "account": {"roles": ["view-profile"]},
            "api": {"roles": ["edit", "view"]},
            "product-sa-client": {"roles": ["own-role"]},
        })
    );
    assert_eq!(token["aud"], json!(["account", "api"]));
}

#[test]
fn without_full_scope_the_intersection_passes() {
    let mut world = World::new();
    world.client.full_scope_allowed = false;
    for (client, role) in [("", "reader"), ("", "writer"), ("", "unheld"), ("api", "view"), ("api", "edit")] {
        world.add_role(client, role);
    }
    world.add_role(CLIENT_ID, "own-role");
    world.hold(&["reader", "writer", "api.view", "api.edit", "product-sa-client.own-role"]);
    let token = world.token(None);
    let own = json!({"product-sa-client": {"roles": ["own-role"]}});
    assert_eq!((token.get("aud"), token.get("realm_access"), &token["resource_access"]), (None, None, &own));

    world.client.scope_mappings = vec!["reader".into(), "unheld".into(), "api.view".into()];
    let token = world.token(None);
    assert_eq!(token["aud"], "api");
    assert_eq!(token["realm_access"], json!({"roles": ["reader"]}));
    assert_eq!(
        token["resource_access"],
        json!({"api": {"roles": ["view"]}, "product-sa-client": {"roles": ["own-role"]}})
    );
}

#[test]
fn a_client_scope_lets_its_roles_through_when_in_use() {
    let mut world = World::new();
    world.client.full_scope_allowed = false;
    world.account.roles.clear();
    world.add_role("", "reader");
    world.add_role("", "writer");
    world.hold(&["reader", "writer"]);
    world.add_scope("reading", true, vec![], &["reader"]);
    assert_eq!(world.token(None).get("realm_access"), None);
    assert_eq!(world.token(Some("reading"))["realm_access"], json!({"roles": ["reader"]}));
}

#[test]
fn the_roles_for_authorisation_are_the_intersection() {
    let mut world = World::new();
    world.client.full_scope_allowed = false;
    world.client.scope_mappings = vec!["account.view-profile".into()];
    world.client.mappers = vec![mapper("oidc-hardcoded-role-mapper", &[("role", "admin")])];
    let wanted = Wanted { roles: true, ..Wanted::default() };
    let answer = world.answer(&Ask { destinations: wanted, ..Ask::default() }).expect("an answer");
    let role = EffectiveRole {
        client_id: "account".into(),
        client_uuid: "account".into(),
        name: "view-profile".into(),
    };
    assert_eq!(answer.roles, [role]);
}
