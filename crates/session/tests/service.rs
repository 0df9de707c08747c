//! The service over both stores: what the contract promises beyond a store's transitions.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use futures::future::join_all;
use latchkey_api::session::v1::{
    CheckRequest, ClaimOnceRequest, EndAllRequest, EndRequest, ListSessionsRequest, OpenRequest,
    OpenResponse, RevokeTokenRequest, RotateRequest, SessionKind,
    rotate_response::{Outcome, Refusal},
    sessions_server::Sessions,
};
use latchkey_platform::{clock::ManualClock, database::Database};
use latchkey_session::{
    SessionService,
    store::{
        Store,
        redis::RedisStore,
        sqlite::{MIGRATIONS, SCHEMA, SqliteStore},
    },
};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::{Code, Request};

struct Setting {
    service: Arc<SessionService>,
    clock: Arc<ManualClock>,
    realm_id: String,
}

impl Setting {
    fn over(store: impl Store) -> Self {
        let clock = Arc::new(ManualClock::at_ms(1_795_000_000_000));
        let service = Arc::new(SessionService::new(Arc::new(store), clock.clone()));
        Self { service, clock, realm_id: uuid::Uuid::new_v4().to_string() }
    }

    fn open_request(&self, kind: SessionKind, idle_s: i64, max_s: i64) -> OpenRequest {
        OpenRequest {
            realm_id: self.realm_id.clone(),
            kind: kind.into(),
            client_uuid: "client".into(),
            client_id: "orders".into(),
            user_id: "user".into(),
            username: "service-account-orders".into(),
            ip_address: "203.0.113.9".into(),
            refresh_jti: "first".into(),
            idle_s,
            max_s,
        }
    }

    async fn open(&self, kind: SessionKind, idle_s: i64, max_s: i64) -> OpenResponse {
        let ask = self.open_request(kind, idle_s, max_s);
        self.service.open(Request::new(ask)).await.unwrap().into_inner()
    }

    fn rotate_request(&self, session_id: &str, jti: &str, next: &str) -> RotateRequest {
        RotateRequest {
            realm_id: self.realm_id.clone(),
            session_id: session_id.into(),
            client_uuid: "client".into(),
            refresh_jti: jti.into(),
            next_refresh_jti: next.into(),
            revoke_on_use: true,
            idle_s: 600,
            max_s: 1_000,
            ..RotateRequest::default()
        }
    }

    async fn rotate(&self, session_id: &str, jti: &str, next: &str) -> Outcome {
        let ask = self.rotate_request(session_id, jti, next);
        self.service.rotate(Request::new(ask)).await.unwrap().into_inner().outcome.unwrap()
    }

    async fn is_active(&self, session_id: &str) -> bool {
        let ask = CheckRequest {
            realm_id: self.realm_id.clone(),
            session_id: session_id.into(),
            client_uuid: "client".into(),
            ..CheckRequest::default()
        };
        self.service.check(Request::new(ask)).await.unwrap().into_inner().session_active
    }
}

async fn sqlite(folder: &Path) -> SqliteStore {
    let url = format!("sqlite:{}", folder.join("session.db").display());
    SqliteStore::new(Database::open(&url, 1, SCHEMA, MIGRATIONS).await.unwrap(), 100).await.unwrap()
}

#[tokio::test]
async fn the_ends_are_those_of_keycloak() {
    let folder = tempfile::tempdir().unwrap();
    let s = Setting::over(sqlite(folder.path()).await);
    let ends = |opened: &OpenResponse| (opened.refresh_expires_in_s, opened.session_expires_in_s);
    assert_eq!(ends(&s.open(SessionKind::Online, 600, 1_000).await), (600, 1_000));
    assert_eq!(ends(&s.open(SessionKind::Online, 600, 300).await), (300, 300));
    assert_eq!(ends(&s.open(SessionKind::Offline, 600, 0).await), (0, 0));
    assert_eq!(ends(&s.open(SessionKind::Offline, 600, 300).await), (300, 300));
    assert_eq!(ends(&s.open(SessionKind::Online, 0, 0).await), (0, 0));

    let opened = s.open(SessionKind::Online, 600, 1_000).await;
    assert_eq!(opened.started_ms, 1_795_000_000_000);
    s.clock.advance_s(500);
    let Outcome::Rotated(rotated) = s.rotate(&opened.session_id, "first", "second").await else {
        panic!("rotated")
    };
    assert_eq!((rotated.refresh_expires_in_s, rotated.session_expires_in_s), (500, 500));
    assert_eq!((rotated.user_id.as_str(), rotated.started_ms), ("user", opened.started_ms));
    s.clock.advance_s(500);
    assert!(!s.is_active(&opened.session_id).await);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let s = Setting::over(sqlite(folder.path()).await);
    let open = s.open_request(SessionKind::Unspecified, 600, 600);
    assert_eq!(s.service.open(Request::new(open)).await.unwrap_err().code(), Code::InvalidArgument);
    let rotate = s.rotate_request("x", "", "next");
    assert_eq!(s.service.rotate(Request::new(rotate)).await.unwrap_err().code(), Code::InvalidArgument);
    let both = EndAllRequest { user_id: "u".into(), client_uuid: "c".into(), ..EndAllRequest::default() };
    assert_eq!(s.service.end_all(Request::new(both)).await.unwrap_err().code(), Code::InvalidArgument);
    let of_none = ListSessionsRequest { realm_id: s.realm_id.clone(), ..ListSessionsRequest::default() };
    assert_eq!(
        s.service.list_sessions(Request::new(of_none)).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let no_session = s.rotate("no session's id", "first", "second").await;
    assert_eq!(no_session, Outcome::Refusal(Refusal::SessionNotActive.into()));
    assert!(!s.is_active("no session's id").await);
    let another_client = CheckRequest {
        realm_id: s.realm_id.clone(),
        session_id: s.open(SessionKind::Online, 600, 600).await.session_id,
        client_uuid: "another".into(),
        ..CheckRequest::default()
    };
    assert!(!s.service.check(Request::new(another_client)).await.unwrap().into_inner().session_active);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sqlite_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let s = Setting::over(sqlite(folder.path()).await);
    let sessions = join_all((0..200).map(|_| s.open(SessionKind::Online, 600, 1_000))).await;
    for opened in &sessions[..100] {
        assert!(matches!(s.rotate(&opened.session_id, "first", "second").await, Outcome::Rotated(_)));
    }
    let ended = EndRequest { realm_id: s.realm_id.clone(), session_id: sessions[199].session_id.clone() };
    assert!(s.service.end(Request::new(ended)).await.unwrap().into_inner().existed);
    let revoked =
        RevokeTokenRequest { realm_id: s.realm_id.clone(), jti: "jti".into(), expires_at_s: 1_795_000_060 };
    s.service.revoke_token(Request::new(revoked)).await.unwrap();
    let claim =
        ClaimOnceRequest { realm_id: s.realm_id.clone(), purpose: "dpop".into(), id: "id".into(), ttl_s: 60 };
    assert!(s.service.claim_once(Request::new(claim.clone())).await.unwrap().into_inner().first);

    // Opened beside the first, which was given no chance to tidy up: as after a crash.
    let mut again = Setting::over(sqlite(folder.path()).await);
    again.realm_id.clone_from(&s.realm_id);
    for opened in &sessions[..199] {
        assert!(again.is_active(&opened.session_id).await);
    }
    assert!(!again.is_active(&sessions[199].session_id).await);
    let replayed = again.rotate(&sessions[0].session_id, "first", "third").await;
    assert_eq!(replayed, Outcome::Refusal(Refusal::ReuseExceeded.into()));
    let check = CheckRequest { realm_id: s.realm_id.clone(), jti: "jti".into(), ..CheckRequest::default() };
    assert!(again.service.check(Request::new(check)).await.unwrap().into_inner().revoked);
    assert!(!again.service.claim_once(Request::new(claim)).await.unwrap().into_inner().first);
}

#[tokio::test]
async fn sqlite_forgets_what_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path()).await;
    let now_ms = 1_795_000_000_000;
    for number in 0..600 {
        store.revoke("realm", &format!("{number}"), now_ms + 1_000, now_ms).await.unwrap();
        assert!(store.claim("realm", "dpop", &format!("{number}"), 1_000, now_ms).await.unwrap());
    }
    let mut sweeps = 0;
    while store.sweep(now_ms + 1_000).await.unwrap() {
        sweeps += 1;
    }
    assert_eq!(sweeps, 1, "500 at a time");
    let found = store.check("realm", None, Some("1"), now_ms).await.unwrap();
    assert!(!found.revoked);
    assert!(store.claim("realm", "dpop", "1", 1_000, now_ms).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_away_is_told_fast_and_comes_back_by_itself() {
    let (mut redis, _folder) = latchkey_test_support::own_redis();
    let s = Setting::over(RedisStore::new(&redis.url()).unwrap());
    let opened = s.open(SessionKind::Online, 600, 1_000).await;
    tokio::task::block_in_place(|| redis.kill());
    for _ in 0..3 {
        let started = Instant::now();
        let ask = s.rotate_request(&opened.session_id, "first", "second");
        let refused = s.service.rotate(Request::new(ask)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert!(started.elapsed() < Duration::from_secs(3));
    }
    assert!(s.service.ready().await.is_err());
    tokio::task::block_in_place(|| redis.restart().unwrap());
    latchkey_test_support::eventually("Redis is used again", 10, || async {
        s.service.ready().await.is_ok()
    })
    .await;
    assert!(s.is_active(&opened.session_id).await);
    assert!(matches!(s.rotate(&opened.session_id, "first", "second").await, Outcome::Rotated(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_in_redis_expires() {
    let (redis_server, _folder) = latchkey_test_support::own_redis();
    let s = Setting::over(RedisStore::new(&redis_server.url()).unwrap());
    let opened = s.open(SessionKind::Online, 600, 1_000).await;
    s.open(SessionKind::Offline, 0, 0).await;
    s.rotate(&opened.session_id, "first", "second").await;
    s.rotate(&opened.session_id, "first", "third").await;
    let revoked =
        RevokeTokenRequest { realm_id: s.realm_id.clone(), jti: "jti".into(), expires_at_s: 1_795_000_060 };
    s.service.revoke_token(Request::new(revoked)).await.unwrap();
    let claim =
        ClaimOnceRequest { realm_id: s.realm_id.clone(), purpose: "dpop".into(), id: "id".into(), ttl_s: 60 };
    s.service.claim_once(Request::new(claim)).await.unwrap();
    let client = redis::Client::open(redis_server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    assert!(keys.len() >= 8, "{keys:?}");
    for key in keys {
        let ttl: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
        assert!(ttl > 0, "{key} lives for ever");
    }
}
