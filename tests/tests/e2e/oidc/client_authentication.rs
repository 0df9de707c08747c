//! How a client says who it is, RFC 6749 section 2.3.1.

use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, Realm, TestApp, basic};

scenarios!(
    a_secret_may_stand_in_the_body,
    the_body_wins_over_the_header,
    basic_is_decoded_as_a_form,
    an_unknown_client_and_a_wrong_secret_are_told_apart_as_keycloak_does,
    a_new_secret_replaces_the_old_one_at_once,
    a_generated_secret_works,
);

const REFUSED: &str = "Invalid client or Invalid client credentials";

async fn with_header(realm: &Realm<'_>, header: &str, form: &[(&str, &str)]) -> Answer {
    let form = [&[("grant_type", "client_credentials")], form].concat();
    let url = realm.app.url(&realm.path("token"));
    let request = realm.app.http.post(url).header("authorization", header).form(&form);
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

async fn a_secret_may_stand_in_the_body(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let form =
        |secret| [("grant_type", "client_credentials"), ("client_id", "billing"), ("client_secret", secret)];
    realm.post_form("token", &form(&billing.secret)).await.expect(200);
    realm.post_form("token", &form("wrong")).await.is_refusal(401, "unauthorized_client", REFUSED);
}

async fn the_body_wins_over_the_header(app: &TestApp) {
    let realm = app.realm().await;
    let one = realm.create_service_account_with("one", json!({"secret": "first"})).await;
    realm.create_service_account_with("two", json!({"secret": "second"})).await;
    let (good, bad) = (basic("one", "first"), basic("one", "wrong"));
    let pair = |id, secret| [("client_id", id), ("client_secret", secret)];

    assert_eq!(with_header(&realm, &good, &pair("one", "wrong")).await.status, 401);
    with_header(&realm, &bad, &pair("one", "first")).await.expect(200);
    let answer = with_header(&realm, &good, &pair("two", "second")).await.expect(200);
    assert_eq!(crate::app::claims(&answer.text("access_token"))["azp"], "two");
    assert_eq!(with_header(&realm, &good, &[("client_id", "two")]).await.status, 401);
    with_header(&realm, &good, &[("client_id", one.client_id.as_str())]).await.expect(200);
}

async fn basic_is_decoded_as_a_form(app: &TestApp) {
    let realm = app.realm().await;
    for (client_id, secret, header) in [
        ("plain", "a:b", basic("plain", "a:b")),
        ("team/a b", "p%+q", basic("team%2Fa+b", "p%25%2Bq")),
        ("ключ", "пароль", basic("ключ", "пароль")),
        ("scheme", "x", basic("scheme", "x").replace("Basic", "bAsIc")),
    ] {
        realm.create_service_account_with(client_id, json!({"secret": secret})).await;
        with_header(&realm, &header, &[]).await.expect(200);
    }
    with_header(&realm, &basic("plain", "a%"), &[]).await.is_refusal(
        400,
        "unauthorized_client",
        "Unexpected error when authenticating client",
    );
}

async fn an_unknown_client_and_a_wrong_secret_are_told_apart_as_keycloak_does(app: &TestApp) {
    let realm = app.realm().await;
    realm.create_service_account("billing").await;
    let unknown = [basic("nobody", "x"), basic("BILLING", "x"), "Basic !".to_owned(), "Bearer x".to_owned()];
    for header in unknown {
        with_header(&realm, &header, &[]).await.is_refusal(401, "invalid_client", REFUSED);
    }
    for header in [basic("billing", "wrong"), basic("billing", "")] {
        let answer = with_header(&realm, &header, &[]).await;
        answer.is_refusal(401, "unauthorized_client", REFUSED);
        assert_eq!(answer.header("www-authenticate"), "", "as Keycloak, and unlike RFC 6749 section 5.2");
    }
}

async fn a_new_secret_replaces_the_old_one_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let mut billing = realm.create_service_account("billing").await;
    billing.token().await.expect(200);
    let path = format!("{}/client-secret", billing.path());

    let new = realm.admin(Method::POST, &path, None).await.expect(200).text("value");
    assert_eq!(new.len(), 86);
    assert_eq!(realm.get(&path).await, json!({"type": "secret", "value": new}));
    billing.token().await.is_refusal(401, "unauthorized_client", REFUSED);
    billing.secret = new;
    billing.token().await.expect(200);

    billing.update(json!({"secret": "chosen by hand"})).await;
    billing.token().await.is_refusal(401, "unauthorized_client", REFUSED);
    billing.secret = "chosen by hand".to_owned();
    billing.token().await.expect(200);
}

async fn a_generated_secret_works(app: &TestApp) {
    let realm = app.realm().await;
    let mut billing = realm.create_service_account_with("billing", json!({"secret": null})).await;
    billing.secret =
        realm.get(&format!("{}/client-secret", billing.path())).await["value"].as_str().unwrap().to_owned();
    assert!(billing.secret.len() == 86 && billing.secret.chars().all(|c| c.is_ascii_alphanumeric()));
    billing.token().await.expect(200);
}
