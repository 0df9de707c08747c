//! Initial access tokens, and the registration access tokens of clients.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use tonic::{Request, Status};

use crate::setting::*;

impl Setting {
    /// An initial access token called `tok`.
    async fn allow(&self, realm: &str, count: i32, expiration_s: i64) -> InitialAccess {
        let request = CreateInitialAccessRequest {
            realm_id: id_of(realm),
            id: "tok".to_owned(),
            count,
            expiration_s,
            admin_event: None,
        };
        let made = answer(self.service.create_initial_access(Request::new(request)).await);
        made.unwrap().initial_access.unwrap()
    }

    async fn allowance(&self, realm: &str) -> Result<InitialAccess, Status> {
        let request = GetInitialAccessRequest { realm_id: id_of(realm), id: "tok".to_owned() };
        let found = answer(self.service.get_initial_access(Request::new(request)).await)?;
        Ok(found.initial_access.unwrap())
    }

    async fn allowances(&self, realm: &str) -> Vec<InitialAccess> {
        let request = ListInitialAccessRequest { realm_id: id_of(realm) };
        answer(self.service.list_initial_access(Request::new(request)).await).unwrap().initial_access
    }

    /// Registers a client with the initial access token `tok`; its registration access token is called after it.
    async fn register(&self, realm: &str, client_id: &str) -> Result<Client, Status> {
        let registration = Registration {
            initial_access_id: "tok".to_owned(),
            registration_token_id: format!("first-of-{client_id}"),
        };
        let request = CreateClientRequest {
            client: Some(confidential(realm, client_id, "")),
            registration: Some(registration),
            admin_event: None,
        };
        Ok(answer(self.service.create_client(Request::new(request)).await)?.client.unwrap())
    }

    async fn opened_by(&self, realm: &str, client_id: &str, token_id: &str) -> Result<Client, Status> {
        let request = CheckRegistrationTokenRequest {
            realm_id: id_of(realm),
            client_id: client_id.to_owned(),
            token_id: token_id.to_owned(),
        };
        let checked = answer(self.service.check_registration_token(Request::new(request)).await)?;
        Ok(checked.client.unwrap())
    }

    async fn rotate(&self, client: Client, presented: &str, next: &str) -> Result<Client, Status> {
        let rotation =
            RegistrationTokenRotation { presented_id: presented.to_owned(), next_id: next.to_owned() };
        let request = UpdateClientRequest {
            client: Some(client),
            rotation: Some(rotation),
            ..UpdateClientRequest::default()
        };
        Ok(answer(self.service.update_client(Request::new(request)).await)?.client.unwrap())
    }
}

async fn an_initial_access_token_registers_so_many_clients_of_its_realm(s: Setting) {
    let made = s.allow("red", 2, 0).await;
    let expected =
        InitialAccess { id: "tok".to_owned(), created_ms: NOW_MS, expiration_s: 0, count: 2, remaining: 2 };
    assert_eq!(made, expected);
    let change = s.change(s.service.changes().head()).await;
    assert_eq!((change.entity.as_str(), change.operation()), ("initial_access", Operation::Created));

    assert_eq!(why(s.register("blue", "robot").await), "INITIAL_ACCESS_NOT_FOUND");
    assert_eq!(why(s.find("blue", "robot").await), "CLIENT_NOT_FOUND");
    s.register("red", "robot").await.unwrap();
    assert_eq!(s.allowance("red").await.unwrap().remaining, 1);
    // What fails for another reason takes nothing.
    s.register("red", "robot").await.unwrap_err();
    assert_eq!(s.allowances("red").await, [InitialAccess { remaining: 1, ..expected }]);
    s.register("red", "drone").await.unwrap();
    assert_eq!(why(s.register("red", "late").await), "INITIAL_ACCESS_USED_UP");
    assert_eq!(why(s.allowance("red").await), "INITIAL_ACCESS_USED_UP");
    assert_eq!(why(s.find("red", "late").await), "CLIENT_NOT_FOUND");
    assert!(s.allowances("blue").await.is_empty());
}

async fn of_many_who_use_an_initial_access_token_no_more_win_than_it_allows(s: Setting) {
    s.allow("red", 3, 0).await;
    let names: Vec<String> = (0..20).map(|n| format!("robot-{n}")).collect();
    let done = futures::future::join_all(names.iter().map(|name| s.register("red", name))).await;
    let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 3);
    assert!(lost.into_iter().all(|lost| why(lost) == "INITIAL_ACCESS_USED_UP"));
    let listed = s.list(ListClientsRequest { realm_id: id_of("red"), ..ListClientsRequest::default() }).await;
    assert_eq!(listed.clients.iter().filter(|client| client.client_id.starts_with("robot-")).count(), 3);
}

async fn an_initial_access_token_expires_and_is_forgotten_later(s: Setting) {
    s.allow("red", 2, 60).await;
    s.allow("blue", 0, 0).await;
    s.clock.advance_ms(59_999);
    s.register("red", "robot").await.unwrap();
    s.clock.advance_ms(1);
    assert_eq!(why(s.register("red", "drone").await), "INITIAL_ACCESS_EXPIRED");
    assert_eq!(why(s.allowance("red").await), "INITIAL_ACCESS_EXPIRED");
    assert_eq!(why(s.allowance("blue").await), "INITIAL_ACCESS_USED_UP");

    s.clock.advance_s(3600);
    for realm in REALMS {
        let request = CreateInitialAccessRequest {
            realm_id: id_of(realm),
            id: "newer".to_owned(),
            count: 1,
            ..CreateInitialAccessRequest::default()
        };
        answer(s.service.create_initial_access(Request::new(request)).await).unwrap();
        assert_eq!(s.allowances(realm).await.len(), 1);
    }
}

async fn a_deleted_initial_access_token_is_void_at_once_and_that_of_another_realm_stays(s: Setting) {
    for realm in REALMS {
        s.allow(realm, 5, 0).await;
    }
    let delete =
        DeleteInitialAccessRequest { realm_id: id_of("red"), id: "tok".to_owned(), admin_event: None };
    answer(s.service.delete_initial_access(Request::new(delete.clone())).await).unwrap();
    let change = s.change(s.service.changes().head()).await;
    assert_eq!((change.entity.as_str(), change.operation()), ("initial_access", Operation::Deleted));
    assert_eq!(why(s.register("red", "robot").await), "INITIAL_ACCESS_NOT_FOUND");
    s.register("blue", "robot").await.unwrap();
    // Again: nothing happens.
    let head = s.service.changes().head();
    answer(s.service.delete_initial_access(Request::new(delete)).await).unwrap();
    assert_eq!(s.service.changes().head(), head);
}

async fn an_initial_access_token_needs_a_realm_and_sane_limits(s: Setting) {
    let ask = CreateInitialAccessRequest {
        realm_id: id_of("red"),
        id: "tok".to_owned(),
        count: 1,
        ..CreateInitialAccessRequest::default()
    };
    for (request, code) in [
        (CreateInitialAccessRequest { realm_id: id_of("green"), ..ask.clone() }, tonic::Code::NotFound),
        (CreateInitialAccessRequest { count: -1, ..ask.clone() }, tonic::Code::InvalidArgument),
        (CreateInitialAccessRequest { expiration_s: -1, ..ask.clone() }, tonic::Code::InvalidArgument),
        (CreateInitialAccessRequest { id: String::new(), ..ask }, tonic::Code::InvalidArgument),
    ] {
        let refused = answer(s.service.create_initial_access(Request::new(request)).await);
        assert_eq!(refused.unwrap_err().code(), code);
    }
    assert!(s.allowances("red").await.is_empty());
}

async fn a_registration_token_opens_its_client_alone_and_only_until_the_next(s: Setting) {
    for realm in REALMS {
        s.allow(realm, 5, 0).await;
        s.register(realm, "robot").await.unwrap();
    }
    s.register("red", "drone").await.unwrap();
    let robot = s.opened_by("red", "robot", "first-of-robot").await.unwrap();
    for (client_id, token_id) in [
        ("drone", "first-of-robot"),
        ("robot", "first-of-drone"),
        ("robot", ""),
        ("orders", ""),
        ("orders", "first-of-robot"),
        ("nobody", "first-of-robot"),
        ("robot", "first-of-robot\0"),
    ] {
        assert_eq!(why(s.opened_by("red", client_id, token_id).await), "REGISTRATION_TOKEN_INVALID");
    }

    let renamed = Client { name: "Robot".to_owned(), ..robot.clone() };
    let refused = s.rotate(renamed.clone(), "first-of-drone", "second").await;
    assert_eq!(why(refused), "REGISTRATION_TOKEN_INVALID");
    assert_eq!(s.find("red", "robot").await.unwrap(), robot);
    let changed = s.rotate(renamed, "first-of-robot", "second").await.unwrap();
    assert_eq!(why(s.opened_by("red", "robot", "first-of-robot").await), "REGISTRATION_TOKEN_INVALID");
    assert_eq!(s.opened_by("red", "robot", "second").await.unwrap(), changed);
    assert_eq!(why(s.rotate(changed, "first-of-robot", "third").await), "REGISTRATION_TOKEN_INVALID");
    s.opened_by("blue", "robot", "first-of-robot").await.unwrap();
}

async fn of_many_who_change_a_client_with_one_registration_token_one_does(s: Setting) {
    s.allow("red", 1, 0).await;
    let robot = s.register("red", "robot").await.unwrap();
    let next: Vec<String> = (0..8).map(|n| format!("next-{n}")).collect();
    let attempts = next.iter().map(|next| s.rotate(robot.clone(), "first-of-robot", next));
    let won = futures::future::join_all(attempts).await.iter().filter(|done| done.is_ok()).count();
    assert_eq!(won, 1);
    let mut good = 0;
    for next in &next {
        good += usize::from(s.opened_by("red", "robot", next).await.is_ok());
    }
    assert_eq!(good, 1);
}

async fn a_registration_token_ends_with_its_client_and_is_not_its_successors(s: Setting) {
    let set = |id: &str, token_id: &str| SetRegistrationTokenRequest {
        realm_id: id_of("red"),
        id: id.to_owned(),
        token_id: token_id.to_owned(),
        admin_event: None,
    };
    let give = async |request| answer(s.service.set_registration_token(Request::new(request)).await);
    give(set("uuid-of-orders", "given")).await.unwrap();
    let change = s.change(s.service.changes().head()).await;
    assert_eq!((change.entity.as_str(), change.entity_id.as_str()), ("registration_token", "uuid-of-orders"));
    s.opened_by("red", "orders", "given").await.unwrap();
    assert_eq!(why(s.opened_by("blue", "orders", "given").await), "REGISTRATION_TOKEN_INVALID");
    assert_eq!(why(give(set("uuid-of-nobody", "given")).await), "CLIENT_NOT_FOUND");
    assert_eq!(give(set("uuid-of-orders", "")).await.unwrap_err().code(), tonic::Code::InvalidArgument);

    let delete =
        DeleteClientRequest { realm_id: id_of("red"), id: "uuid-of-orders".to_owned(), admin_event: None };
    answer(s.service.delete_client(Request::new(delete)).await).unwrap();
    assert_eq!(why(s.opened_by("red", "orders", "given").await), "REGISTRATION_TOKEN_INVALID");
    s.create(confidential("red", "orders", "")).await.unwrap();
    assert_eq!(why(s.opened_by("red", "orders", "given").await), "REGISTRATION_TOKEN_INVALID");
}

async fn what_a_realm_gave_leave_for_ends_with_the_realm(s: Setting) {
    for realm in REALMS {
        s.allow(realm, 5, 0).await;
        s.register(realm, "robot").await.unwrap();
    }
    let delete = DeleteRealmRequest { realm_id: id_of("red"), admin_event: None };
    answer(s.service.delete_realm(Request::new(delete)).await).unwrap();
    s.create_realm(realm("red"), Vec::new()).await.unwrap();
    assert_eq!(why(s.allowance("red").await), "INITIAL_ACCESS_NOT_FOUND");
    assert_eq!(why(s.opened_by("red", "robot", "first-of-robot").await), "REGISTRATION_TOKEN_INVALID");
    assert_eq!(s.allowance("blue").await.unwrap().remaining, 4);
}

contract!(
    an_initial_access_token_registers_so_many_clients_of_its_realm,
    of_many_who_use_an_initial_access_token_no_more_win_than_it_allows,
    an_initial_access_token_expires_and_is_forgotten_later,
    a_deleted_initial_access_token_is_void_at_once_and_that_of_another_realm_stays,
    an_initial_access_token_needs_a_realm_and_sane_limits,
    a_registration_token_opens_its_client_alone_and_only_until_the_next,
    of_many_who_change_a_client_with_one_registration_token_one_does,
    a_registration_token_ends_with_its_client_and_is_not_its_successors,
    what_a_realm_gave_leave_for_ends_with_the_realm,
);
