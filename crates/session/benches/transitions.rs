//! What a transition costs this process, in CPU time, with SQLite and with Redis: `cargo bench -p latchkey-session`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints its figures, and stops when it can't"
)]

use futures::{StreamExt, stream};
use latchkey_api::session::v1::{
    CheckRequest, OpenRequest, RotateRequest, SessionKind, rotate_response::Outcome,
    sessions_server::Sessions,
};
use latchkey_platform::{clock::SystemClock, database::Database};
use latchkey_session::{
    SessionService,
    store::{
        Store,
        redis::RedisStore,
        sqlite::{MIGRATIONS, SCHEMA, SqliteStore},
    },
};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use tonic::Request;

const TRANSITIONS: usize = 20_000;
const IN_FLIGHT: [usize; 3] = [1, 16, 64];

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("session.db").display());
    let database = Database::open(&url, 1, SCHEMA, MIGRATIONS).await.unwrap();
    let redis = RedisStore::new(&latchkey_test_support::redis().await).unwrap();
    measure("sqlite", Arc::new(SqliteStore::new(database, 20_000).await.unwrap())).await;
    measure("redis", Arc::new(redis)).await;
}

async fn measure(name: &str, store: Arc<dyn Store>) {
    let service = &SessionService::new(store, Arc::new(SystemClock));
    let realm_id = &uuid::Uuid::new_v4().to_string();
    for in_flight in IN_FLIGHT {
        let mut sessions = Vec::new();
        cost(
            &format!("{name} open"),
            in_flight,
            |_| service.open(Request::new(open_request(realm_id))),
            |answer| {
                sessions.push(answer.unwrap().into_inner().session_id);
            },
        )
        .await;
        let rotate = |index: usize| service.rotate(Request::new(rotate_request(realm_id, &sessions[index])));
        cost(&format!("{name} rotate"), in_flight, rotate, |answer| {
            assert!(matches!(answer.unwrap().into_inner().outcome, Some(Outcome::Rotated(_))));
        })
        .await;
        let check = |index: usize| service.check(Request::new(check_request(realm_id, &sessions[index])));
        cost(&format!("{name} check"), in_flight, check, |answer| {
            assert!(answer.unwrap().into_inner().session_active);
        })
        .await;
    }
}

async fn cost<T, F: Future<Output = T>>(
    name: &str,
    in_flight: usize,
    call: impl Fn(usize) -> F,
    mut take: impl FnMut(T),
) {
    let (started, cpu) = (Instant::now(), cpu_us());
    let mut calls = stream::iter((0..TRANSITIONS).map(call)).buffered(in_flight);
    while let Some(answer) = calls.next().await {
        take(answer);
    }
    let each = |microseconds: f64| microseconds / TRANSITIONS as f64;
    let (cpu, wall) = (each((cpu_us() - cpu) as f64), each(started.elapsed().as_micros() as f64));
    println!("{name:14} {in_flight:3} in flight: {cpu:7.1} us of CPU, {wall:7.1} us of time each");
}

fn cpu_us() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    (usage.user_time() + usage.system_time()).num_microseconds()
}

fn open_request(realm_id: &str) -> OpenRequest {
    OpenRequest {
        realm_id: realm_id.into(),
        kind: SessionKind::Online.into(),
        client_uuid: "0b6ad54d-2f5f-4c44-b8bb-8c0c1d2c0f10".into(),
        client_id: "product-sa-client".into(),
        user_id: "5b1cb4f5-3c6c-4d0b-8f7f-90a4cf0dd0a8".into(),
        username: "service-account-product-sa-client".into(),
        ip_address: "203.0.113.9".into(),
        refresh_jti: "first".into(),
        idle_s: 1_800,
        max_s: 36_000,
    }
}

fn rotate_request(realm_id: &str, session_id: &str) -> RotateRequest {
    RotateRequest {
        realm_id: realm_id.into(),
        session_id: session_id.into(),
        client_uuid: "0b6ad54d-2f5f-4c44-b8bb-8c0c1d2c0f10".into(),
        user_id: "5b1cb4f5-3c6c-4d0b-8f7f-90a4cf0dd0a8".into(),
        refresh_jti: "first".into(),
        next_refresh_jti: "second".into(),
        revoke_on_use: true,
        idle_s: 1_800,
        max_s: 36_000,
        ..RotateRequest::default()
    }
}

fn check_request(realm_id: &str, session_id: &str) -> CheckRequest {
    CheckRequest {
        realm_id: realm_id.into(),
        session_id: session_id.into(),
        jti: "onrtcc:0b6ad54d-2f5f-4c44-b8bb-8c0c1d2c0f10".into(),
        ..CheckRequest::default()
    }
}
