//! Several replicas, restarts, and readers that race with writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_api::registry::v1::authenticate_response::Outcome;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry;
use latchkey_api::registry::v1::*;
use latchkey_platform::vault::FileMasterKey;
use latchkey_test_support::eventually;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tonic::Request;

use crate::identity_providers::{provider, trusted};
use crate::setting::*;
use crate::signing::*;

async fn after_a_restart_everything_is_there(s: Setting) {
    let secret = s.set_secret("red", "uuid-of-orders", "", 600).await.secret;
    let head = s.service.changes().head();
    let (restarted, _running) = s.another().await;
    assert_eq!(restarted.changes().head(), head);
    for secret in ["password", &secret] {
        assert!(passes(&restarted, "red", "orders", secret).await);
    }
    assert_eq!(get_realm(&restarted, "red").await.unwrap(), s.realm("red").await);
}

/// Whatever a reader loads while somebody writes: once a write is answered, its writer's replica never shows the state before.
async fn no_load_brings_an_outdated_client_back(s: Setting) {
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (service, done) = (Arc::clone(&s.service), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    passes(&service, "red", "orders", "password").await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut stored = s.find("red", "orders").await.unwrap();
    for n in 0..100 {
        stored = s.update(Client { enabled: n % 2 == 1, ..stored }, "").await.unwrap();
        assert_eq!(s.passes("red", "orders", "password").await, n % 2 == 1, "{n}");
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
}

/// A new master key is given before the old one; once the data keys are under it, the old one can go.
async fn the_master_key_can_be_replaced(s: Setting) {
    let new = FileMasterKey::generate();
    let (rotating, _running) = s.with_master_keys(&format!("{} {{old}}", new.expose_secret())).await;
    assert!(passes(&rotating, "red", "orders", "password").await);
    let without_old = || async {
        let (service, _running) = s.with_master_keys(new.expose_secret()).await;
        let request = Request::new(by_secret("red", "orders", "password"));
        let answer = ClientRegistry::authenticate(&*service, request).await;
        answer.is_ok_and(|answer| matches!(answer.into_inner().outcome, Some(Outcome::Authenticated(_))))
    };
    eventually("the old master key is not needed", 10, without_old).await;
}

contract!(
    after_a_restart_everything_is_there,
    the_master_key_can_be_replaced,
    no_load_brings_an_outdated_client_back
);

#[tokio::test]
async fn another_replica_sees_a_write_within_a_second() {
    let s = Setting::postgres().await;
    let (other, _running) = s.another().await;
    assert!(passes(&other, "red", "orders", "password").await);
    let secret = s.set_secret("red", "uuid-of-orders", "", 0).await;
    let ended = || async { !passes(&other, "red", "orders", "password").await };
    eventually("the old secret has ended on the other replica", 1, ended).await;
    assert!(passes(&other, "red", "orders", &secret.secret).await);
    other.changes().wait_applied(secret.revision).await;

    let read = s.realm("red").await;
    let request = UpdateRealmRequest { realm: Some(Realm { enabled: false, ..read }), admin_event: None };
    let update = ClientRegistry::update_realm(&*s.service, Request::new(request));
    update.await.unwrap();
    let off = || async { !passes(&other, "red", "orders", &secret.secret).await };
    eventually("the realm is off on the other replica", 1, off).await;
    assert!(passes(&other, "blue", "orders", "password").await);
}

#[tokio::test]
async fn another_replica_trusts_and_distrusts_within_a_second() {
    let s = Setting::postgres().await;
    let (other, _running) = s.another().await;
    let (key, pem) = pem_key();
    let made = s
        .create_provider(provider("red", "cloud", trusted("https://cloud.example", &pem)), "")
        .await
        .unwrap();
    let attributes = json!({ "jwt.credential.issuer": "cloud", "jwt.credential.sub": "workload-7" });
    create(&s, "billing", "federated-jwt", "", attributes).await;
    let claims = json!({ "iss": "https://cloud.example", "sub": "workload-7" });
    let token = signed(&key, json!({ "alg": "ES256" }), claims, json!({}));
    let accepted =
        || async { matches!(authenticate(&other, presenting(&token)).await, Outcome::Authenticated(_)) };
    eventually("the other replica knows issuer and client", 1, accepted).await;

    let mut client = s.find("red", "billing").await.unwrap();
    client.attributes.insert("jwt.credential.sub".to_owned(), "workload-8".to_owned());
    let mut client = s.update(client, "").await.unwrap();
    let refused = || async { !accepted().await };
    eventually("the other replica knows the new mapping", 1, refused).await;
    client.attributes.insert("jwt.credential.sub".to_owned(), "workload-7".to_owned());
    s.update(client, "").await.unwrap();
    eventually("and the one after", 1, accepted).await;

    s.update_provider(IdentityProvider { enabled: false, ..made }, "").await.unwrap();
    eventually("the other replica knows that the issuer is trusted no more", 1, refused).await;
}
