//! Who is let in by a secret, and how the others are refused.

use bytes::Bytes;
use latchkey_api::registry::v1::authenticate_response::Outcome;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry;
use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::*;

use crate::setting::*;

async fn refused(s: &Setting, request: AuthenticateRequest) -> Refusal {
    match s.authenticate(request.clone()).await {
        Outcome::Refusal(refusal) => refusal,
        Outcome::Authenticated(_) => panic!("{request:?} was let in"),
    }
}

async fn who_has_the_secret_is_the_client(s: Setting) {
    for _ in 0..2 {
        let Outcome::Authenticated(answer) = s.authenticate(by_secret("red", "orders", "password")).await
        else {
            panic!("the secret is right")
        };
        let mut realm = Realm { version: 1, ..realm("red") };
        realm.settings_json.clear();
        let mut client =
            with_dated_secret(Client { version: 1, created_ms: NOW_MS, ..client("red", "orders") });
        client.settings_json.clear();
        assert_eq!((answer.realm, answer.client), (Some(realm), Some(client)));
        assert_eq!((answer.method.as_str(), answer.assertion), ("client-secret", None));
    }
}

async fn who_has_kept_the_client_is_told_it_again_only_if_it_has_changed(s: Setting) {
    let ask = async |secret: &str, kept_etag: &Bytes| {
        s.authenticate(AuthenticateRequest {
            kept_etag: kept_etag.clone(),
            ..by_secret("red", "orders", secret)
        })
        .await
    };
    let told = async |kept_etag: &Bytes| match ask("password", kept_etag).await {
        Outcome::Authenticated(answer) => (answer.realm, answer.client, answer.etag),
        Outcome::Refusal(refusal) => panic!("{refusal:?}"),
    };
    let (realm, client, first) = told(&Bytes::new()).await;
    assert!(realm.is_some() && client.is_some());
    assert_eq!(told(&first).await, (None, None, first.clone()));
    assert!(matches!(ask("wrong", &first).await, Outcome::Refusal(_)), "what is kept proves nothing");

    let changed = Client { name: "Orders".to_owned(), ..client.unwrap() };
    s.update(changed, "").await.unwrap();
    let (_, client, second) = told(&first).await;
    assert_eq!(client.unwrap().name, "Orders");
    let changed = Realm { not_before_s: 7, ..s.realm("red").await };
    let update = UpdateRealmRequest { realm: Some(changed), admin_event: None };
    ClientRegistry::update_realm(&*s.service, tonic::Request::new(update)).await.unwrap();
    let (realm, _, third) = told(&second).await;
    assert_eq!(realm.unwrap().not_before_s, 7);
    assert_eq!(told(&third).await, (None, None, third.clone()));
}

async fn each_refusal_has_its_reason(s: Setting) {
    let disabled = Client { enabled: false, ..client("red", "disabled") };
    let bearer_only = Client { bearer_only: true, ..client("red", "bearer") };
    let x509 = Client { client_authenticator_type: "client-x509".to_owned(), ..client("red", "x509") };
    let federated =
        Client { client_authenticator_type: "federated-jwt".to_owned(), ..client("red", "federated") };
    for client in [disabled, bearer_only, x509, federated] {
        s.create(NewClient { client: Some(client), secret: "secret".to_owned() }).await.unwrap();
    }
    s.create_realm(Realm { enabled: false, ..realm("off") }, vec![confidential("off", "orders", "password")])
        .await
        .unwrap();
    let anonymous = AuthenticateRequest { realm: "red".to_owned(), ..AuthenticateRequest::default() };
    let basic = |request: AuthenticateRequest| AuthenticateRequest {
        source: CredentialSource::Basic.into(),
        ..request
    };
    let no_secret = AuthenticateRequest { client_secret: None, ..by_secret("red", "orders", "") };
    for (request, reason) in [
        (by_secret("green", "orders", "password"), Reason::RealmNotFound),
        (by_secret("RED", "orders", "password"), Reason::RealmNotFound),
        (by_secret("off", "orders", "password"), Reason::RealmDisabled),
        (anonymous, Reason::ClientNotGiven),
        (by_secret("red", "", "x"), Reason::ClientNotFound),
        (by_secret("red", "Orders", "password"), Reason::ClientNotFound),
        (by_secret("red", "disabled", "secret"), Reason::ClientDisabled),
        (by_secret("red", "or\0ders", "password"), Reason::ClientNotFound),
        (by_secret("r\0ed", "orders", "password"), Reason::RealmNotFound),
        (by_secret("red", "orders", "pass\0word"), Reason::InvalidCredentials),
        (by_secret("red", "orders", "PASSWORD"), Reason::InvalidCredentials),
        (by_secret("red", "orders", "password "), Reason::InvalidCredentials),
        (by_secret("red", "orders", ""), Reason::InvalidCredentials),
        (no_secret, Reason::InvalidCredentials),
        (by_secret("red", "bearer", "secret"), Reason::BearerOnly),
        (by_secret("red", "x509", "secret"), Reason::ClientNotFound),
        (basic(by_secret("red", "x509", "secret")), Reason::ClientIdMissing),
        (by_secret("red", "federated", "secret"), Reason::ClientNotFound),
    ] {
        let refusal = refused(&s, request.clone()).await;
        assert_eq!(refusal.reason(), reason, "{request:?}");
        assert_eq!(refusal.client_id, request.client_id.unwrap_or_default());
        assert_eq!(refusal.detail, "");
    }
}

async fn a_refusal_says_what_is_known(s: Setting) {
    let known = refused(&s, by_secret("red", "orders", "wrong")).await;
    assert_eq!((known.realm_id, known.web_origins), (id_of("red"), vec!["https://app.example".to_owned()]));
    let unknown = refused(&s, by_secret("red", "nobody", "wrong")).await;
    assert_eq!((unknown.realm_id, unknown.web_origins.len()), (id_of("red"), 0));
    assert_eq!(refused(&s, by_secret("green", "orders", "wrong")).await.realm_id, "");
}

async fn a_public_client_only_names_itself(s: Setting) {
    let public = Client { public_client: true, ..client("red", "app") };
    s.create(NewClient { client: Some(public), secret: String::new() }).await.unwrap();
    let nothing = AuthenticateRequest { client_secret: None, ..by_secret("red", "app", "") };
    for request in [nothing, by_secret("red", "app", "any")] {
        let Outcome::Authenticated(answer) = s.authenticate(request).await else { panic!("it is public") };
        assert_eq!(answer.method, "none");
    }
}

async fn what_an_administrator_switches_off_is_off_at_once(s: Setting) {
    assert!(s.passes("red", "orders", "password").await);
    let read = s.find("red", "orders").await.unwrap();
    let off = s.update(Client { enabled: false, ..read }, "").await.unwrap();
    assert_eq!(refused(&s, by_secret("red", "orders", "password")).await.reason(), Reason::ClientDisabled);
    s.update(Client { enabled: true, ..off }, "").await.unwrap();
    assert!(s.passes("red", "orders", "password").await && s.passes("blue", "orders", "password").await);
}

contract!(
    who_has_the_secret_is_the_client,
    who_has_kept_the_client_is_told_it_again_only_if_it_has_changed,
    each_refusal_has_its_reason,
    a_refusal_says_what_is_known,
    a_public_client_only_names_itself,
    what_an_administrator_switches_off_is_off_at_once,
);
