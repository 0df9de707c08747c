//! Realm keys that are rotated by themselves, as whoever verifies tokens sees it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{PATIENCE, Realm, Setup, Shape, TestApp, eventually, header_of, kill_process, run_alone};

scenarios!(an_administrator_is_told_of_a_rotation_that_cannot_be);

/// For how long a key is published before it signs.
const AHEAD: Duration = Duration::from_secs(1);

#[test]
fn all_in_one_rotates_without_a_token_that_fails() {
    run_alone(Box::pin(tokens_verify_while_keys_are_rotated(Shape::AllInOne)));
}

#[test]
fn separate_services_rotate_without_a_token_that_fails() {
    run_alone(Box::pin(tokens_verify_while_keys_are_rotated(Shape::Separate)));
}

async fn tokens_verify_while_keys_are_rotated(shape: Shape) {
    let setup = Setup::of(shape)
        .with("LATCHKEY_CLIENT_REGISTRY__SHORTEST_KEY_ROTATION_S", "1")
        .with("LATCHKEY_TOKEN_ISSUER__KEY_ROTATION_LOOK_EVERY_MS", "50");
    let app = TestApp::start(setup).await;
    let attributes =
        json!({"latchkey.key-rotation.interval": "2", "latchkey.key-rotation.publish-ahead": "1"});
    let realm = app.realm_with(json!({ "attributes": attributes })).await;
    let calm = app.realm().await;
    let (before, of_calm) = (published(&realm).await, published(&calm).await);
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let first = billing.token().await.expect(200);
    let (first, mut refresh) = (first.text("access_token"), first.text("refresh_token"));

    // Whoever verifies tokens asks for the keys now and then, and keeps them meanwhile.
    let (mut asked, mut known) = (Instant::now(), before);
    let mut signed_with = BTreeSet::from([kid(&first)]);
    let end = Instant::now() + PATIENCE;
    while signed_with.len() < 3 {
        assert!(Instant::now() < end, "keys are rotated: {}", app.server.log());
        if asked.elapsed() > AHEAD / 2 {
            (asked, known) = (Instant::now(), published(&realm).await);
        }
        let answer = billing.refresh(&refresh).await.expect(200);
        let token = answer.text("access_token");
        // Of a machine that was too busy meanwhile nothing can be said.
        if asked.elapsed() < AHEAD {
            assert!(known.contains(&kid(&token)), "{} is not among {known:?}", kid(&token));
        }
        for token in [&token, &first] {
            assert_eq!(billing.introspect(token).await["active"], true);
        }
        signed_with.insert(kid(&token));
        refresh = answer.text("refresh_token");
    }
    shows_the_truth(&realm, &kid(&first)).await;
    assert_eq!(published(&calm).await, of_calm, "another realm keeps its keys");
    // Whatever is due next is done by whoever is there.
    match shape {
        Shape::AllInOne => {
            app.server.kill();
            app.server.start_again();
            app.until_it_serves().await;
        }
        Shape::Separate => kill_process(app.server.services()["latchkey-token-issuer"]),
    }
    eventually("keys are rotated again", PATIENCE, async || {
        let token = billing.token().await;
        (token.status == 200 && !signed_with.contains(&kid(&token.text("access_token")))).then_some(())
    })
    .await;
    assert_eq!(billing.introspect(&first).await["active"], true);
}

/// What the administrator sees of a key that has signed, and of the one that signs.
async fn shows_the_truth(realm: &Realm<'_>, retired: &str) {
    let keys = realm.get("/keys").await;
    let of = |kid: &Value| keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == *kid).unwrap();
    let (old, signing) = (of(&json!(retired)), of(&keys["active"]["RS256"]));
    assert_eq!((&old["status"], &signing["status"]), (&json!("PASSIVE"), &json!("ACTIVE")));
    let components = realm.get("/components?type=org.keycloak.keys.KeyProvider").await;
    let active = |key: &Value| {
        let mut components = components.as_array().unwrap().iter();
        let component = components.find(|component| component["id"] == key["providerId"]).unwrap();
        assert_eq!(component["providerId"], "rsa-generated");
        component["config"]["active"].clone()
    };
    assert_eq!((active(old), active(signing)), (json!(["false"]), json!(["true"])));
}

fn kid(token: &str) -> String {
    header_of(token)["kid"].as_str().unwrap().to_owned()
}

/// The keys in the realm's JWKS.
async fn published(realm: &Realm<'_>) -> BTreeSet<String> {
    let jwks = realm.document("/protocol/openid-connect/certs").await.expect(200).json();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn an_administrator_is_told_of_a_rotation_that_cannot_be(app: &TestApp) {
    let rotation = json!({"latchkey.key-rotation.interval": "7200", "latchkey.key-rotation.keep": "600"});
    let realm = app.realm_with(json!({ "attributes": rotation })).await;
    for (name, value) in [
        ("latchkey.key-rotation.interval", "60"),
        ("latchkey.key-rotation.interval", "90d"),
        ("latchkey.key-rotation.interval", "-3600"),
        ("latchkey.key-rotation.publish-ahead", "7200"),
        ("latchkey.key-rotation.publish-ahead", "0"),
        ("latchkey.key-rotation.keep", "299"),
        ("latchkey.key-rotation.keep", "99999999999999999999"),
    ] {
        // Attributes are replaced all together.
        let attributes = json!({"latchkey.key-rotation.interval": "7200", name: value});
        let answer = realm.admin(Method::PUT, "", Some(&json!({ "attributes": attributes }))).await;
        let told = answer.expect(400).text("errorMessage");
        assert!(told.starts_with(&format!("Attribute '{name}' should be ")), "{told}");
        let shown = realm.get("").await["attributes"].clone();
        assert_eq!(
            (&shown["latchkey.key-rotation.interval"], &shown["latchkey.key-rotation.keep"]),
            (&json!("7200"), &json!("600"))
        );
        assert_eq!(shown["latchkey.key-rotation.publish-ahead"], Value::Null);
        let name_of_new = format!("{}-new", realm.name);
        let new = json!({"realm": name_of_new, "attributes": attributes});
        assert_eq!(app.admin(Method::POST, "", Some(&new)).await.status, 400);
        assert_eq!(app.admin(Method::GET, &format!("/{name_of_new}"), None).await.status, 404);
    }
    // A token must not outlive the key that it was signed with.
    realm.admin(Method::PUT, "", Some(&json!({"accessTokenLifespan": 601}))).await.expect(400);
    realm.update(json!({"accessTokenLifespan": 600})).await;
    realm.update(json!({"attributes": {"latchkey.key-rotation.interval": ""}})).await;
}
