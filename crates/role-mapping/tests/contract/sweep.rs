//! What was never published goes, and nothing else.

use std::collections::BTreeSet;

use latchkey_platform::database::{Database, Queries as _};
use latchkey_platform::params;
use latchkey_platform::sweep::Sweep as _;
use latchkey_role_mapping::{MIGRATIONS, SCHEMA, Unpublished};

use crate::setting::*;

fn realm(realm: &str) -> Unpublished {
    Unpublished { realm_id: realm.to_owned(), client_uuid: None }
}

fn client(realm: &str, id: &str) -> Unpublished {
    Unpublished { realm_id: realm.to_owned(), client_uuid: Some(id.to_owned()) }
}

async fn a_realm_that_was_never_published_is_swept(s: Setting) {
    s.publish("blue").await;
    let first = s.service.sweep(&BTreeSet::new()).await.unwrap();
    assert_eq!(first, BTreeSet::from([realm("red")]));
    assert!(!s.roles("red").await.is_empty(), "a realm may be in the making");

    s.provision(provisioned("green")).await.unwrap();
    let second = s.service.sweep(&first).await.unwrap();
    assert_eq!(second, BTreeSet::from([realm("green")]));
    assert_eq!(s.roles("red").await, [""; 0]);
    for kept in ["green", "blue"] {
        assert!(!s.roles(kept).await.is_empty(), "{kept}");
    }
}

async fn a_client_that_was_never_published_is_swept_with_its_account(s: Setting) {
    for realm in REALMS {
        s.publish(realm).await;
        s.prepare(realm, "a").await;
        s.prepare(realm, "b").await;
    }
    s.publish_client("red", "a").await;
    let first = s.service.sweep(&BTreeSet::new()).await.unwrap();
    assert_eq!(first, BTreeSet::from([client("red", "b"), client("blue", "a"), client("blue", "b")]));
    // One is published after all.
    s.publish_client("blue", "b").await;
    assert_eq!(s.service.sweep(&first).await.unwrap(), BTreeSet::new());
    assert_eq!((s.client("red", "b").await, s.client("blue", "a").await), (None, None));
    for (realm, id) in [("red", "a"), ("blue", "b")] {
        assert!(!s.client(realm, id).await.unwrap().service_account_user_id.is_empty());
    }
    // The name of the account is free again.
    s.prepare("red", "b").await;
}

async fn a_sweep_asks_whether_something_is_published(s: Setting) {
    s.publish("red").await;
    // Its follower may be behind.
    let mut database = Database::open(&s.url, 1, SCHEMA, MIGRATIONS).await.unwrap();
    for table in ["realms", "clients"] {
        let sql = format!("UPDATE {table} SET published = 0 WHERE realm_id = $1");
        database.execute(sqlx::AssertSqlSafe(sql), params!["red"]).await.unwrap();
    }
    let seen = BTreeSet::from([realm("red"), realm("blue")]);
    assert_eq!(s.service.sweep(&seen).await.unwrap(), BTreeSet::new());
    assert!(!s.roles("red").await.is_empty());
    assert_eq!(s.roles("blue").await, [""; 0]);
}

contract!(
    a_realm_that_was_never_published_is_swept,
    a_client_that_was_never_published_is_swept_with_its_account,
    a_sweep_asks_whether_something_is_published,
);
