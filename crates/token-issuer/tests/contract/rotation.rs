//! Keys that are rotated as their realm asks: published before they sign, kept until their last token has expired.

use futures::StreamExt as _;
use latchkey_api::common::v1::{CatchUpRequest, Operation, WatchRequest};
use latchkey_api::issuer::v1::VerifyRequest;
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::verify_response::{Fault, Outcome};
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::{GetRealmRequest, UpdateRealmRequest, get_realm_request};
use latchkey_platform::database::{Database, Queries as _};
use latchkey_platform::params;
use latchkey_token_issuer::{MIGRATIONS, SCHEMA};
use tonic::Request;

use crate::setting::*;

const INTERVAL_S: i64 = 100_000;
const AHEAD_S: i64 = 20_000;
const KEEP_S: i64 = 50_000;
/// Beside the time that a realm asks for.
const HEARD_OF_S: i64 = 10;
/// For how long a replica has a realm to itself.
const CLAIM_S: i64 = 15;

/// Asks for what the constants say.
async fn rotating(s: &Setting, realm: &str) {
    s.publish(realm).await;
    let seconds = [
        ("latchkey.key-rotation.interval", INTERVAL_S),
        ("latchkey.key-rotation.publish-ahead", AHEAD_S),
        ("latchkey.key-rotation.keep", KEEP_S),
    ];
    ask(s, realm, &seconds).await;
}

/// Sets attributes of a realm, and waits until the service has heard of it.
async fn ask(s: &Setting, realm: &str, seconds: &[(&str, i64)]) {
    let request = GetRealmRequest { key: Some(get_realm_request::Key::Id(realm.to_owned())) };
    let mut stored = answer(s.registry.get_realm(Request::new(request)).await).unwrap().realm.unwrap();
    for (name, seconds) in seconds {
        stored.attributes.insert((*name).to_owned(), seconds.to_string());
    }
    let request = UpdateRealmRequest { realm: Some(stored), admin_event: None };
    let revision = answer(s.registry.update_realm(Request::new(request)).await).unwrap().revision;
    let request = CatchUpRequest { upstream: "client-registry".to_owned(), revision };
    s.service.catch_up(Request::new(request)).await.unwrap();
}

async fn steps(s: &Setting) -> usize {
    s.service.rotate_due_keys().await.unwrap()
}

/// The realm's keys of an algorithm as an administrator sees them, by kid.
async fn statuses(s: &Setting, realm: &str, algorithm: &str) -> Vec<(String, String)> {
    let keys = s.list_keys(realm).await.keys.into_iter();
    keys.filter(|key| key.algorithm == algorithm).map(|key| (key.kid, key.status)).collect()
}

async fn published(s: &Setting, realm: &str) -> Vec<String> {
    let jwks = s.jwks(realm).await;
    jwks.iter().filter(|jwk| jwk["use"] == "sig").map(|jwk| jwk["kid"].as_str().unwrap().to_owned()).collect()
}

/// The kid of the only key of a status.
async fn only(s: &Setting, realm: &str, algorithm: &str, status: &str) -> String {
    let keys = statuses(s, realm, algorithm).await;
    let mut found = keys.into_iter().filter(|(_, found)| found == status);
    let (kid, _) = found.next().unwrap();
    assert!(found.next().is_none());
    kid
}

async fn a_key_is_published_then_signs_then_is_kept_then_goes(s: Setting) {
    rotating(&s, "red").await;
    let first = kid(&s.issue("red", "RS256").await);
    assert_eq!(steps(&s).await, 0);
    s.clock.advance_s(INTERVAL_S - AHEAD_S - 1);
    assert_eq!(steps(&s).await, 0);
    s.clock.advance_s(1);
    assert_eq!(steps(&s).await, 1);
    let second = only(&s, "red", "RS256", "PASSIVE").await;
    assert_eq!(only(&s, "red", "RS256", "ACTIVE").await, first);
    assert_eq!(published(&s, "red").await.len(), 2);
    assert!(published(&s, "red").await.contains(&second));
    assert_eq!(kid(&s.issue("red", "RS256").await), first);

    s.clock.advance_s(AHEAD_S - 1);
    assert_eq!(steps(&s).await, 0);
    let last_of_first = s.issue("red", "RS256").await;
    s.clock.advance_s(1);
    assert_eq!(steps(&s).await, 1);
    assert_eq!(only(&s, "red", "RS256", "ACTIVE").await, second);
    assert_eq!(only(&s, "red", "RS256", "PASSIVE").await, first);
    assert_eq!(kid(&s.issue("red", "RS256").await), second);
    assert_eq!(s.list_keys("red").await.active["RS256"], second);
    s.verified("red", &last_of_first).await;

    s.clock.advance_s(KEEP_S + HEARD_OF_S - 1);
    assert_eq!(steps(&s).await, 0);
    assert!(published(&s, "red").await.contains(&first));
    let outcome = {
        let request =
            VerifyRequest { realm_id: "red".to_owned(), token: last_of_first.clone(), allow_expired: true };
        answer(s.service.verify(Request::new(request)).await).unwrap().outcome.unwrap()
    };
    assert!(matches!(outcome, Outcome::Verified(token) if token.expired));
    s.clock.advance_s(1);
    assert_eq!(steps(&s).await, 1);
    assert_eq!(published(&s, "red").await, std::slice::from_ref(&second));
    assert_eq!(s.fault("red", &last_of_first).await, Some(Fault::UnknownKey));
    assert_eq!(s.providers("red").await.len(), 4);

    s.clock.advance_s(INTERVAL_S - AHEAD_S - KEEP_S - HEARD_OF_S);
    assert_eq!(steps(&s).await, 1, "and so on");
    assert_ne!(only(&s, "red", "RS256", "PASSIVE").await, first);
}

async fn each_step_is_in_the_change_log(s: Setting) {
    rotating(&s, "red").await;
    let signing = s.providers("red").await.remove(0);
    let from_revision = s.service.changes().head();
    let mut changes =
        s.service.watch(Request::new(WatchRequest { from_revision })).await.unwrap().into_inner();
    let mut next = async || {
        let change = changes.next().await.unwrap().unwrap().change.unwrap();
        assert_eq!((&*change.realm_id, &*change.entity), ("red", "key_provider"));
        (change.operation(), change.entity_id)
    };
    for seconds in [INTERVAL_S - AHEAD_S, AHEAD_S, KEEP_S + HEARD_OF_S] {
        s.clock.advance_s(seconds);
        assert_eq!(steps(&s).await, 1);
    }
    let made = s.providers("red").await.remove(3);
    assert_eq!((&made.provider_id, &made.name), (&signing.provider_id, &signing.name));
    assert_eq!((setting(&made, "priority"), setting(&made, "active")), ("100", "true"));
    assert_eq!(next().await, (Operation::Created, made.id.clone()));
    assert_eq!(next().await, (Operation::Updated, signing.id.clone()));
    assert_eq!(next().await, (Operation::Updated, made.id));
    assert_eq!(next().await, (Operation::Deleted, signing.id));
}

async fn only_keys_of_realms_that_ask_for_it_are_rotated(s: Setting) {
    rotating(&s, "red").await;
    s.publish("blue").await;
    let before = (s.providers("blue").await, s.jwks("blue").await);
    for _ in 0..5 {
        s.clock.advance_s(INTERVAL_S);
        steps(&s).await;
    }
    assert_eq!((s.providers("blue").await, s.jwks("blue").await), before);

    ask(&s, "red", &[("latchkey.key-rotation.interval", 0)]).await;
    let before = s.providers("red").await;
    s.clock.advance_s(10 * INTERVAL_S);
    assert_eq!(steps(&s).await, 0);
    assert_eq!(s.providers("red").await, before);
}

async fn each_algorithm_has_its_own_keys_and_shared_secrets_stay(s: Setting) {
    rotating(&s, "red").await;
    let asymmetric = ["RS256", "ES384", "EdDSA"];
    let mut before = Vec::new();
    for algorithm in asymmetric {
        before.push(s.issue("red", algorithm).await);
    }
    let refresh = s.issue("red", "HS512").await;
    s.clock.advance_s(INTERVAL_S);
    assert_eq!(steps(&s).await, 3);
    for seconds in [AHEAD_S, 0] {
        s.clock.advance_s(seconds);
        steps(&s).await;
    }
    for (algorithm, before) in asymmetric.into_iter().zip(&before) {
        let after = s.issue("red", algorithm).await;
        assert_ne!(kid(&after), kid(before), "{algorithm}");
        s.verified("red", &after).await;
        assert_eq!(
            s.fault("red", before).await,
            Some(Fault::NotActive),
            "{algorithm}: its key is still there"
        );
    }
    assert_eq!(kid(&s.issue("red", "HS512").await), kid(&refresh));
    assert_eq!(statuses(&s, "red", "RSA-OAEP").await.len(), 1);
    assert_eq!(statuses(&s, "red", "AES").await.len(), 1);
}

async fn a_key_that_was_due_long_ago_is_still_published_before_it_signs(s: Setting) {
    let first = kid(&s.issue("red", "RS256").await);
    s.clock.advance_s(50 * INTERVAL_S);
    rotating(&s, "red").await;
    assert_eq!(steps(&s).await, 1);
    s.clock.advance_s(AHEAD_S - 1);
    assert_eq!(steps(&s).await, 0);
    assert_eq!(kid(&s.issue("red", "RS256").await), first);
    s.clock.advance_s(1);
    assert_eq!(steps(&s).await, 1);
    assert_ne!(kid(&s.issue("red", "RS256").await), first);
}

async fn of_several_replicas_one_rotates(s: Setting) {
    rotating(&s, "red").await;
    rotating(&s, "blue").await;
    let replicas = [s.another().await, s.another().await];
    s.clock.advance_s(INTERVAL_S - AHEAD_S);
    let look = async || {
        let (one, two, three) = futures::join!(
            s.service.rotate_due_keys(),
            replicas[0].rotate_due_keys(),
            replicas[1].rotate_due_keys()
        );
        one.unwrap() + two.unwrap() + three.unwrap()
    };
    for (seconds, providers) in [(0, 5), (AHEAD_S, 5), (KEEP_S + HEARD_OF_S, 4)] {
        s.clock.advance_s(seconds);
        assert_eq!(look().await, 2, "a step in each realm");
        for realm in REALMS {
            assert_eq!(s.providers(realm).await.len(), providers);
        }
        assert_eq!(look().await, 0);
    }
}

async fn a_replica_that_dies_leaves_its_realms_to_others(s: Setting) {
    rotating(&s, "red").await;
    s.clock.advance_s(INTERVAL_S - AHEAD_S);
    // It has taken the realm, and done nothing.
    let mut database = Database::open(&s.url, 1, SCHEMA, MIGRATIONS).await.unwrap();
    let sql = "UPDATE key_rotations SET due_ms = $1";
    let until_ms = NOW_MS + (INTERVAL_S - AHEAD_S + CLAIM_S) * 1000;
    database.execute(sql, params![until_ms]).await.unwrap();
    let other = s.another().await;
    assert_eq!(other.rotate_due_keys().await.unwrap(), 0);
    s.clock.advance_s(CLAIM_S);
    assert_eq!(other.rotate_due_keys().await.unwrap(), 1);
    // What was done stays done after a restart, and what comes next is known.
    s.clock.advance_s(AHEAD_S - 1);
    assert_eq!(other.rotate_due_keys().await.unwrap(), 0);
    s.clock.advance_s(1);
    let again = s.another().await;
    assert_eq!(again.rotate_due_keys().await.unwrap(), 1);
    assert_eq!(s.providers("red").await.len(), 5);
}

async fn a_key_that_an_administrator_adds_signs_at_once_and_is_rotated_in_its_turn(s: Setting) {
    rotating(&s, "red").await;
    s.clock.advance_s(INTERVAL_S - AHEAD_S);
    assert_eq!(steps(&s).await, 1);
    let first = s.issue("red", "RS256").await;
    let added = s.create(provider("red", "rsa-generated", &[("priority", "200")])).await.unwrap();
    let second = kid(&s.issue("red", "RS256").await);
    assert_ne!(second, kid(&first));
    s.verified("red", &first).await;
    assert_eq!(steps(&s).await, 0);
    s.clock.advance_s(AHEAD_S);
    assert_eq!(steps(&s).await, 0, "the key that signs is young");
    s.clock.advance_s(INTERVAL_S - AHEAD_S);
    assert_eq!(steps(&s).await, 1);
    let third = kid(&s.issue("red", "RS256").await);
    assert!(third != second && third != kid(&first));
    let keys = statuses(&s, "red", "RS256").await;
    assert!(keys.contains(&(second, "PASSIVE".to_owned())));
    let signs = s
        .providers("red")
        .await
        .into_iter()
        .find(|one| setting(one, "priority") == "200" && one.id != added.id);
    assert_eq!(setting(&signs.unwrap(), "active"), "true");
}

async fn what_an_administrator_takes_over_is_his(s: Setting) {
    rotating(&s, "red").await;
    // The next key deleted: another one is published, and for as long.
    s.clock.advance_s(INTERVAL_S - AHEAD_S);
    assert_eq!(steps(&s).await, 1);
    let next = s.providers("red").await.remove(4);
    s.clock.advance_s(AHEAD_S - 1);
    s.delete("red", &next.id).await.unwrap();
    assert_eq!(steps(&s).await, 1);
    s.clock.advance_s(1);
    assert_eq!(steps(&s).await, 0);
    s.clock.advance_s(AHEAD_S - 1);
    assert_eq!(steps(&s).await, 1);
    // The retired one active again, of a higher priority: it signs, and stays.
    let retired = s.providers("red").await.remove(0);
    assert_eq!(setting(&retired, "active"), "false");
    s.update(with(with(retired.clone(), "active", "true"), "priority", "300")).await.unwrap();
    s.clock.advance_s(KEEP_S + HEARD_OF_S);
    assert_eq!(steps(&s).await, 0);
    assert!(s.providers("red").await.iter().any(|one| one.id == retired.id));
    // An uploaded or otherwise passive key is never touched.
    s.update(with(with(retired.clone(), "active", "false"), "priority", "300")).await.unwrap();
    s.clock.advance_s(10 * INTERVAL_S);
    for _ in 0..4 {
        steps(&s).await;
    }
    assert!(s.providers("red").await.iter().any(|one| one.id == retired.id));
}

async fn shorter_lives_do_not_count_for_what_was_signed_before(s: Setting) {
    rotating(&s, "red").await;
    let first = kid(&s.issue("red", "RS256").await);
    for seconds in [INTERVAL_S - AHEAD_S, AHEAD_S] {
        s.clock.advance_s(seconds);
        assert_eq!(steps(&s).await, 1);
    }
    ask(&s, "red", &[("latchkey.key-rotation.keep", 60)]).await;
    s.clock.advance_s(KEEP_S - 1);
    assert_eq!(steps(&s).await, 0);
    assert!(published(&s, "red").await.contains(&first));
    s.clock.advance_s(HEARD_OF_S);
    assert_eq!(steps(&s).await, 1);
    assert!(!published(&s, "red").await.contains(&first));
}

/// Only PostgreSQL has replicas.
#[tokio::test]
async fn another_replica_signs_with_the_new_key_too() {
    let s = Setting::postgres().await;
    rotating(&s, "red").await;
    let other = s.another().await;
    let signing = async || kid(&issue(&other, "red", "RS256").await.unwrap());
    let first = signing().await;
    for seconds in [INTERVAL_S - AHEAD_S, AHEAD_S] {
        s.clock.advance_s(seconds);
        assert_eq!(steps(&s).await, 1);
    }
    latchkey_test_support::eventually("the new key signs there", 5, async || signing().await != first).await;
}

contract!(
    a_key_is_published_then_signs_then_is_kept_then_goes,
    each_step_is_in_the_change_log,
    only_keys_of_realms_that_ask_for_it_are_rotated,
    each_algorithm_has_its_own_keys_and_shared_secrets_stay,
    a_key_that_was_due_long_ago_is_still_published_before_it_signs,
    of_several_replicas_one_rotates,
    a_replica_that_dies_leaves_its_realms_to_others,
    a_key_that_an_administrator_adds_signs_at_once_and_is_rotated_in_its_turn,
    what_an_administrator_takes_over_is_his,
    shorter_lives_do_not_count_for_what_was_signed_before,
);
