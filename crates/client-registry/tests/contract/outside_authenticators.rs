//! Clients about which an outside authenticator decides.

use aws_lc_rs::digest::{SHA256, digest};
use latchkey_api::authenticator::v1 as outside;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry;
use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::{authenticate_response::Outcome, *};
use latchkey_client_registry::{AuthenticatorSettings, Config, RegistryService};
use latchkey_test_support::eventually;
use serde_json::{Value, json};
use tonic::{Code, Request};

use crate::authenticator_server::{Answer, AuthenticatorServer, Example, Pki};
use crate::setting::*;

/// What comes of an attempt.
#[derive(Debug, PartialEq)]
enum End {
    /// With the method.
    Authenticated(String),
    Refused(Reason),
    Away,
}

fn let_in() -> End {
    End::Authenticated("custom:keys".to_owned())
}

const DENIED: End = End::Refused(Reason::InvalidCredentials);

async fn attempt(service: &RegistryService, request: AuthenticateRequest) -> End {
    match ClientRegistry::authenticate(service, Request::new(request)).await {
        Ok(answer) => match answer.into_inner().outcome.unwrap() {
            Outcome::Authenticated(authenticated) => {
                assert_eq!(authenticated.assertion, None);
                End::Authenticated(authenticated.method)
            }
            Outcome::Refusal(refusal) => {
                assert_eq!(refusal.detail, "");
                End::Refused(refusal.reason())
            }
        },
        Err(status) => {
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
            assert_eq!(latchkey_api::error::reason(&status).as_deref(), Some("AUTHENTICATOR_AWAY"));
            End::Away
        }
    }
}

async fn present(service: &RegistryService, realm: &str, secret: &str) -> End {
    attempt(service, by_secret(realm, "robot", secret)).await
}

/// A client in each realm about which the authenticator `keys` decides, which the realms allow.
async fn make_robots(s: &Setting, attributes: Value) {
    for name in REALMS {
        let mut changed = s.realm(name).await;
        changed.attributes.insert("latchkey.client-authenticators".to_owned(), "other,keys".to_owned());
        let update = UpdateRealmRequest { realm: Some(changed), admin_event: None };
        ClientRegistry::update_realm(&*s.service, Request::new(update)).await.unwrap();
        s.create(robot(name, "robot", "custom:keys", attributes.clone())).await.unwrap();
    }
}

fn robot(realm: &str, client_id: &str, kind: &str, attributes: Value) -> NewClient {
    let client = Client {
        id: format!("uuid-of-{client_id}-in-{realm}"),
        client_authenticator_type: kind.to_owned(),
        attributes: serde_json::from_value(attributes).unwrap(),
        ..client(realm, client_id)
    };
    NewClient { client: Some(client), secret: "kept but of no use".to_owned() }
}

fn knowing(settings: AuthenticatorSettings) -> Config {
    Config { authenticators: [("keys".to_owned(), settings)].into(), ..Config::default() }
}

async fn a_client_is_who_its_authenticator_says(s: Setting) {
    make_robots(&s, json!({ "authenticator.key": "7", "other": "8" })).await;
    let pki = Pki::new();
    let keys = AuthenticatorServer::start(&pki);
    let (service, _running) = s.with_config(&knowing(pki.settings(keys.address))).await;
    let presented = AuthenticateRequest {
        client_assertion_type: Some("urn:example:type".to_owned()),
        client_assertion: Some("an assertion".to_owned()),
        assertion_audiences: vec!["https://id.example".to_owned()],
        client_certificate: Some(b"a certificate".as_slice().into()),
        client_certificate_trusted: true,
        ip_address: "192.0.2.7".to_owned(),
        ..by_secret("red", "robot", "a secret")
    };
    assert_eq!(attempt(&service, presented).await, let_in());
    let expected = outside::AuthenticateRequest {
        realm: "red".to_owned(),
        client_id: "robot".to_owned(),
        attributes: [("authenticator.key".to_owned(), "7".to_owned())].into(),
        client_secret: Some("a secret".to_owned()),
        client_assertion_type: Some("urn:example:type".to_owned()),
        client_assertion: Some("an assertion".to_owned()),
        assertion_audiences: vec!["https://id.example".to_owned()],
        client_certificate: Some(b"a certificate".as_slice().into()),
        client_certificate_trusted: true,
        remote_address: "192.0.2.7".to_owned(),
    };
    assert_eq!(keys.asked(), [expected]);

    keys.answer(Answer::Denied);
    for secret in ["a secret", "kept but of no use", ""] {
        assert_eq!(present(&service, "red", secret).await, DENIED, "{secret}");
    }
    assert_eq!(keys.asked().len(), 4, "nothing is kept");
}

async fn only_clients_of_a_realm_that_allows_it_are_asked_about(s: Setting) {
    make_robots(&s, json!({})).await;
    let pki = Pki::new();
    let keys = AuthenticatorServer::start(&pki);
    for (client_id, kind) in
        [("unknown", "custom:other"), ("not-allowed", "custom:third"), ("nameless", "custom:")]
    {
        s.create(robot("red", client_id, kind, json!({}))).await.unwrap();
    }
    let mut disabled = robot("red", "disabled", "custom:keys", json!({}));
    disabled.client.as_mut().unwrap().enabled = false;
    s.create(disabled).await.unwrap();
    let mut changed = s.realm("blue").await;
    changed.attributes.insert("latchkey.client-authenticators".to_owned(), "other".to_owned());
    let update = UpdateRealmRequest { realm: Some(changed), admin_event: None };
    ClientRegistry::update_realm(&*s.service, Request::new(update)).await.unwrap();

    let mut config = knowing(pki.settings(keys.address));
    config.authenticators.insert("third".to_owned(), pki.settings(keys.address));
    let (service, _running) = s.with_config(&config).await;
    for (realm, client_id, expected) in [
        ("red", "unknown", DENIED),
        ("red", "not-allowed", DENIED),
        ("red", "nameless", DENIED),
        ("red", "disabled", End::Refused(Reason::ClientDisabled)),
        ("red", "nobody", End::Refused(Reason::ClientNotFound)),
        ("red", "orders", End::Authenticated("client-secret".to_owned())),
        ("blue", "robot", DENIED),
    ] {
        assert_eq!(attempt(&service, by_secret(realm, client_id, "password")).await, expected, "{client_id}");
    }
    assert_eq!(keys.asked(), []);
    assert_eq!(present(&service, "red", "password").await, let_in());
}

async fn one_that_is_away_is_soon_not_asked_any_more(s: Setting) {
    make_robots(&s, json!({})).await;
    let pki = Pki::new();
    let keys = AuthenticatorServer::start(&pki);
    let settings = AuthenticatorSettings { failures: 3, open_ms: 10_000, ..pki.settings(keys.address) };
    let (service, _running) = s.with_config(&knowing(settings)).await;

    keys.answer(Answer::Error(Code::Unavailable));
    for asked in [1, 2, 3, 3, 3] {
        assert_eq!(present(&service, "red", "a secret").await, End::Away);
        assert_eq!(keys.asked().len(), asked);
    }
    assert_eq!(present(&service, "blue", "a secret").await, End::Away);
    assert_eq!(keys.asked().len(), 4, "another realm asks");

    keys.answer(Answer::Authenticated);
    s.clock.advance_ms(9_999);
    assert_eq!(present(&service, "red", "a secret").await, End::Away);
    assert_eq!(keys.asked().len(), 4);
    s.clock.advance_ms(1);
    for asked in [5, 6] {
        assert_eq!(present(&service, "red", "a secret").await, let_in());
        assert_eq!(keys.asked().len(), asked);
    }
}

async fn one_that_answers_with_an_error_denies_nobody_and_is_asked_again(s: Setting) {
    make_robots(&s, json!({})).await;
    let pki = Pki::new();
    let keys = AuthenticatorServer::start(&pki);
    let settings = AuthenticatorSettings { failures: 1, ..pki.settings(keys.address) };
    let (service, _running) = s.with_config(&knowing(settings)).await;
    for answer in [Answer::Error(Code::Internal), Answer::Error(Code::Unimplemented), Answer::Neither] {
        keys.answer(answer);
        assert_eq!(present(&service, "red", "a secret").await, End::Away);
    }
    assert_eq!(keys.asked().len(), 3);
    keys.answer(Answer::Denied);
    assert_eq!(present(&service, "red", "a secret").await, DENIED);
}

async fn nobody_waits_for_one_that_is_silent(s: Setting) {
    make_robots(&s, json!({})).await;
    let pki = Pki::new();
    let keys = AuthenticatorServer::start(&pki);
    keys.answer(Answer::Silence);
    let settings = AuthenticatorSettings { failures: 1, timeout_ms: 50, ..pki.settings(keys.address) };
    let (service, _running) = s.with_config(&knowing(settings)).await;
    assert_eq!(present(&service, "red", "a secret").await, End::Away);
    let asked = keys.asked().len();
    assert_eq!(present(&service, "red", "a secret").await, End::Away);
    assert_eq!(keys.asked().len(), asked, "its circuit breaker is open");
}

async fn a_realm_has_so_many_calls_and_no_more(s: Setting) {
    make_robots(&s, json!({})).await;
    let pki = Pki::new();
    let keys = AuthenticatorServer::start(&pki);
    keys.answer(Answer::Silence);
    let settings = AuthenticatorSettings { max_calls: 1, ..pki.settings(keys.address) };
    let (service, _running) = s.with_config(&knowing(settings)).await;
    let waiting = tokio::spawn({
        let service = service.clone();
        async move { present(&service, "red", "a secret").await }
    });
    eventually("it is asked", 10, || async { keys.asked().len() == 1 }).await;
    keys.answer(Answer::Authenticated);
    assert_eq!(present(&service, "red", "a secret").await, End::Away);
    assert_eq!(keys.asked().len(), 1);
    assert_eq!(present(&service, "blue", "a secret").await, let_in());
    // Whoever goes away makes room.
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(present(&service, "red", "a secret").await, let_in());
}

async fn strangers_are_neither_believed_nor_answered(s: Setting) {
    make_robots(&s, json!({})).await;
    let (pki, other) = (Pki::new(), Pki::new());
    let keys = AuthenticatorServer::start(&pki);
    let good = pki.settings(keys.address);
    let elsewhere = other.settings(keys.address);
    let nameless = AuthenticatorSettings { cert_file: None, key_file: None, ..good.clone() };
    let imposter = AuthenticatorSettings { ca_file: elsewhere.ca_file.clone(), ..good.clone() };
    let unknown = AuthenticatorSettings { ca_file: good.ca_file.clone(), ..elsewhere };
    for settings in [nameless, imposter, unknown] {
        let (service, _running) = s.with_config(&knowing(settings)).await;
        assert_eq!(present(&service, "red", "a secret").await, End::Away);
    }
    assert_eq!(keys.asked(), []);
    let (service, _running) = s.with_config(&knowing(good)).await;
    assert_eq!(present(&service, "red", "a secret").await, let_in());
}

async fn the_example_knows_api_keys(s: Setting) {
    let digest = digest(&SHA256, b"an API key");
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    make_robots(&s, json!({ "authenticator.api-key-sha256": digest })).await;
    s.create(robot("red", "without", "custom:keys", json!({}))).await.unwrap();
    let pki = Pki::new();
    let mut example = Example::start(&pki);
    let settings = AuthenticatorSettings { failures: 1, open_ms: 1, ..pki.settings(example.address) };
    let (service, _running) = s.with_config(&knowing(settings)).await;
    let serves = async || {
        s.clock.advance_ms(1);
        present(&service, "red", "an API key").await == let_in()
    };
    eventually("the example serves", 30, serves).await;
    assert_eq!(present(&service, "blue", "an API key").await, let_in());
    for secret in ["another API key", "", &digest] {
        assert_eq!(present(&service, "red", secret).await, DENIED, "{secret}");
    }
    assert_eq!(attempt(&service, by_secret("red", "without", "an API key")).await, DENIED);
    let nothing = AuthenticateRequest { client_secret: None, ..by_secret("red", "robot", "") };
    assert_eq!(attempt(&service, nothing).await, DENIED);

    example.kill();
    assert_eq!(present(&service, "red", "an API key").await, End::Away);
    example.start_again(&pki);
    eventually("the example serves again", 30, serves).await;
}

contract!(
    a_client_is_who_its_authenticator_says,
    only_clients_of_a_realm_that_allows_it_are_asked_about,
    one_that_is_away_is_soon_not_asked_any_more,
    one_that_answers_with_an_error_denies_nobody_and_is_asked_again,
    nobody_waits_for_one_that_is_silent,
    a_realm_has_so_many_calls_and_no_more,
    strangers_are_neither_believed_nor_answered,
    the_example_knows_api_keys,
);
