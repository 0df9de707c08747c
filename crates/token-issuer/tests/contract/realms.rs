//! Realms: made whole, kept over restarts, sealed at rest, and gone with all that is theirs.

use std::collections::BTreeSet;

use latchkey_api::common::v1::CatchUpRequest;
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::*;
use latchkey_api::registry::v1::DeleteRealmRequest;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::revision::revision_of;
use latchkey_platform::database::{Database, Queries as _};
use latchkey_platform::sweep::Sweep as _;
use latchkey_token_issuer::{MIGRATIONS, SCHEMA};
use tonic::Request;

use crate::setting::*;

async fn provisioning_twice_keeps_the_keys(s: Setting) {
    let before = s.jwks("red").await;
    s.provision("red").await;
    assert_eq!(s.jwks("red").await, before);
    assert_ne!(s.jwks("blue").await, before);
}

async fn an_unknown_realm_is_told(s: Setting) {
    assert_eq!(why(issue(&s.service, "green", "RS256").await), "REALM_NOT_FOUND");
    let request = PublicKeysRequest { realm_id: "green".to_owned() };
    assert_eq!(why(s.service.public_keys(Request::new(request)).await), "REALM_NOT_FOUND");
}

async fn given_providers_replace_keycloaks_four(s: Setting) {
    let providers = vec![provider("", "eddsa-generated", &[("priority", "1")])];
    let request = ProvisionRealmRequest { realm_id: "green".to_owned(), providers };
    s.service.provision_realm(Request::new(request)).await.unwrap();
    assert_eq!(s.providers("green").await.len(), 1);
    let token = s.issue("green", "EdDSA").await;
    s.verified("green", &token).await;
}

async fn keys_survive_a_restart(s: Setting) {
    let tokens =
        [s.issue("red", "RS256").await, s.issue("red", "HS512").await, s.issue("red", "ES256").await];
    let again = s.another().await;
    for token in &tokens {
        let outcome = verify(&again, "red", token).await;
        assert!(matches!(outcome, verify_response::Outcome::Verified(_)));
    }
    assert_eq!(kid(&issue(&again, "red", "RS256").await.unwrap()), kid(&tokens[0]));
}

async fn a_deleted_realm_takes_its_keys_along(s: Setting) {
    for realm in ["red", "blue"] {
        s.publish(realm).await;
    }
    let drop_red = DropRealmRequest { realm_id: "red".to_owned() };
    s.service.drop_realm(Request::new(drop_red.clone())).await.unwrap();
    let token = s.issue("red", "RS256").await;
    s.verified("red", &token).await;

    let request = DeleteRealmRequest { realm_id: "red".to_owned(), ..DeleteRealmRequest::default() };
    let deleted = s.registry.delete_realm(Request::new(request)).await.unwrap();
    let revision = revision_of(&deleted).unwrap();
    let request = CatchUpRequest { upstream: "client-registry".to_owned(), revision };
    s.service.catch_up(Request::new(request)).await.unwrap();
    assert_eq!(why(issue(&s.service, "red", "RS256").await), "REALM_NOT_FOUND");
    assert_eq!(rows(&s, "red").await, [0, 0, 0], "its data key is gone too");
    assert_eq!(rows(&s, "blue").await, [1, 4, 1]);
    s.issue("blue", "RS256").await;
}

async fn what_was_never_published_can_be_dropped(s: Setting) {
    let request = DropRealmRequest { realm_id: "red".to_owned() };
    s.service.drop_realm(Request::new(request)).await.unwrap();
    assert_eq!(why(issue(&s.service, "red", "RS256").await), "REALM_NOT_FOUND");
    assert_eq!(rows(&s, "red").await, [0, 0, 0]);
    s.provision("red").await;
    s.issue("red", "RS256").await;
}

async fn what_was_never_published_is_swept(s: Setting) {
    s.publish("blue").await;
    let first = s.service.sweep(&BTreeSet::new()).await.unwrap();
    assert_eq!(first, BTreeSet::from(["red".to_owned()]));
    s.issue("red", "RS256").await;

    s.provision("green").await;
    let second = s.service.sweep(&first).await.unwrap();
    assert_eq!(second, BTreeSet::from(["green".to_owned()]), "a realm may be in the making");
    assert_eq!(why(issue(&s.service, "red", "RS256").await), "REALM_NOT_FOUND");
    assert_eq!(rows(&s, "red").await, [0, 0, 0]);
    for realm in ["green", "blue"] {
        s.issue(realm, "RS256").await;
    }
}

async fn a_sweep_asks_whether_a_realm_is_published(s: Setting) {
    // Its follower may be behind.
    s.publish("red").await;
    let mut database = Database::open(&s.url, 1, SCHEMA, MIGRATIONS).await.unwrap();
    let sql = "UPDATE realms SET published = 0 WHERE realm_id = $1";
    database.execute(sql, latchkey_platform::params!["red"]).await.unwrap();
    let seen = BTreeSet::from(["red".to_owned(), "blue".to_owned()]);
    assert_eq!(s.service.sweep(&seen).await.unwrap(), BTreeSet::new());
    s.issue("red", "RS256").await;
    assert_eq!(rows(&s, "blue").await, [0, 0, 0]);
}

async fn other_keys_replace_those_of_an_earlier_try(s: Setting) {
    let before = s.jwks("red").await;
    let asked = |realm: &str| ProvisionRealmRequest {
        realm_id: realm.to_owned(),
        providers: vec![provider("", "eddsa-generated", &[])],
    };
    s.service.provision_realm(Request::new(asked("red"))).await.unwrap();
    assert_ne!(s.jwks("red").await, before);
    assert_eq!(s.providers("red").await.len(), 1);
    s.publish("blue").await;
    s.service.provision_realm(Request::new(asked("blue"))).await.unwrap();
    assert_eq!(s.providers("blue").await.len(), 4, "a published realm keeps its keys");
}

async fn rows(s: &Setting, realm: &str) -> Vec<i64> {
    let mut database = Database::open(&s.url, 1, SCHEMA, MIGRATIONS).await.unwrap();
    let mut counts = Vec::new();
    for sql in [
        "SELECT COUNT(*) AS n FROM realms WHERE realm_id = $1",
        "SELECT COUNT(*) AS n FROM key_providers WHERE realm_id = $1",
        "SELECT COUNT(*) AS n FROM data_keys WHERE realm_id = $1",
    ] {
        let row = database.fetch_optional(sql, vec![realm.into()]).await.unwrap().unwrap();
        counts.push(row.integer("n").unwrap());
    }
    counts
}

/// Private keys begin with what PKCS#8 begins with; none of it stands in the file.
#[tokio::test]
async fn no_key_stands_in_the_clear_in_the_file() {
    let s = Setting::sqlite().await;
    s.issue("red", "ES256").await;
    s.issue("red", "EdDSA").await;
    // The object identifiers of RSA, of EC keys on P-256 and of Ed25519, each after version 0: so private keys begin.
    let beginnings: [&[u8]; 3] = [
        b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
        b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08",
        b"\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70",
    ];
    let mut read = 0;
    for name in ["issuer.db", "issuer.db-wal"] {
        let bytes = std::fs::read(s.folder.path().join(name)).unwrap_or_default();
        read += bytes.len();
        for beginning in beginnings {
            assert!(!bytes.windows(beginning.len()).any(|window| window == beginning), "{name}");
        }
        assert!(!bytes.windows(11).any(|window| window == b"PRIVATE KEY"));
    }
    assert!(read > 4096);
}

contract!(
    provisioning_twice_keeps_the_keys,
    an_unknown_realm_is_told,
    given_providers_replace_keycloaks_four,
    keys_survive_a_restart,
    a_deleted_realm_takes_its_keys_along,
    what_was_never_published_can_be_dropped,
    what_was_never_published_is_swept,
    a_sweep_asks_whether_a_realm_is_published,
    other_keys_replace_those_of_an_earlier_try,
);
