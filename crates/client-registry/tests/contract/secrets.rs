//! Secrets: rotated, shown, and never in clear on the disk.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::*;

use crate::setting::*;

const ORDERS: &str = "uuid-of-orders";

async fn a_new_secret_ends_the_old_one_at_once(s: Setting) {
    assert!(s.passes("red", "orders", "password").await);
    let answer = s.set_secret("red", ORDERS, "", 0).await;
    assert_eq!(answer.secret.len(), 86);
    assert!(!s.passes("red", "orders", "password").await && s.passes("red", "orders", &answer.secret).await);
    assert!(
        s.passes("blue", "orders", "password").await && !s.passes("blue", "orders", &answer.secret).await
    );
    assert_eq!(s.secret("red", ORDERS).await.unwrap(), answer.secret);
    let change = s.change(answer.revision).await;
    assert_eq!((change.entity.as_str(), change.operation()), ("client_secret", Operation::Updated));
    assert_eq!(change.payload_json, r#"{"client_id":"orders"}"#);
}

async fn an_old_secret_lives_on_for_as_long_as_asked(s: Setting) {
    s.set_secret("red", ORDERS, "second", 60).await;
    s.clock.advance_s(30);
    s.set_secret("red", ORDERS, "third", 600).await;
    for secret in ["password", "second", "third"] {
        assert!(s.passes("red", "orders", secret).await, "{secret}");
    }
    s.clock.advance_s(30);
    assert!(!s.passes("red", "orders", "password").await, "its end is not put off");
    assert!(s.passes("red", "orders", "second").await);
    s.clock.advance_s(570);
    assert!(!s.passes("red", "orders", "second").await && s.passes("red", "orders", "third").await);
    assert_eq!(s.secret("red", ORDERS).await.unwrap(), "third");
}

async fn ten_secrets_live_at_the_same_time(s: Setting) {
    for n in 0..12 {
        s.clock.advance_ms(1);
        s.set_secret("red", ORDERS, &format!("secret-{n}"), 3600).await;
    }
    let mut live = Vec::new();
    for n in 0..12 {
        if s.passes("red", "orders", &format!("secret-{n}")).await {
            live.push(n);
        }
    }
    assert_eq!(live, (2..12).collect::<Vec<_>>());
}

async fn an_update_sets_the_secret_it_brings(s: Setting) {
    s.set_secret("red", ORDERS, "second", 600).await;
    let read = s.find("red", "orders").await.unwrap();
    let read = s.update(read, "").await.unwrap();
    let read = s.update(read, "second").await.unwrap();
    assert!(s.passes("red", "orders", "password").await, "the same secret again ends nothing");
    s.update(read, "third").await.unwrap();
    assert!(s.passes("red", "orders", "third").await);
    assert!(!s.passes("red", "orders", "second").await && !s.passes("red", "orders", "password").await);
}

async fn a_client_gets_a_secret_when_it_becomes_confidential(s: Setting) {
    let public = Client { public_client: true, ..client("red", "app") };
    let made = s.create(NewClient { client: Some(public), secret: String::new() }).await.unwrap();
    assert_eq!(made.secret, "");
    assert_eq!(why(s.secret("red", "uuid-of-app").await), "SECRET_NOT_FOUND");
    let confidential = Client { public_client: false, ..made.client.unwrap() };
    s.update(confidential, "").await.unwrap();
    let secret = s.secret("red", "uuid-of-app").await.unwrap();
    assert_eq!(secret.len(), 86);
    assert!(s.passes("red", "app", &secret).await);
}

async fn a_client_says_since_when_it_has_its_secret(s: Setting) {
    let at = |s: i64| Some((NOW_MS / 1000 + s).to_string());
    let told = async |client_id: &str| {
        let client = s.find("red", client_id).await.unwrap();
        client.attributes.get("client.secret.creation.time").cloned()
    };
    assert_eq!(told("orders").await, at(0));
    s.clock.advance_s(10);
    let before = s.find("red", "orders").await.unwrap();
    s.set_secret("red", ORDERS, "", 0).await;
    assert_eq!(told("orders").await, at(10));
    assert_eq!(why(s.update(before, "").await), "VERSION_MISMATCH", "the old date is not written back");

    s.clock.advance_s(10);
    let read = s.find("red", "orders").await.unwrap();
    let read = s.update(read, "chosen").await.unwrap();
    assert_eq!(told("orders").await, at(20));
    s.clock.advance_s(10);
    s.update(read, "chosen").await.unwrap();
    assert_eq!(told("orders").await, at(20), "it is the same secret");

    let public = Client { public_client: true, ..client("red", "app") };
    let made = s.create(NewClient { client: Some(public), secret: String::new() }).await.unwrap();
    assert_eq!(told("app").await, None);
    s.update(Client { public_client: false, ..made.client.unwrap() }, "").await.unwrap();
    assert_eq!(told("app").await, at(30));
    let mut imported = confidential("red", "imported", "password");
    let attribute = ("client.secret.creation.time".to_owned(), "7".to_owned());
    imported.client.as_mut().unwrap().attributes.extend([attribute]);
    s.create(imported).await.unwrap();
    assert_eq!(told("imported").await.as_deref(), Some("7"), "an importer knows better");
}

async fn concurrent_rotations_leave_one_newest(s: Setting) {
    let rotations = (0..6).map(|n| {
        let s = &s;
        async move { s.set_secret("red", ORDERS, &format!("secret-{n}"), 600).await }
    });
    futures::future::join_all(rotations).await;
    let newest = s.secret("red", ORDERS).await.unwrap();
    assert!(newest.starts_with("secret-"));
    for n in 0..6 {
        assert!(s.passes("red", "orders", &format!("secret-{n}")).await, "{n}");
    }
}

#[tokio::test]
async fn no_secret_stands_in_clear_in_the_file() {
    let s = Setting::sqlite().await;
    let generated = s.set_secret("red", ORDERS, "", 600).await.secret;
    s.create(confidential("blue", "billing", "a-secret-that-was-given")).await.unwrap();
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(s.folder.as_ref().unwrap().path()).unwrap() {
        seen.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &str| seen.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("billing"), "the file is read");
    for secret in [generated.as_str(), "a-secret-that-was-given"] {
        assert!(!holds(secret));
    }
}

contract!(
    a_new_secret_ends_the_old_one_at_once,
    an_old_secret_lives_on_for_as_long_as_asked,
    ten_secrets_live_at_the_same_time,
    an_update_sets_the_secret_it_brings,
    a_client_gets_a_secret_when_it_becomes_confidential,
    a_client_says_since_when_it_has_its_secret,
    concurrent_rotations_leave_one_newest,
);
