//! Clients.

use latchkey_api::common::v1::{Operation, Page};
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use serde_json::json;
use tonic::Request;

use crate::setting::*;

async fn a_client_is_found_by_its_names_in_its_realm_alone(s: Setting) {
    s.create(confidential("red", "billing", "")).await.unwrap();
    let expected = with_dated_secret(Client { version: 1, created_ms: NOW_MS, ..client("red", "billing") });
    assert_eq!(s.find("red", "billing").await.unwrap(), expected);
    assert_eq!(s.find("red", "billing").await.unwrap(), expected, "from memory");
    let request = GetClientRequest { realm_id: id_of("red"), id: expected.id.clone() };
    assert_eq!(
        answer(s.service.get_client(Request::new(request.clone())).await).unwrap().client,
        Some(expected)
    );
    let elsewhere = GetClientRequest { realm_id: id_of("blue"), ..request };
    assert_eq!(why(answer(s.service.get_client(Request::new(elsewhere)).await)), "CLIENT_NOT_FOUND");
    assert_eq!(why(s.find("blue", "billing").await), "CLIENT_NOT_FOUND");
    assert_eq!(why(s.find("red", "Billing").await), "CLIENT_NOT_FOUND");
    assert_eq!(why(s.create(confidential("green", "billing", "")).await), "REALM_NOT_FOUND");
}

async fn a_client_that_was_asked_for_before_is_seen_when_it_comes(s: Setting) {
    assert_eq!(why(s.find("red", "billing").await), "CLIENT_NOT_FOUND");
    assert!(!s.passes("red", "billing", "secret").await);
    s.create(confidential("red", "billing", "secret")).await.unwrap();
    assert!(s.passes("red", "billing", "secret").await && s.find("red", "billing").await.is_ok());
}

async fn of_many_who_make_a_client_one_does(s: Setting) {
    let attempts = (0..8).map(|n| {
        let new = Client { id: format!("uuid-{n}"), ..client("red", "billing") };
        s.create(NewClient { client: Some(new), secret: format!("secret-{n}") })
    });
    let done = futures::future::join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|lost| why(lost) == "CLIENT_EXISTS"));
    let secret = won.into_iter().next().unwrap().unwrap().secret;
    assert!(s.passes("red", "billing", &secret).await);
    let same_id = Client { client_id: "other".to_owned(), ..client("red", "orders") };
    let refused = s.create(NewClient { client: Some(same_id), secret: String::new() }).await;
    assert_eq!(why(refused), "ID_EXISTS");
}

async fn clients_are_listed_in_the_order_of_their_bytes(s: Setting) {
    for client_id in ["Zebra", "apple", "app_e", "éclair", "a-b"] {
        s.create(confidential("red", client_id, "")).await.unwrap();
    }
    let ask = ListClientsRequest { realm_id: id_of("red"), ..ListClientsRequest::default() };
    let like = |part: &str| ListClientsRequest { client_id: part.to_owned(), contains: true, ..ask.clone() };
    let page = |first, max| ListClientsRequest { page: Some(Page { first, max }), ..ask.clone() };
    for (request, expected) in [
        (ask.clone(), vec!["Zebra", "a-b", "app_e", "apple", "orders", "éclair"]),
        (page(1, Some(2)), vec!["a-b", "app_e"]),
        (page(4, None), vec!["orders", "éclair"]),
        (like("APP"), vec!["app_e", "apple"]),
        (like("É"), vec!["éclair"]),
        (like("p_"), vec!["app_e"]),
        (like("%"), vec![]),
        (ListClientsRequest { client_id: "apple".to_owned(), ..ask.clone() }, vec!["apple"]),
        (ListClientsRequest { client_id: "Apple".to_owned(), ..ask.clone() }, vec![]),
    ] {
        let found = s.list(request.clone()).await;
        let names: Vec<_> = found.clients.iter().map(|client| client.client_id.as_str()).collect();
        assert_eq!(names, expected, "{request:?}");
        assert!(found.secrets.is_empty());
    }
    s.set_secret("red", "uuid-of-orders", "newer", 60).await;
    let public = Client { public_client: true, ..client("red", "aaa") };
    s.create(NewClient { client: Some(public), secret: String::new() }).await.unwrap();
    let found = s.list(ListClientsRequest { with_secrets: true, ..ask }).await;
    assert_eq!((found.secrets[2].as_str(), found.secrets[5].as_str()), ("", "newer"));
    assert_eq!(found.secrets.len(), found.clients.len());
}

async fn a_client_is_replaced_only_as_it_was_read(s: Setting) {
    assert!(s.passes("red", "orders", "password").await);
    let read = s.find("red", "orders").await.unwrap();
    let renamed = Client { client_id: "sales".to_owned(), ..read.clone() };
    let stored = s.update(renamed.clone(), "").await.unwrap();
    assert_eq!(stored, Client { version: 2, ..renamed });
    let change = s.change(s.service.changes().head()).await;
    assert_eq!((change.entity.as_str(), change.operation()), ("client", Operation::Updated));
    let payload: serde_json::Value = serde_json::from_str(&change.payload_json).unwrap();
    let expected =
        json!({ "client_id": "sales", "previous_client_id": "orders", "service_accounts_enabled": true });
    assert_eq!(payload, expected);
    assert!(s.passes("red", "sales", "password").await && !s.passes("red", "orders", "password").await);
    assert!(s.passes("blue", "orders", "password").await);
    assert_eq!(why(s.update(read, "").await), "VERSION_MISMATCH");
    s.create(confidential("red", "taken", "")).await.unwrap();
    let taken = Client { client_id: "taken".to_owned(), ..stored };
    assert_eq!(why(s.update(taken, "").await), "CLIENT_EXISTS");
}

async fn a_deleted_client_is_gone_at_once(s: Setting) {
    assert!(s.passes("red", "orders", "password").await);
    let request =
        || DeleteClientRequest { realm_id: id_of("red"), id: "uuid-of-orders".to_owned(), admin_event: None };
    let revision = answer(s.service.delete_client(Request::new(request())).await).unwrap().revision;
    let change = s.change(revision).await;
    assert_eq!(
        (change.operation(), change.payload_json.as_str()),
        (Operation::Deleted, r#"{"client_id":"orders"}"#)
    );
    assert!(!s.passes("red", "orders", "password").await && s.passes("blue", "orders", "password").await);
    assert_eq!(why(answer(s.service.delete_client(Request::new(request())).await)), "CLIENT_NOT_FOUND");
    assert_eq!(why(s.secret("red", "uuid-of-orders").await), "CLIENT_NOT_FOUND");
    s.create(confidential("red", "orders", "again")).await.unwrap();
    assert!(s.passes("red", "orders", "again").await && !s.passes("red", "orders", "password").await);
}

contract!(
    a_client_is_found_by_its_names_in_its_realm_alone,
    a_client_that_was_asked_for_before_is_seen_when_it_comes,
    of_many_who_make_a_client_one_does,
    clients_are_listed_in_the_order_of_their_bytes,
    a_client_is_replaced_only_as_it_was_read,
    a_deleted_client_is_gone_at_once,
);
