//! What tests share: a real PostgreSQL and a real Redis.
//!
//! `TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers that run already (`make test` starts them once for the whole run, by
//! `with-backends`). Without them a test process starts its own on first use; they die with it and leave nothing behind.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use latchkey_backends::{Durability, Postgres, Redis};
use sqlx::Connection as _;
use tempfile::TempDir;

/// The environment variable with the URL of a PostgreSQL whose user may create databases.
pub const DATABASE_VARIABLE: &str = "TEST_DATABASE_URL";
/// The environment variable with the URL of a Redis.
pub const REDIS_VARIABLE: &str = "TEST_REDIS_URL";

static POSTGRES: OnceLock<Postgres> = OnceLock::new();
static REDIS: OnceLock<Redis> = OnceLock::new();

/// The URL of a new, empty database on the shared server.
///
/// # Panics
/// When PostgreSQL cannot be started or reached: a test must not pass without it.
pub async fn postgres() -> String {
    let server = match std::env::var(DATABASE_VARIABLE) {
        Ok(url) => url,
        Err(_) => tokio::task::spawn_blocking(|| {
            POSTGRES
                .get_or_init(|| swept_after_us(|folder| Postgres::start(folder, Durability::ThrowAway)))
                .url("postgres")
        })
        .await
        .expect("the task that starts PostgreSQL does not panic"),
    };
    let name = format!("t{}", uuid::Uuid::new_v4().simple());
    let mut connection = sqlx::PgConnection::connect(&server).await.expect("PostgreSQL takes connections");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("a database can be made");
    let (base, _) = server.rsplit_once('/').expect("the URL ends in a database");
    format!("{base}/{name}")
}

/// The URL of the shared Redis. Tests stay apart by the realm ids in their keys.
///
/// # Panics
/// When Redis cannot be started.
pub async fn redis() -> String {
    match std::env::var(REDIS_VARIABLE) {
        Ok(url) => url,
        Err(_) => tokio::task::spawn_blocking(|| REDIS.get_or_init(|| swept_after_us(Redis::start)).url())
            .await
            .expect("the task that starts Redis does not panic"),
    }
}

/// A Redis of the test's own, which it may kill and restart, in a folder that goes with it.
///
/// # Panics
/// When Redis cannot be started.
#[must_use]
pub fn own_redis() -> (Redis, TempDir) {
    lodged(Redis::start)
}

/// A PostgreSQL of the test's own, which it may kill and restart, in a folder that goes with it.
///
/// # Panics
/// When PostgreSQL cannot be started.
#[must_use]
pub fn own_postgres() -> (Postgres, TempDir) {
    lodged(|folder| Postgres::start(folder, Durability::ThrowAway))
}

fn lodged<T>(start: impl FnOnce(&std::path::Path) -> Result<T, latchkey_backends::Error>) -> (T, TempDir) {
    let folder = TempDir::with_prefix("latchkey-test-").expect("a temporary folder can be made");
    // PostgreSQL may run as another user than we do, and must reach its folder.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
        .expect("the folder is ours");
    let server = start(&folder.path().join("server")).expect("the server starts");
    (server, folder)
}

/// A server for the rest of this process. Nothing is dropped when a process ends, so a child that waits for the end of
/// its input, which comes with our end, removes the folder.
fn swept_after_us<T>(start: impl FnOnce(&std::path::Path) -> Result<T, latchkey_backends::Error>) -> T {
    let (server, folder) = lodged(start);
    #[expect(clippy::zombie_processes, reason = "it ends after this process")]
    let mut sweeper = Command::new("sh")
        .args(["-c", "cat >/dev/null; until rm -rf \"$1\"; do sleep 0.1; done", "sweeper"])
        .arg(folder.keep())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts");
    std::mem::forget(sweeper.stdin.take());
    server
}

/// Asks `condition` until it holds; panics with `what` after `seconds`.
///
/// # Panics
/// When the condition does not come to hold in time.
pub async fn eventually<F: Future<Output = bool>>(
    what: &str,
    seconds: u64,
    mut condition: impl FnMut() -> F,
) {
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(seconds);
    while !condition().await {
        assert!(tokio::time::Instant::now() < end, "not within {seconds} s: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
