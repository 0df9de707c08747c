//! Databases, change log, followers and secrets at rest: one behaviour a function, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt as _;
use latchkey_api::common::v1::{Change, Operation};
use latchkey_platform::changelog::{ChangeLog, NewChange};
use latchkey_platform::clock::{ManualClock, SharedClock};
use latchkey_platform::database::{Database, Error, Migration, Queries as _, Transaction};
use latchkey_platform::follower::{Apply, Follower};
use latchkey_platform::params;
use latchkey_platform::vault::{FileMasterKey, Place, Vault};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    description: "things",
    postgres: "CREATE TABLE things (realm_id TEXT, name TEXT, size BIGINT, PRIMARY KEY (realm_id, name))",
    sqlite: "CREATE TABLE things (realm_id TEXT, name TEXT, size INTEGER, PRIMARY KEY (realm_id, name))",
}];

struct World {
    database: Database,
    url: String,
    clock: SharedClock,
    _folder: tempfile::TempDir,
}

async fn worlds() -> [World; 2] {
    let folder = || tempfile::TempDir::new().unwrap();
    let sqlite = folder();
    let urls = [
        format!("sqlite:{}", sqlite.path().join("test.sqlite").display()),
        latchkey_test_support::postgres().await,
    ];
    let [sqlite_url, postgres_url] = urls;
    let open = async |url: String, folder| World {
        database: Database::open(&url, 8, "test", MIGRATIONS).await.unwrap(),
        url,
        clock: Arc::new(ManualClock::at_ms(1_000)),
        _folder: folder,
    };
    [open(sqlite_url, sqlite).await, open(postgres_url, folder()).await]
}

fn change<'a>(id: &'a str) -> NewChange<'a> {
    NewChange {
        realm_id: "r1",
        entity: "thing",
        operation: Operation::Created,
        entity_id: id,
        payload: serde_json::json!({"name": id}),
        admin_event: None,
    }
}

async fn write(log: &ChangeLog, database: &Database, id: &str) -> u64 {
    let mut transaction = database.begin().await.unwrap();
    let revision = log.append(&mut transaction, change(id)).await.unwrap();
    transaction.commit().await.unwrap();
    log.committed(revision);
    revision
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    for world in worlds().await {
        let mut database = world.database.clone();
        let sql = "INSERT INTO things (realm_id, name, size) VALUES ($1, $2, $3)";
        assert_eq!(database.execute(sql, params!["r1", "one", 7_i64]).await.unwrap(), 1);
        database.execute(sql, params!["r1", "none", None::<i64>]).await.unwrap();
        let rows = database
            .fetch_all("SELECT name, size FROM things WHERE realm_id = $1 ORDER BY name", params!["r1"])
            .await
            .unwrap();
        assert_eq!(rows[0].optional_integer("size").unwrap(), None);
        assert_eq!((rows[1].text("name").unwrap(), rows[1].integer("size").unwrap()), ("one".to_owned(), 7));
        assert!(matches!(rows[0].integer("size"), Err(Error::Unreadable { column: "size", .. })));
    }
}

#[tokio::test]
async fn a_second_row_with_the_same_key_is_a_violation() {
    for world in worlds().await {
        let mut database = world.database.clone();
        let sql = "INSERT INTO things (realm_id, name) VALUES ('r1', 'one')";
        database.execute(sql, params![]).await.unwrap();
        let error = database.execute(sql, params![]).await.unwrap_err();
        assert!(error.is_unique_violation_on("things"), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_not_committed_is_not_there() {
    for world in worlds().await {
        let log = ChangeLog::open(world.database.clone(), "test", world.clock.clone()).await.unwrap();
        let mut transaction = world.database.begin().await.unwrap();
        log.append(&mut transaction, change("lost")).await.unwrap();
        drop(transaction);
        assert_eq!(write(&log, &world.database, "kept").await, 1, "revisions are gapless");
        let seen = log.watch(0).next().await.unwrap().unwrap().change.unwrap();
        assert_eq!((seen.revision, seen.entity_id.as_str(), seen.time_ms), (1, "kept", 1_000));
    }
}

#[tokio::test]
async fn concurrent_writers_leave_no_gap() {
    for world in worlds().await {
        let log = ChangeLog::open(world.database.clone(), "test", world.clock.clone()).await.unwrap();
        let ids: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        futures::future::join_all(ids.iter().map(|id| write(&log, &world.database, id))).await;
        let seen: Vec<u64> =
            log.watch(0).take(20).map(|answer| answer.unwrap().change.unwrap().revision).collect().await;
        assert_eq!(seen, (1..=20).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_replica_applies_what_another_wrote() {
    let [_, world] = worlds().await;
    let log = ChangeLog::open(world.database.clone(), "test", world.clock.clone()).await.unwrap();
    let other_database = Database::open(&world.url, 8, "test", MIGRATIONS).await.unwrap();
    let other = ChangeLog::open(other_database, "test", world.clock.clone()).await.unwrap();
    let shutdown = CancellationToken::new();
    let dropped = Arc::new(AtomicU64::new(0));
    let seen = dropped.clone();
    other.tail(move |change| seen.store(change.revision, Ordering::SeqCst), shutdown.clone());
    let revision = write(&log, &world.database, "one").await;
    tokio::time::timeout(std::time::Duration::from_secs(10), other.wait_applied(revision))
        .await
        .expect("it is noticed");
    assert_eq!(dropped.load(Ordering::SeqCst), revision);
    shutdown.cancel();
}

/// Counts what it applies, in its own database.
struct Counting(Database);

#[async_trait::async_trait]
impl Apply for Counting {
    type Error = Error;

    async fn apply(&self, transaction: &mut Transaction, change: &Change) -> Result<Option<u64>, Error> {
        let sql = "INSERT INTO things (realm_id, name, size) VALUES ($1, $2, 1)";
        transaction.execute(sql, params![change.realm_id.as_str(), change.entity_id.as_str()]).await?;
        Ok(None)
    }

    async fn applied(&self, _change: &Change, _revision: Option<u64>) {}
}

#[tokio::test]
async fn two_replicas_of_a_follower_apply_each_change_once_and_resume() {
    for world in worlds().await {
        let log = ChangeLog::open(world.database.clone(), "test", world.clock.clone()).await.unwrap();
        let open = {
            let log = log.clone();
            let open: latchkey_platform::follower::OpenWatch = Arc::new(move |from| {
                let stream = log.watch(from);
                Box::pin(async move { Ok(stream) })
            });
            open
        };
        let start = async |shutdown: &CancellationToken| {
            let apply = Arc::new(Counting(world.database.clone()));
            Follower::start(apply.0.clone(), "upstream", open.clone(), apply, shutdown.clone()).await.unwrap()
        };
        let first = CancellationToken::new();
        let (one, two) = (start(&first).await, start(&first).await);
        for id in ["a", "b", "c"] {
            write(&log, &world.database, id).await;
        }
        one.caught_up(3).await;
        two.caught_up(3).await;
        first.cancel();
        let revision = write(&log, &world.database, "d").await;
        let second = CancellationToken::new();
        start(&second).await.caught_up(revision).await;
        let count =
            world.database.clone().fetch_all("SELECT name FROM things", params![]).await.unwrap().len();
        assert_eq!(count, 4, "each change was applied once");
        second.cancel();
    }
}

fn place<'a>(realm_id: &'a str, id: &'a str) -> Place<'a> {
    Place { realm_id, purpose: "client-secret", id }
}

#[tokio::test]
async fn a_secret_opens_only_where_it_was_sealed() {
    for world in worlds().await {
        let (old, new) = (FileMasterKey::generate(), FileMasterKey::generate());
        let vault = |keys: &SecretString| {
            Vault::new(
                world.database.clone(),
                Arc::new(FileMasterKey::parse(keys).unwrap()),
                world.clock.clone(),
            )
        };
        let mut transaction = world.database.begin().await.unwrap();
        let sealed = vault(&old).seal(&mut transaction, place("r1", "1"), b"secret").await.unwrap();
        transaction.commit().await.unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(vault(&old).open(place("r1", "1"), &sealed).await.unwrap().as_slice(), b"secret");
        for elsewhere in [place("r2", "1"), place("r1", "2")] {
            assert!(vault(&old).open(elsewhere, &sealed).await.is_err());
        }
        assert!(vault(&new).open(place("r1", "1"), &sealed).await.is_err());

        use secrecy::ExposeSecret as _;
        let both = SecretString::from(format!("{}\n{}", new.expose_secret(), old.expose_secret()));
        assert_eq!(vault(&both).rewrap().await.unwrap(), 1);
        assert_eq!(vault(&both).rewrap().await.unwrap(), 0);
        assert_eq!(vault(&new).open(place("r1", "1"), &sealed).await.unwrap().as_slice(), b"secret");
    }
}
