//! Secrets: rotated, shown, and never in clear on the disk.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use latchkey_client_registry::RegistryService;

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
    keep(&s, "red", &[("live-max", "3")]).await.unwrap();
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

async fn two_secrets_live_at_the_same_time_unless_the_realm_says_another_number(s: Setting) {
    for secret in ["second", "third"] {
        s.clock.advance_ms(1);
        s.set_secret("red", ORDERS, secret, 3600).await;
    }
    assert!(!s.passes("red", "orders", "password").await, "two are enough");
    assert!(s.passes("red", "orders", "second").await && s.passes("red", "orders", "third").await);
    keep(&s, "red", &[("live-max", "1")]).await.unwrap();
    s.set_secret("red", ORDERS, "fourth", 3600).await;
    assert!(!s.passes("red", "orders", "third").await && s.passes("red", "orders", "fourth").await);
}

async fn ten_secrets_live_at_the_same_time(s: Setting) {
    keep(&s, "red", &[("live-max", "10")]).await.unwrap();
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

async fn a_realm_says_for_how_long_a_replaced_secret_is_good(s: Setting) {
    keep(&s, "red", &[("rotated-expiration-period", "60")]).await.unwrap();
    let read = s.find("red", "orders").await.unwrap();
    s.update(read, "second").await.unwrap();
    assert!(s.passes("red", "orders", "password").await && s.passes("red", "orders", "second").await);
    assert_eq!(s.replaced_secret("red", ORDERS).await.unwrap(), "password");
    s.clock.advance_s(60);
    assert!(!s.passes("red", "orders", "password").await);
    assert_eq!(why(s.replaced_secret("red", ORDERS).await), "SECRET_NOT_FOUND");
}

async fn replaced_secrets_end_one_by_one_or_all_together(s: Setting) {
    keep(&s, "red", &[("live-max", "4")]).await.unwrap();
    for secret in ["second", "third", "fourth"] {
        s.clock.advance_ms(1);
        s.set_secret("red", ORDERS, secret, 3600).await;
    }
    let listed = s.secrets("red", ORDERS).await;
    let created: Vec<_> = listed.iter().map(|secret| secret.created_ms - NOW_MS).collect();
    assert_eq!(created, [3, 2, 1, 0]);
    let ends: Vec<_> = listed.iter().map(|secret| secret.expires_ms.map(|end| end - NOW_MS)).collect();
    assert_eq!(ends, [None, Some(3_600_003), Some(3_600_002), Some(3_600_001)]);

    s.end_secrets("red", ORDERS, Some(&listed[2].id)).await.unwrap();
    assert!(!s.passes("red", "orders", "second").await && s.passes("red", "orders", "third").await);
    for id in [listed[2].id.as_str(), listed[0].id.as_str(), "none", "", "a\0b"] {
        assert_eq!(why(s.end_secrets("red", ORDERS, Some(id)).await), "SECRET_NOT_FOUND", "{id}");
    }
    assert_eq!(why(s.end_secrets("blue", ORDERS, Some(&listed[1].id)).await), "SECRET_NOT_FOUND");
    s.end_secrets("red", ORDERS, None).await.unwrap();
    s.end_secrets("red", ORDERS, None).await.unwrap();
    assert!(!s.passes("red", "orders", "third").await && !s.passes("red", "orders", "password").await);
    assert!(s.passes("red", "orders", "fourth").await);
    assert_eq!(s.secrets("red", ORDERS).await.len(), 1);
}

async fn a_secret_says_when_it_was_last_used(s: Setting) {
    const MINUTE_MS: i64 = 60_000;
    let used = async || s.secrets("red", ORDERS).await[0].last_used_ms;
    assert_eq!(used().await, None);
    assert!(!s.passes("red", "orders", "wrong").await);
    assert_eq!(used().await, None, "a wrong secret is no use");
    assert!(s.passes("red", "orders", "password").await);
    assert_eq!(used().await, Some(NOW_MS - NOW_MS % MINUTE_MS));
    s.clock.advance_s(600);
    assert!(s.passes("red", "orders", "password").await);
    let later = NOW_MS + 600_000;
    assert_eq!(used().await, Some(later - later % MINUTE_MS));
    let (restarted, _shutdown) = s.another().await;
    let again = list_secrets(&restarted, "red", ORDERS).await;
    assert_eq!(again[0].last_used_ms, Some(later - later % MINUTE_MS));
    assert_eq!(list_secrets(&restarted, "blue", ORDERS).await[0].last_used_ms, None, "another realm's");
}

async fn a_realm_that_keeps_hashes_shows_a_secret_once(s: Setting) {
    keep(&s, "red", &[("storage", "hash")]).await.unwrap();
    assert!(s.passes("red", "orders", "password").await, "secrets from before are good still");
    assert_eq!(why(s.secret("red", ORDERS).await), "SECRET_UNREADABLE");
    let shown = s.set_secret("red", ORDERS, "", 60).await.secret;
    assert!(s.passes("red", "orders", &shown).await);
    assert_eq!(why(s.secret("red", ORDERS).await), "SECRET_UNREADABLE");
    assert_eq!(why(s.replaced_secret("red", ORDERS).await), "SECRET_UNREADABLE");
    assert!(s.secrets("red", ORDERS).await.iter().all(|secret| !secret.readable));
    let listed = s.list(ListClientsRequest {
        realm_id: id_of("red"),
        with_secrets: true,
        ..ListClientsRequest::default()
    });
    assert!(listed.await.secrets.iter().all(String::is_empty));
    assert_eq!(s.secret("blue", ORDERS).await.unwrap(), "password", "another realm's are readable");

    let read = s.find("red", "orders").await.unwrap();
    let read = s.update(read, &shown).await.unwrap();
    assert!(s.passes("red", "orders", "password").await, "the same secret again ends nothing");

    // One that signs assertions has to be known, and is as soon as it is given.
    let signing = Client { client_authenticator_type: "client-secret-jwt".to_owned(), ..read };
    let signing = s.update(signing, &shown).await.unwrap();
    assert_eq!(s.secret("red", ORDERS).await.unwrap(), shown);
    let comparing = Client { client_authenticator_type: "client-secret".to_owned(), ..signing };
    s.update(comparing, "").await.unwrap();
    assert_eq!(why(s.secret("red", ORDERS).await), "SECRET_UNREADABLE");

    keep(&s, "red", &[("storage", "readable")]).await.unwrap();
    assert_eq!(why(s.secret("red", ORDERS).await), "SECRET_UNREADABLE", "what is forgotten stays so");
    let read = s.find("red", "orders").await.unwrap();
    s.update(read, &shown).await.unwrap();
    assert_eq!(s.secret("red", ORDERS).await.unwrap(), shown);
}

async fn attributes_without_meaning_change_nothing(s: Setting) {
    for (name, value) in [("storage", "plain"), ("live-max", "11"), ("rotated-expiration-period", "-1")] {
        let refused = keep(&s, "red", &[(name, value)]).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        assert!(refused.message().contains(name), "{refused}");
    }
    assert_eq!(s.realm("red").await.version, 1);
}

/// Sets attributes of a realm that say how it keeps secrets.
async fn keep(s: &Setting, name: &str, attributes: &[(&str, &str)]) -> Result<(), tonic::Status> {
    let mut realm = s.realm(name).await;
    let named =
        |(name, value): &(&str, &str)| (format!("latchkey.client-secret.{name}"), (*value).to_owned());
    realm.attributes.extend(attributes.iter().map(named));
    let request = UpdateRealmRequest { realm: Some(realm), admin_event: None };
    answer(s.service.update_realm(tonic::Request::new(request)).await).map(drop)
}

async fn list_secrets(service: &RegistryService, realm: &str, id: &str) -> Vec<ClientSecret> {
    let request = ListClientSecretsRequest { realm_id: id_of(realm), id: id.to_owned() };
    answer(service.list_client_secrets(tonic::Request::new(request)).await).unwrap().secrets
}

impl Setting {
    async fn secrets(&self, realm: &str, id: &str) -> Vec<ClientSecret> {
        list_secrets(&self.service, realm, id).await
    }

    async fn replaced_secret(&self, realm: &str, id: &str) -> Result<String, tonic::Status> {
        let request = GetClientSecretRequest { realm_id: id_of(realm), id: id.to_owned(), replaced: true };
        Ok(answer(self.service.get_client_secret(tonic::Request::new(request)).await)?.secret)
    }

    async fn end_secrets(&self, realm: &str, id: &str, secret: Option<&str>) -> Result<(), tonic::Status> {
        let request = DeleteClientSecretsRequest {
            realm_id: id_of(realm),
            id: id.to_owned(),
            secret_id: secret.map(str::to_owned),
            admin_event: None,
        };
        answer(self.service.delete_client_secrets(tonic::Request::new(request)).await).map(drop)
    }
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
    keep(&s, "red", &[("live-max", "10")]).await.unwrap();
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
    two_secrets_live_at_the_same_time_unless_the_realm_says_another_number,
    ten_secrets_live_at_the_same_time,
    a_realm_says_for_how_long_a_replaced_secret_is_good,
    replaced_secrets_end_one_by_one_or_all_together,
    a_secret_says_when_it_was_last_used,
    a_realm_that_keeps_hashes_shows_a_secret_once,
    attributes_without_meaning_change_nothing,
    an_update_sets_the_secret_it_brings,
    a_client_gets_a_secret_when_it_becomes_confidential,
    a_client_says_since_when_it_has_its_secret,
    concurrent_rotations_leave_one_newest,
);
