//! Key providers: which key signs, which verifies, which is gone.

use futures::StreamExt as _;
use latchkey_api::common::v1::{AdminEvent, Operation, WatchRequest};
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::verify_response::Fault;
use latchkey_api::issuer::v1::*;
use latchkey_api::revision::revision_of;
use tonic::Request;

use crate::setting::*;

async fn a_new_realm_has_keycloaks_four(s: Setting) {
    let providers = s.providers("red").await;
    let names: Vec<_> = providers.iter().map(|one| (&*one.name, &*one.provider_id)).collect();
    assert_eq!(
        names,
        [
            ("rsa-generated", "rsa-generated"),
            ("rsa-enc-generated", "rsa-enc-generated"),
            ("hmac-generated-hs512", "hmac-generated"),
            ("aes-generated", "aes-generated"),
        ]
    );
    let config: Vec<Vec<_>> = providers
        .iter()
        .map(|one| {
            let mut config: Vec<_> =
                one.config.iter().map(|(name, list)| format!("{name}={}", list.values.join(","))).collect();
            config.sort();
            config
        })
        .collect();
    assert_eq!(
        config,
        [
            vec!["priority=100"],
            vec!["algorithm=RSA-OAEP", "priority=100"],
            vec!["algorithm=HS512", "priority=100"],
            vec!["priority=100"],
        ]
    );
    let listed = s.list_keys("red").await;
    let keys: Vec<_> = listed
        .keys
        .iter()
        .map(|key| {
            format!("{} {} {} {} {}", key.algorithm, key.r#type, key.r#use, key.status, key.provider_priority)
        })
        .collect();
    assert_eq!(
        keys,
        [
            "RS256 RSA SIG ACTIVE 100",
            "RSA-OAEP RSA ENC ACTIVE 100",
            "HS512 OCT SIG ACTIVE 100",
            "AES OCT ENC ACTIVE 100"
        ]
    );
    assert_eq!(listed.active.len(), 4);
    let secret = listed.keys.iter().filter(|key| key.r#type == "OCT");
    assert!(secret.into_iter().all(|key| key.public_key.is_empty() && key.certificate.is_empty()));
    let jwks = s.jwks("red").await;
    let published: Vec<_> = jwks.iter().map(|jwk| (jwk["alg"].as_str(), jwk["use"].as_str())).collect();
    assert_eq!(published, [(Some("RS256"), Some("sig")), (Some("RSA-OAEP"), Some("enc"))]);
}

async fn the_highest_priority_signs(s: Setting) {
    let first = kid(&s.issue("red", "RS256").await);
    let added = s.create(provider("red", "rsa-generated", &[("priority", "50")])).await.unwrap();
    assert_eq!(kid(&s.issue("red", "RS256").await), first);
    s.update(with(added, "priority", "500")).await.unwrap();
    let second = kid(&s.issue("red", "RS256").await);
    assert_ne!(second, first);
    assert_eq!(s.list_keys("red").await.active["RS256"], second);
    let published: Vec<_> = s.jwks("red").await.iter().map(|jwk| jwk["kid"].clone()).collect();
    assert!(published.contains(&first.into()) && published.contains(&second.into()));
}

async fn passive_verifies_and_disabled_vanishes_at_once(s: Setting) {
    let added = s.create(provider("red", "rsa-generated", &[("priority", "300")])).await.unwrap();
    let token = s.issue("red", "RS256").await;
    s.verified("red", &token).await;
    let published = async || s.jwks("red").await.iter().any(|jwk| jwk["kid"] == kid(&token));
    let status = async || {
        s.list_keys("red").await.keys.into_iter().find(|key| key.kid == kid(&token)).map(|key| key.status)
    };

    s.update(with(added.clone(), "active", "false")).await.unwrap();
    assert_ne!(kid(&s.issue("red", "RS256").await), kid(&token));
    s.verified("red", &token).await;
    assert!(published().await);
    assert_eq!(status().await.as_deref(), Some("PASSIVE"));

    s.update(with(added.clone(), "enabled", "false")).await.unwrap();
    assert_eq!(s.fault("red", &token).await, Some(Fault::UnknownKey));
    assert!(!published().await);
    assert_eq!(status().await.as_deref(), Some("DISABLED"));

    s.update(added.clone()).await.unwrap();
    s.verified("red", &token).await;
    assert_eq!(kid(&s.issue("red", "RS256").await), kid(&token), "it is the same key again");

    s.delete("red", &added.id).await.unwrap();
    assert_eq!(s.fault("red", &token).await, Some(Fault::UnknownKey));
    assert_eq!(status().await, None);
    assert_eq!(why(s.delete("red", &added.id).await), "KEY_PROVIDER_NOT_FOUND");
}

async fn another_form_of_key_is_another_key(s: Setting) {
    let added = s.create(provider("red", "ecdsa-generated", &[])).await.unwrap();
    let first = s.issue("red", "ES256").await;
    let renamed = s.update(with(added, "priority", "7")).await.unwrap();
    assert_eq!(kid(&s.issue("red", "ES256").await), kid(&first));
    s.update(with(renamed, "ecdsaEllipticCurveKey", "P-384")).await.unwrap();
    let second = s.issue("red", "ES384").await;
    assert_ne!(kid(&second), kid(&first));
    assert!(s.providers("red").await.iter().all(|one| !one.name.starts_with("fallback")));
}

async fn what_cannot_be_is_refused_and_stores_nothing(s: Setting) {
    let bad = provider("red", "rsa-generated", &[("keySize", "1000")]);
    let refused = s.create(bad).await.unwrap_err();
    assert_eq!(refused.message(), "'Key size' should be 1024, 2048, 3072 or 4096");
    assert_eq!(why::<()>(Err(refused)), "KEY_PROVIDER_INVALID");
    assert_eq!(why(s.create(provider("red", "zz", &[])).await), "KEY_PROVIDER_UNKNOWN");
    assert_eq!(why(s.create(provider("green", "aes-generated", &[])).await), "REALM_NOT_FOUND");
    assert_eq!(why(s.update(provider("red", "aes-generated", &[])).await), "KEY_PROVIDER_NOT_FOUND");
    let of_blue = s.providers("blue").await.remove(0);
    assert_eq!(why(s.delete("red", &of_blue.id).await), "KEY_PROVIDER_NOT_FOUND");
    s.create(provider("red", "aes-generated", &[])).await.unwrap();
    assert_eq!(why(s.create(provider("red", "aes-generated", &[])).await), "ID_EXISTS");
    assert_eq!((s.providers("red").await.len(), s.providers("blue").await.len()), (5, 4));
}

async fn an_administrators_act_rides_on_the_change(s: Setting) {
    let event = AdminEvent { resource_path: "components/x".to_owned(), ..AdminEvent::default() };
    let asked = provider("red", "hmac-generated", &[("algorithm", "HS256")]);
    let request =
        CreateKeyProviderRequest { provider: Some(asked.clone()), admin_event: Some(event.clone()) };
    let response = s.service.create_key_provider(Request::new(request)).await.unwrap();
    let revision = revision_of(&response).unwrap();
    let request = WatchRequest { from_revision: revision - 1 };
    let mut changes = s.service.watch(Request::new(request)).await.unwrap().into_inner();
    let change = changes.next().await.unwrap().unwrap().change.unwrap();
    assert_eq!((change.revision, change.operation()), (revision, Operation::Created));
    assert_eq!((&*change.entity, &*change.realm_id, &change.entity_id), ("key_provider", "red", &asked.id));
    assert_eq!(change.admin_event, Some(event));
}

/// Only PostgreSQL has replicas.
#[tokio::test]
async fn another_replica_hears_of_a_disabled_key() {
    let s = Setting::postgres().await;
    let other = s.another().await;
    let token = s.issue("red", "RS256").await;
    let verifies =
        async || matches!(verify(&other, "red", &token).await, verify_response::Outcome::Verified(_));
    assert!(verifies().await);
    let rsa = s.providers("red").await.remove(0);
    s.update(with(rsa, "enabled", "false")).await.unwrap();
    latchkey_test_support::eventually("the key is gone there too", 5, async || !verifies().await).await;
}

contract!(
    a_new_realm_has_keycloaks_four,
    the_highest_priority_signs,
    passive_verifies_and_disabled_vanishes_at_once,
    another_form_of_key_is_another_key,
    what_cannot_be_is_refused_and_stores_nothing,
    an_administrators_act_rides_on_the_change,
);
