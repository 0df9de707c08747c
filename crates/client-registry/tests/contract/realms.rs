//! Realms: published whole, replaced with care, taken away with all that is theirs.

use latchkey_api::common::v1::{AdminEvent, Operation};
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use latchkey_api::revision::revision_of;
use serde_json::json;
use tonic::{Request, Status};

use crate::setting::*;

async fn a_realm_is_found_by_name_and_id(s: Setting) {
    for name in REALMS {
        let expected = Realm { version: 1, ..realm(name) };
        let key = Some(get_realm_request::Key::Id(id_of(name)));
        let by_id = answer(s.service.get_realm(Request::new(GetRealmRequest { key })).await).unwrap();
        assert_eq!(by_id.realm.unwrap(), expected);
        assert_eq!(s.realm(name).await, expected);
        assert_eq!(s.realm(name).await, expected, "from memory");
    }
    for name in ["Red", "green", ""] {
        assert_eq!(why(get_realm(&s.service, name).await), "REALM_NOT_FOUND");
    }
    let listed = answer(s.service.list_realms(Request::new(ListRealmsRequest {})).await).unwrap().realms;
    assert_eq!(listed.iter().map(|realm| realm.name.as_str()).collect::<Vec<_>>(), ["blue", "master", "red"]);
    assert_eq!(listed[0].settings_json, realm("blue").settings_json);
}

async fn creating_a_realm_is_one_change(s: Setting) {
    let admin_event = AdminEvent { resource_path: "green".to_owned(), ..AdminEvent::default() };
    let request = CreateRealmRequest {
        realm: Some(realm("green")),
        clients: vec![confidential("green", "a", ""), confidential("green", "b", "")],
        admin_client: Some(confidential("master", "green-realm", "")),
        created_by_user_id: "maker".to_owned(),
        admin_event: Some(admin_event.clone()),
        identity_providers: Vec::new(),
    };
    let response = s.service.create_realm(Request::new(request)).await.unwrap();
    let revision = revision_of(&response).unwrap();
    assert_eq!(response.into_inner().revision, revision);
    let change = s.change(revision).await;
    assert_eq!((change.entity.as_str(), change.operation()), ("realm", Operation::Created));
    assert_eq!((change.realm_id, change.entity_id), (id_of("green"), id_of("green")));
    assert_eq!(change.admin_event, Some(admin_event));
    let payload: serde_json::Value = serde_json::from_str(&change.payload_json).unwrap();
    let expected = json!({
        "name": "green",
        "admin_client_id": "uuid-of-green-realm",
        "created_by": "maker",
        "clients": [{ "id": "uuid-of-a", "client_id": "a" }, { "id": "uuid-of-b", "client_id": "b" }],
        "key_rotation": null,
    });
    assert_eq!(payload, expected);
    assert!(s.find("master", "green-realm").await.is_ok());
    assert_eq!(s.service.changes().head(), revision);
}

async fn a_realm_that_clashes_leaves_nothing_behind(s: Setting) {
    let same_name = Realm { id: "other".to_owned(), ..realm("red") };
    assert_eq!(why(s.create_realm(same_name, Vec::new()).await), "REALM_EXISTS");
    let same_id = Realm { name: "other".to_owned(), ..realm("red") };
    assert_eq!(why(s.create_realm(same_id, Vec::new()).await), "ID_EXISTS");
    let twice = vec![confidential("green", "a", ""), confidential("green", "a", "")];
    assert!(s.create_realm(realm("green"), twice).await.is_err());
    assert_eq!(why(get_realm(&s.service, "green").await), "REALM_NOT_FOUND");
    assert_eq!(why(s.find("master", "green-realm").await), "CLIENT_NOT_FOUND");
    s.create_realm(realm("green"), vec![confidential("green", "a", "")]).await.unwrap();
    assert!(s.passes("red", "orders", "password").await);
}

async fn of_many_who_make_a_realm_one_does(s: Setting) {
    let attempts = (0..8).map(|n| {
        let realm = Realm { id: format!("id-{n}"), ..realm("green") };
        let request = CreateRealmRequest { realm: Some(realm), ..CreateRealmRequest::default() };
        s.service.create_realm(Request::new(request))
    });
    let done = futures::future::join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().map(answer).partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|lost| why(lost) == "REALM_EXISTS"));
}

async fn update(s: &Setting, realm: Realm) -> Result<UpdateRealmResponse, Status> {
    let request = UpdateRealmRequest { realm: Some(realm), admin_event: None };
    answer(s.service.update_realm(Request::new(request)).await)
}

async fn a_realm_is_replaced_only_as_it_was_read(s: Setting) {
    let read = s.realm("red").await;
    let changed = Realm { access_token_lifespan_s: 60, settings_json: "{}".to_owned(), ..read.clone() };
    let answer = update(&s, changed.clone()).await.unwrap();
    assert_eq!(answer.realm, Some(Realm { version: 2, ..changed }));
    assert_eq!(s.realm("red").await, answer.realm.unwrap());
    assert_eq!(why(update(&s, read).await), "VERSION_MISMATCH");
    assert_eq!(why(update(&s, realm("green")).await), "REALM_NOT_FOUND");
    assert_eq!(s.realm("blue").await.access_token_lifespan_s, 300);
    let taken = Realm { name: "blue".to_owned(), ..s.realm("red").await };
    assert_eq!(why(update(&s, taken).await), "REALM_EXISTS");
}

async fn a_renamed_realm_keeps_its_clients_and_its_admin_client_follows(s: Setting) {
    let read = s.realm("red").await;
    assert!(s.passes("red", "orders", "password").await);
    let revision = update(&s, Realm { name: "green".to_owned(), ..read }).await.unwrap().revision;
    let change = s.change(revision).await;
    let payload: serde_json::Value = serde_json::from_str(&change.payload_json).unwrap();
    assert_eq!(payload, json!({ "name": "green", "previous_name": "red", "key_rotation": null }));
    let change = s.change(revision - 1).await;
    assert_eq!((change.entity.as_str(), change.realm_id), ("client", id_of("master")));
    assert_eq!(why(get_realm(&s.service, "red").await), "REALM_NOT_FOUND");
    assert!(s.passes("green", "orders", "password").await && !s.passes("red", "orders", "password").await);
    assert!(s.find("master", "green-realm").await.is_ok() && s.find("master", "red-realm").await.is_err());

    let admin = NewClient {
        client: Some(Client { id: "x".to_owned(), ..client("master", "red-realm") }),
        ..Default::default()
    };
    let newcomer = Realm { id: "newcomer".to_owned(), ..realm("red") };
    let request = CreateRealmRequest {
        realm: Some(newcomer),
        admin_client: Some(admin),
        ..CreateRealmRequest::default()
    };
    s.service.create_realm(Request::new(request)).await.unwrap();
    assert_eq!(s.realm("red").await.id, "newcomer");
    assert!(!s.passes("red", "orders", "password").await, "the name's new realm is another");
}

async fn when_keys_are_rotated_rides_on_the_change(s: Setting) {
    let with = |realm: Realm, interval: &str| {
        let attributes = [("latchkey.key-rotation.interval".to_owned(), interval.to_owned())].into();
        Realm { attributes, ..realm }
    };
    let told = async |revision| {
        let change = s.change(revision).await;
        serde_json::from_str::<serde_json::Value>(&change.payload_json).unwrap()["key_rotation"].take()
    };
    let created = s.create_realm(with(realm("green"), "7776000"), Vec::new()).await.unwrap();
    let expected = json!({ "interval_s": 7_776_000, "publish_ahead_s": 86_400, "keep_s": 7_776_000 });
    assert_eq!(told(created.revision).await, expected);

    let stored = s.realm("green").await;
    let refused = update(&s, with(stored.clone(), "60")).await.unwrap_err();
    assert_eq!(refused.message(), "Attribute 'latchkey.key-rotation.interval' should be 0 or at least 3600");
    assert_eq!(why::<()>(Err(refused)), "REALM_INVALID");
    assert_eq!(s.realm("green").await, stored);
    let refused = s.create_realm(with(realm("yellow"), "soon"), Vec::new()).await;
    assert_eq!(why(refused), "REALM_INVALID");
    assert_eq!(why(get_realm(&s.service, "yellow").await), "REALM_NOT_FOUND");

    let updated = update(&s, with(stored, "0")).await.unwrap();
    assert_eq!(told(updated.revision).await, json!(null));
}

async fn a_deleted_realm_takes_all_of_it_along_and_nothing_else(s: Setting) {
    assert!(s.passes("red", "orders", "password").await);
    assert!(s.find("red", "orders").await.is_ok() && s.find("master", "red-realm").await.is_ok());
    let request = || Request::new(DeleteRealmRequest { realm_id: id_of("red"), admin_event: None });
    let revision = answer(s.service.delete_realm(request()).await).unwrap().revision;
    let change = s.change(revision).await;
    assert_eq!((change.entity.as_str(), change.operation()), ("realm", Operation::Deleted));
    let payload: serde_json::Value = serde_json::from_str(&change.payload_json).unwrap();
    assert_eq!(payload, json!({ "name": "red", "admin_client_id": "uuid-of-red-realm" }));
    assert_eq!(why(answer(s.service.delete_realm(request()).await)), "REALM_NOT_FOUND");
    assert_eq!(why(get_realm(&s.service, "red").await), "REALM_NOT_FOUND");
    assert_eq!(why(s.find("red", "orders").await), "CLIENT_NOT_FOUND");
    assert_eq!(why(s.find("master", "red-realm").await), "CLIENT_NOT_FOUND");
    assert!(s.passes("blue", "orders", "password").await && s.find("master", "blue-realm").await.is_ok());

    s.create_realm(realm("red"), vec![confidential("red", "orders", "fresh")]).await.unwrap();
    assert!(s.passes("red", "orders", "fresh").await && !s.passes("red", "orders", "password").await);
    assert_eq!(s.secret("red", "uuid-of-orders").await.unwrap(), "fresh");
}

contract!(
    a_realm_is_found_by_name_and_id,
    creating_a_realm_is_one_change,
    a_realm_that_clashes_leaves_nothing_behind,
    of_many_who_make_a_realm_one_does,
    a_realm_is_replaced_only_as_it_was_read,
    a_renamed_realm_keeps_its_clients_and_its_admin_client_follows,
    when_keys_are_rotated_rides_on_the_change,
    a_deleted_realm_takes_all_of_it_along_and_nothing_else,
);
