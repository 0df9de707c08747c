//! What holds over SQLite and a real PostgreSQL, always with two realms.

use super::{AdminEventQuery, LoginEventQuery, Store};
use crate::build::{MIGRATIONS, SCHEMA};
use latchkey_api::{
    audit::v1::LoginEvent,
    common::v1::{AdminEvent, Change, Page},
};
use latchkey_platform::database::Database;

struct Setting {
    store: Store,
    _folder: Option<tempfile::TempDir>,
}

impl Setting {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("audit.db").display());
        Self { store: store(&url).await, _folder: Some(folder) }
    }

    async fn postgres() -> Self {
        Self { store: store(&latchkey_test_support::postgres().await).await, _folder: None }
    }

    async fn logins(&self, query: LoginEventQuery) -> Vec<String> {
        let events = self.store.login_events(&query, 10_000).await.unwrap();
        events.into_iter().map(|event| event.id).collect()
    }

    async fn admin(&self, query: AdminEventQuery) -> Vec<String> {
        let events = self.store.admin_events(&query).await.unwrap();
        events.into_iter().map(|stored| stored.event.unwrap().resource_path).collect()
    }

    async fn put_admin(&self, realm: &str, revision: u64, event: AdminEvent) {
        let change = Change {
            revision,
            realm_id: realm.into(),
            time_ms: 1_000 * revision.cast_signed(),
            ..Change::default()
        };
        let mut transaction = self.store.database.begin().await.unwrap();
        self.store.put_admin_event(&mut transaction, "client-registry", &change, &event).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

async fn store(url: &str) -> Store {
    Store::new(Database::open(url, 4, SCHEMA, MIGRATIONS).await.unwrap())
}

fn login(realm: &str, id: &str, time_ms: i64, kind: &str, client: &str) -> LoginEvent {
    LoginEvent {
        id: id.into(),
        time_ms,
        r#type: kind.into(),
        realm_id: realm.into(),
        client_id: client.into(),
        user_id: format!("user-of-{client}"),
        ip_address: "203.0.113.9".into(),
        details: [("grant_type".to_owned(), "client_credentials".to_owned())].into(),
        ..LoginEvent::default()
    }
}

fn logins_of(realm: &str) -> LoginEventQuery {
    LoginEventQuery { realm_id: realm.into(), ..LoginEventQuery::default() }
}

fn admin(operation: &str, kind: &str, path: &str) -> AdminEvent {
    AdminEvent {
        auth_realm_id: "master".into(),
        auth_client_id: "admin-cli".into(),
        auth_user_id: "admin".into(),
        ip_address: "203.0.113.9".into(),
        operation_type: operation.into(),
        resource_type: kind.into(),
        resource_path: path.into(),
        ..AdminEvent::default()
    }
}

fn admin_of(realm: &str) -> AdminEventQuery {
    AdminEventQuery { realm_id: realm.into(), ..AdminEventQuery::default() }
}

async fn login_events_come_back_whole_and_newest_first(s: Setting) {
    let events = [
        login("a", "1", 1_000, "CLIENT_LOGIN", "x"),
        login("a", "2", 2_000, "CLIENT_LOGIN_ERROR", "x"),
        login("b", "3", 3_000, "CLIENT_LOGIN", "x"),
    ];
    s.store.put_login_events(&events).await.unwrap();
    s.store.put_login_events(&events[..1]).await.unwrap();
    let found = s.store.login_events(&logins_of("a"), 10_000).await.unwrap();
    assert_eq!(found, [events[1].clone(), events[0].clone()], "a batch sent twice is stored once");
    assert_eq!(s.logins(LoginEventQuery { ascending: true, ..logins_of("a") }).await, ["1", "2"]);
    assert_eq!(s.logins(logins_of("b")).await, ["3"]);
}

async fn login_events_are_filtered_and_paged(s: Setting) {
    let events: Vec<_> =
        [("CLIENT_LOGIN", "x"), ("CLIENT_LOGIN", "y"), ("CLIENT_LOGIN_ERROR", "x"), ("LOGOUT", "y")]
            .into_iter()
            .zip(1_i64..)
            .map(|((kind, client), number)| login("a", &number.to_string(), number * 1_000, kind, client))
            .collect();
    s.store.put_login_events(&events).await.unwrap();
    let types = |types: &[&str]| types.iter().map(|&one| one.to_owned()).collect();
    let query = logins_of("a");
    let cases = [
        (LoginEventQuery { types: types(&["CLIENT_LOGIN"]), ..query.clone() }, vec!["2", "1"]),
        (
            LoginEventQuery { types: types(&["LOGOUT", "CLIENT_LOGIN_ERROR"]), ..query.clone() },
            vec!["4", "3"],
        ),
        (LoginEventQuery { client_id: "x".into(), ..query.clone() }, vec!["3", "1"]),
        (
            LoginEventQuery { client_id: "x".into(), types: types(&["CLIENT_LOGIN"]), ..query.clone() },
            vec!["1"],
        ),
        (LoginEventQuery { user_id: "user-of-y".into(), ..query.clone() }, vec!["4", "2"]),
        (LoginEventQuery { user_id: "zz".into(), ..query.clone() }, vec![]),
        (LoginEventQuery { ip_address: "203.0.113.8".into(), ..query.clone() }, vec![]),
        (LoginEventQuery { from_ms: Some(2_000), to_ms: Some(3_000), ..query.clone() }, vec!["3", "2"]),
        (LoginEventQuery { page: Some(Page { first: 0, max: Some(2) }), ..query.clone() }, vec!["4", "3"]),
        (LoginEventQuery { page: Some(Page { first: 3, max: None }), ..query.clone() }, vec!["1"]),
    ];
    for (query, expected) in cases {
        assert_eq!(s.logins(query.clone()).await, expected, "{query:?}");
    }
}

async fn a_large_batch_is_stored_whole(s: Setting) {
    let events: Vec<_> =
        (0..500).map(|number| login("a", &format!("{number:03}"), number, "CLIENT_LOGIN", "x")).collect();
    s.store.put_login_events(&events).await.unwrap();
    assert_eq!(s.logins(logins_of("a")).await.len(), 500);
}

async fn login_events_expire(s: Setting) {
    let kept = login("a", "kept", 1_000, "CLIENT_LOGIN", "x");
    let short = LoginEvent { id: "short".into(), retention_s: 5, ..kept.clone() };
    let long = LoginEvent { id: "long".into(), retention_s: 60, ..kept.clone() };
    s.store.put_login_events(&[kept, short, long]).await.unwrap();
    assert_eq!(s.logins(logins_of("a")).await, ["long", "kept"], "what has expired isn't shown");
    assert!(!s.store.delete_expired_logins(10_000).await.unwrap());
    let all = s.store.login_events(&logins_of("a"), 0).await.unwrap();
    assert_eq!(all.len(), 2, "and is deleted");
}

async fn events_of_a_realm_are_cleared(s: Setting) {
    s.store
        .put_login_events(&[login("a", "1", 1, "LOGOUT", "x"), login("b", "2", 1, "LOGOUT", "x")])
        .await
        .unwrap();
    s.put_admin("a", 1, admin("CREATE", "CLIENT", "clients/1")).await;
    s.put_admin("b", 2, admin("CREATE", "CLIENT", "clients/2")).await;
    s.store.clear_login_events("a").await.unwrap();
    s.store.clear_admin_events("a").await.unwrap();
    assert!(s.logins(logins_of("a")).await.is_empty() && s.admin(admin_of("a")).await.is_empty());
    assert_eq!(s.logins(logins_of("b")).await, ["2"]);
    assert_eq!(s.admin(admin_of("b")).await, ["clients/2"]);
}

async fn admin_events_are_stored_once(s: Setting) {
    let event = AdminEvent {
        representation_json: r#"{"name":"r"}"#.into(),
        request_id: "request".into(),
        ..admin("CREATE", "REALM_ROLE", "roles/r")
    };
    s.put_admin("a", 7, event.clone()).await;
    s.put_admin("a", 7, event.clone()).await;
    let found = s.store.admin_events(&admin_of("a")).await.unwrap();
    let [stored] = found.as_slice() else { panic!("one event: {found:?}") };
    assert_eq!(stored.event.as_ref(), Some(&event));
    assert_eq!((stored.realm_id.as_str(), stored.time_ms), ("a", 7_000));
    assert_eq!(uuid::Uuid::parse_str(&stored.id).unwrap().get_version_num(), 8);
}

async fn admin_events_are_filtered_and_paged(s: Setting) {
    let events = [
        admin("CREATE", "CLIENT", "clients/1"),
        admin("CREATE", "REALM_ROLE", "roles/r"),
        admin("DELETE", "REALM_ROLE", "roles/r_2%"),
        admin("ACTION", "CLIENT", "clients/1/client-secret"),
        admin("UPDATE", "REALM", ""),
    ];
    for (event, revision) in events.into_iter().zip(1..) {
        s.put_admin("a", revision, event).await;
    }
    s.put_admin("b", 9, admin("CREATE", "CLIENT", "clients/9")).await;
    let list = |values: &[&str]| values.iter().map(|&one| one.to_owned()).collect();
    let query = admin_of("a");
    let path = |pattern: &str| AdminEventQuery { resource_path: pattern.into(), ..query.clone() };
    let cases = [
        (
            AdminEventQuery { operation_types: list(&["DELETE", "ACTION"]), ..query.clone() },
            vec!["clients/1/client-secret", "roles/r_2%"],
        ),
        (
            AdminEventQuery { resource_types: list(&["CLIENT"]), ..query.clone() },
            vec!["clients/1/client-secret", "clients/1"],
        ),
        (path("roles/*"), vec!["roles/r_2%", "roles/r"]),
        (path("roles/r"), vec!["roles/r"]),
        (path("*/1"), vec!["clients/1"]),
        (path("*r_2%*"), vec!["roles/r_2%"]),
        (path("ROLES/*"), vec![]),
        (path("roles/?*"), vec![]),
        (path("*"), vec!["", "clients/1/client-secret", "roles/r_2%", "roles/r", "clients/1"]),
        (AdminEventQuery { auth_user_id: "zz".into(), ..query.clone() }, vec![]),
        (
            AdminEventQuery {
                auth_client_id: "admin-cli".into(),
                page: Some(Page { first: 1, max: Some(1) }),
                ..query.clone()
            },
            vec!["clients/1/client-secret"],
        ),
        (
            AdminEventQuery { from_ms: Some(2_000), to_ms: Some(3_000), ascending: true, ..query.clone() },
            vec!["roles/r", "roles/r_2%"],
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(s.admin(query.clone()).await, expected, "{query:?}");
    }
    while s.store.delete_admin_events_until(4_000).await.unwrap() {}
    assert_eq!(s.admin(query).await, ["", "clients/1/client-secret"]);
}

async fn the_events_of_a_deleted_realm_go_even_late_ones(s: Setting) {
    s.store
        .put_login_events(&[login("a", "1", 1_000, "LOGOUT", "x"), login("b", "2", 1_000, "LOGOUT", "x")])
        .await
        .unwrap();
    s.put_admin("a", 1, admin("CREATE", "CLIENT", "clients/1")).await;
    let mut transaction = s.store.database.begin().await.unwrap();
    s.store.forget_realm(&mut transaction, "a", 5_000).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(s.logins(logins_of("a")).await.is_empty() && s.admin(admin_of("a")).await.is_empty());
    let late = login("a", "3", 4_000, "LOGOUT", "x");
    let of_a_new_realm = login("a", "4", 6_000, "LOGOUT", "x");
    s.store.put_login_events(&[late, of_a_new_realm]).await.unwrap();
    s.store.delete_late_events(7_000).await.unwrap();
    assert_eq!(s.logins(logins_of("a")).await, ["4"]);
    assert_eq!(s.logins(logins_of("b")).await, ["2"]);
}

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::Setting::sqlite().await).await; })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::Setting::postgres().await).await; })+
        }
    };
}

contract!(
    login_events_come_back_whole_and_newest_first,
    login_events_are_filtered_and_paged,
    a_large_batch_is_stored_whole,
    login_events_expire,
    events_of_a_realm_are_cleared,
    admin_events_are_stored_once,
    admin_events_are_filtered_and_paged,
    the_events_of_a_deleted_realm_go_even_late_ones,
);
