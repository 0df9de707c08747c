//! What every store must do: the same tests over SQLite and a real Redis, always with two realms that use equal names.

use super::{
    Lifespan, Rotation, Store, Whose,
    redis::RedisStore,
    sqlite::{MIGRATIONS, SCHEMA, SqliteStore},
};
use crate::{
    family::{Family, Refusal, Reuse},
    record::Record,
    session_id::SessionId,
};
use futures::future::join_all;
use latchkey_api::session::v1::{ClientSessions, Session, SessionKind};
use latchkey_platform::database::Database;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use std::collections::BTreeSet;
use std::sync::Arc;

const ONCE: Reuse = Reuse::Limited { max_reuse: 0 };
const HOUR: i64 = 3_600_000;

/// A store with realms of its own.
struct Setting {
    store: Arc<dyn Store>,
    realm: String,
    other_realm: String,
    now: i64,
    _folder: Option<tempfile::TempDir>,
}

impl Setting {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("session.db").display());
        let database = Database::open(&url, 1, SCHEMA, MIGRATIONS).await.unwrap();
        let store = SqliteStore::new(database, 1_000).await.unwrap();
        Self::new(Arc::new(store), Some(folder))
    }

    async fn redis() -> Self {
        let store = RedisStore::new(&latchkey_test_support::redis().await).unwrap();
        Self::new(Arc::new(store), None)
    }

    fn new(store: Arc<dyn Store>, folder: Option<tempfile::TempDir>) -> Self {
        let [realm, other_realm] = [(); 2].map(|()| uuid::Uuid::new_v4().to_string());
        Self { store, realm, other_realm, now: 1_795_000_000_000, _folder: folder }
    }

    fn record(&self, realm: &str, client: &str, user: &str, kind: SessionKind) -> Record {
        let id = SessionId::generate(self.now).unwrap();
        Record {
            id,
            session: Session {
                id: id.to_string(),
                realm_id: realm.into(),
                kind: kind.into(),
                client_uuid: client.into(),
                client_id: format!("id-of-{client}"),
                user_id: user.into(),
                username: format!("service-account-{user}"),
                ip_address: "203.0.113.9".into(),
                started_ms: self.now,
                last_access_ms: self.now,
            },
            expires_ms: self.now + HOUR,
            family: Family::new("first"),
        }
    }

    async fn open_as(&self, realm: &str, client: &str, user: &str, kind: SessionKind) -> SessionId {
        let record = self.record(realm, client, user, kind);
        let id = record.id;
        self.store.open(realm, record, self.now).await.unwrap();
        id
    }

    async fn open(&self) -> SessionId {
        self.open_as(&self.realm, "client", "user", SessionKind::Online).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        jti: &str,
        next: &str,
        reuse: Reuse,
    ) -> Result<Arc<Record>, Refusal> {
        self.store.rotate(&self.realm, id, rotation(jti, next, reuse), self.now).await.unwrap()
    }

    async fn is_live(&self, id: SessionId) -> bool {
        self.store.check(&self.realm, Some(id), None, self.now).await.unwrap().record.is_some()
    }

    async fn counts(&self, realm: &str) -> Vec<ClientSessions> {
        let mut counts = self.store.count(realm, None, self.now).await.unwrap();
        counts.sort_by(|a, b| a.client_uuid.cmp(&b.client_uuid));
        counts
    }

    async fn listed(&self, whose: Whose, kind: SessionKind) -> BTreeSet<String> {
        let listed = self.store.list(&self.realm, &whose, kind, 0, 100, self.now).await.unwrap();
        listed.into_iter().map(|session| session.id).collect()
    }
}

fn rotation(jti: &str, next: &str, reuse: Reuse) -> Rotation {
    Rotation {
        client_uuid: "client".into(),
        user_id: "user".into(),
        jti: jti.into(),
        next_jti: next.into(),
        reuse,
        lifespan: Lifespan { idle_ms: Some(HOUR), max_ms: Some(10 * HOUR) },
    }
}

fn count(client: &str, online: u64, offline: u64) -> ClientSessions {
    ClientSessions { client_uuid: client.into(), client_id: format!("id-of-{client}"), online, offline }
}

fn ids(all: &[SessionId]) -> BTreeSet<String> {
    all.iter().map(ToString::to_string).collect()
}

async fn an_open_session_is_found_in_its_realm_alone(s: Setting) {
    let record = s.record(&s.realm, "client", "user", SessionKind::Online);
    s.store.open(&s.realm, record.clone(), s.now).await.unwrap();
    let found = s.store.check(&s.realm, Some(record.id), None, s.now).await.unwrap();
    assert_eq!(*found.record.unwrap(), record);
    assert!(!found.revoked);
    let found = s.store.check(&s.other_realm, Some(record.id), None, s.now).await.unwrap();
    assert!(found.record.is_none());
    assert_eq!(s.store.end(&s.other_realm, record.id, s.now).await.unwrap(), None);
    assert!(s.is_live(record.id).await);
}

async fn a_session_ends_when_it_is_idle(mut s: Setting) {
    let id = s.open().await;
    s.now += HOUR - 1;
    assert!(s.is_live(id).await);
    s.now += 1;
    assert!(!s.is_live(id).await);
    assert_eq!(s.rotate(id, "first", "second", Reuse::Free).await, Err(Refusal::SessionNotActive));
    assert_eq!(s.rotate(id, "first", "second", Reuse::Free).await, Err(Refusal::SessionNotActive));
    assert_eq!(s.store.end(&s.realm, id, s.now).await.unwrap(), None);
    assert_eq!(s.counts(&s.realm).await, []);
    assert_eq!(s.listed(Whose::User("user".into()), SessionKind::Online).await, ids(&[]));
}

async fn a_refresh_prolongs_a_session_up_to_its_maximum(mut s: Setting) {
    let id = s.open().await;
    let started = s.now;
    for hour in 1..=18 {
        s.now = started + hour * HOUR / 2;
        let record = s.rotate(id, "first", "next", Reuse::Free).await.unwrap();
        assert_eq!(record.session.last_access_ms, s.now);
        assert_eq!(record.session.started_ms, started);
        assert_eq!(record.expires_ms, (s.now + HOUR).min(started + 10 * HOUR));
        assert_eq!(s.counts(&s.realm).await, [count("client", 1, 0)]);
    }
    s.now = started + 10 * HOUR - 1;
    assert!(s.is_live(id).await);
    s.now += 1;
    assert!(!s.is_live(id).await);
    assert_eq!(s.rotate(id, "first", "next", Reuse::Free).await, Err(Refusal::SessionNotActive));
    assert_eq!(s.counts(&s.realm).await, []);
}

async fn lifespans_that_were_shortened_count_at_once(mut s: Setting) {
    let (idle, max) = (s.open().await, s.open().await);
    s.now += 60_000;
    let mut short = rotation("first", "second", Reuse::Free);
    short.lifespan.idle_ms = Some(60_000);
    let refused = s.store.rotate(&s.realm, idle, short.clone(), s.now).await.unwrap();
    assert_eq!(refused, Err(Refusal::SessionNotActive));
    short.lifespan = Lifespan { idle_ms: None, max_ms: Some(60_000) };
    let refused = s.store.rotate(&s.realm, max, short, s.now).await.unwrap();
    assert_eq!(refused, Err(Refusal::SessionNotActive));
    assert!(!s.is_live(idle).await && !s.is_live(max).await);
    assert_eq!(s.counts(&s.realm).await, []);
}

async fn old_tokens_work_while_reuse_is_free(s: Setting) {
    let id = s.open().await;
    for (jti, next) in [("first", "second"), ("second", "third"), ("first", "fourth")] {
        assert!(s.rotate(id, jti, next, Reuse::Free).await.is_ok());
    }
}

async fn a_replayed_token_ends_the_family(s: Setting) {
    let id = s.open().await;
    assert!(s.rotate(id, "first", "second", ONCE).await.is_ok());
    assert!(s.is_live(id).await);
    assert_eq!(s.rotate(id, "first", "third", ONCE).await, Err(Refusal::ReuseExceeded));
    assert_eq!(s.rotate(id, "second", "fourth", ONCE).await, Err(Refusal::FamilyEnded));
    assert!(!s.is_live(id).await);
    assert_eq!(s.counts(&s.realm).await, []);
    assert_eq!(s.listed(Whose::Client("client".into()), SessionKind::Online).await, ids(&[]));
    assert_eq!(s.store.end(&s.realm, id, s.now).await.unwrap(), Some(SessionKind::Online));
    assert_eq!(s.rotate(id, "second", "fourth", ONCE).await, Err(Refusal::SessionNotActive));
}

async fn a_much_older_token_ends_the_family(s: Setting) {
    let id = s.open().await;
    assert!(s.rotate(id, "first", "second", ONCE).await.is_ok());
    assert!(s.rotate(id, "second", "third", ONCE).await.is_ok());
    assert_eq!(s.rotate(id, "first", "fourth", ONCE).await, Err(Refusal::Stale));
    assert_eq!(s.rotate(id, "third", "fifth", ONCE).await, Err(Refusal::FamilyEnded));
}

async fn of_1000_concurrent_uses_of_a_token_one_wins(s: Setting) {
    let id = s.open().await;
    let uses = (0..1_000).map(|number| {
        let (store, realm, now) = (s.store.clone(), s.realm.clone(), s.now);
        tokio::spawn(async move {
            store.rotate(&realm, id, rotation("first", &format!("next-{number}"), ONCE), now).await.unwrap()
        })
    });
    let outcomes: Vec<_> = join_all(uses).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let exceeded = outcomes.iter().filter(|outcome| matches!(outcome, Err(Refusal::ReuseExceeded)));
    assert_eq!(exceeded.count(), 1, "the first replay ends the family, the others find it ended");
    assert!(!s.is_live(id).await);
}

async fn another_clients_token_changes_nothing(s: Setting) {
    let id = s.open().await;
    let mut foreign = rotation("first", "second", ONCE);
    foreign.client_uuid = "other".into();
    let refused = s.store.rotate(&s.realm, id, foreign, s.now).await.unwrap();
    assert_eq!(refused, Err(Refusal::FamilyEnded));
    assert!(s.rotate(id, "first", "second", ONCE).await.is_ok());
    assert_eq!(s.counts(&s.realm).await, [count("client", 1, 0)]);
}

async fn an_ended_session_never_works_again(s: Setting) {
    let (id, kept) = (s.open().await, s.open().await);
    assert!(s.rotate(id, "first", "second", ONCE).await.is_ok());
    assert_eq!(s.store.end(&s.realm, id, s.now).await.unwrap(), Some(SessionKind::Online));
    assert_eq!(s.store.end(&s.realm, id, s.now).await.unwrap(), None);
    assert!(!s.is_live(id).await);
    assert_eq!(s.rotate(id, "second", "third", ONCE).await, Err(Refusal::SessionNotActive));
    assert!(s.is_live(kept).await);
    assert_eq!(s.counts(&s.realm).await, [count("client", 1, 0)]);
}

async fn a_refresh_beside_a_logout_does_not_revive_the_session(s: Setting) {
    for _ in 0..50 {
        let id = s.open().await;
        let refreshes = (0..8).map(|_| s.rotate(id, "first", "next", Reuse::Free));
        let end = s.store.end(&s.realm, id, s.now);
        let (_, ended) = futures::join!(join_all(refreshes), end);
        assert_eq!(ended.unwrap(), Some(SessionKind::Online));
        assert!(!s.is_live(id).await);
        assert_eq!(s.rotate(id, "first", "next", Reuse::Free).await, Err(Refusal::SessionNotActive));
    }
    assert_eq!(s.counts(&s.realm).await, []);
}

async fn sessions_are_counted_and_listed(mut s: Setting) {
    let (realm, other) = (s.realm.clone(), s.other_realm.clone());
    let a = s.open_as(&realm, "client", "user", SessionKind::Online).await;
    s.now += 1;
    let b = s.open_as(&realm, "client", "user", SessionKind::Online).await;
    let c = s.open_as(&realm, "client", "user", SessionKind::Offline).await;
    let d = s.open_as(&realm, "second", "user", SessionKind::Online).await;
    s.open_as(&other, "client", "user", SessionKind::Online).await;
    assert_eq!(s.counts(&realm).await, [count("client", 2, 1), count("second", 1, 0)]);
    assert_eq!(s.counts(&other).await, [count("client", 1, 0)]);
    let of_client = s.store.count(&realm, Some("client"), s.now).await.unwrap();
    assert_eq!(of_client, [count("client", 2, 1)]);
    assert_eq!(s.store.count(&realm, Some("none"), s.now).await.unwrap(), []);
    let (user, client) = (Whose::User("user".into()), Whose::Client("client".into()));
    assert_eq!(s.listed(user.clone(), SessionKind::Online).await, ids(&[a, b, d]));
    assert_eq!(s.listed(user, SessionKind::Offline).await, ids(&[c]));
    assert_eq!(s.listed(client.clone(), SessionKind::Online).await, ids(&[a, b]));
    let page = s.store.list(&realm, &client, SessionKind::Online, 1, 1, s.now).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!((page[0].id.as_str(), page[0].realm_id.as_str()), (b.to_string().as_str(), realm.as_str()));
    assert_eq!(
        (page[0].username.as_str(), page[0].client_id.as_str()),
        ("service-account-user", "id-of-client")
    );
}

async fn all_sessions_of_a_user_a_client_or_a_realm_end(s: Setting) {
    let (realm, other) = (s.realm.clone(), s.other_realm.clone());
    let open = |client: &'static str, user: &'static str, kind| s.open_as(&realm, client, user, kind);
    let a = open("client", "user", SessionKind::Online).await;
    let b = open("client", "second", SessionKind::Online).await;
    let c = open("second", "user", SessionKind::Offline).await;
    let d = open("second", "third", SessionKind::Online).await;
    s.open_as(&other, "client", "user", SessionKind::Online).await;
    let end = |whose: Whose, online_only| {
        let (store, realm, now) = (s.store.clone(), realm.clone(), s.now);
        async move { store.end_all(&realm, &whose, online_only, now).await.unwrap() }
    };
    assert_eq!(end(Whose::User("user".into()), true).await, 1);
    assert!(!s.is_live(a).await && s.is_live(b).await && s.is_live(c).await && s.is_live(d).await);
    assert_eq!(end(Whose::User("user".into()), false).await, 1);
    assert!(!s.is_live(c).await);
    assert_eq!(end(Whose::Client("client".into()), false).await, 1);
    assert!(!s.is_live(b).await && s.is_live(d).await);
    assert_eq!(end(Whose::Realm, false).await, 1);
    assert!(!s.is_live(d).await);
    assert_eq!(end(Whose::Realm, false).await, 0);
    assert_eq!(s.counts(&realm).await, []);
    assert_eq!(s.rotate(a, "first", "second", ONCE).await, Err(Refusal::SessionNotActive));
    assert_eq!(s.counts(&other).await, [count("client", 1, 0)], "the other realm's goes on");
}

async fn more_sessions_than_a_batch_end_and_count(s: Setting) {
    join_all((0..1_234).map(|_| s.open())).await;
    assert_eq!(s.counts(&s.realm).await, [count("client", 1_234, 0)]);
    assert_eq!(s.store.end_all(&s.realm, &Whose::Realm, true, s.now).await.unwrap(), 1_234);
    assert_eq!(s.counts(&s.realm).await, []);
}

async fn a_revoked_token_is_told_until_it_would_have_expired(mut s: Setting) {
    let (realm, other) = (s.realm.clone(), s.other_realm.clone());
    s.store.revoke(&realm, "onrtcc:token", s.now + 60_000, s.now).await.unwrap();
    let revoked = |realm: String, jti: &'static str| {
        let (store, now) = (s.store.clone(), s.now);
        async move { store.check(&realm, None, Some(jti), now).await.unwrap().revoked }
    };
    assert!(revoked(realm.clone(), "onrtcc:token").await);
    assert!(!revoked(realm.clone(), "onrtcc:other").await);
    assert!(!revoked(other, "onrtcc:token").await);
    let id = s.open().await;
    let found = s.store.check(&realm, Some(id), Some("onrtcc:token"), s.now).await.unwrap();
    assert!(found.revoked && found.record.is_some());
    s.now += 1;
}

async fn an_id_is_claimed_once(s: Setting) {
    let claims = (0..100).map(|_| {
        let (store, realm, now) = (s.store.clone(), s.realm.clone(), s.now);
        tokio::spawn(async move { store.claim(&realm, "assertion", "id", HOUR, now).await.unwrap() })
    });
    let first = join_all(claims).await.into_iter().filter(|first| *first.as_ref().unwrap()).count();
    assert_eq!(first, 1);
    assert!(s.store.claim(&s.realm, "dpop", "id", HOUR, s.now).await.unwrap());
    assert!(s.store.claim(&s.other_realm, "assertion", "id", HOUR, s.now).await.unwrap());
    assert!(!s.store.claim(&s.realm, "assertion", "id", HOUR, s.now + 1).await.unwrap());
}

async fn a_position_is_remembered(s: Setting) {
    let upstream = s.realm.clone();
    assert_eq!(s.store.position(&upstream).await.unwrap(), 0);
    s.store.set_position(&upstream, 7).await.unwrap();
    s.store.set_position(&upstream, 9).await.unwrap();
    assert_eq!(s.store.position(&upstream).await.unwrap(), 9);
}

/// The store follows [`Family`] step by step, whatever comes.
async fn any_sequence_of_refreshes_follows_the_rules(s: Setting) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let steps = proptest::collection::vec((0..6_usize, 0..4_usize, -1..3_i32), 1..12);
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let id = s.open().await;
        let mut model = Family::new("first");
        let mut issued = vec!["first".to_owned()];
        for (number, (back, _, limit)) in steps.into_iter().enumerate() {
            let jti = issued[issued.len().saturating_sub(1 + back)].clone();
            let next = format!("next-{number}");
            let reuse = u32::try_from(limit).map_or(Reuse::Free, |max_reuse| Reuse::Limited { max_reuse });
            let expected = model.spend(&jti, &next, reuse);
            let outcome = s.rotate(id, &jti, &next, reuse).await;
            assert_eq!(outcome.clone().map(|_| ()), expected, "{jti} with {reuse:?}");
            if let Ok(record) = outcome {
                assert_eq!(record.family, model);
                issued.push(next);
            }
        }
    }
}

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(super::Setting::sqlite().await).await; })+
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(super::Setting::redis().await).await; })+
        }
    };
}

contract!(
    an_open_session_is_found_in_its_realm_alone,
    a_session_ends_when_it_is_idle,
    a_refresh_prolongs_a_session_up_to_its_maximum,
    lifespans_that_were_shortened_count_at_once,
    old_tokens_work_while_reuse_is_free,
    a_replayed_token_ends_the_family,
    a_much_older_token_ends_the_family,
    of_1000_concurrent_uses_of_a_token_one_wins,
    another_clients_token_changes_nothing,
    an_ended_session_never_works_again,
    a_refresh_beside_a_logout_does_not_revive_the_session,
    sessions_are_counted_and_listed,
    all_sessions_of_a_user_a_client_or_a_realm_end,
    more_sessions_than_a_batch_end_and_count,
    a_revoked_token_is_told_until_it_would_have_expired,
    an_id_is_claimed_once,
    a_position_is_remembered,
    any_sequence_of_refreshes_follows_the_rules,
);
