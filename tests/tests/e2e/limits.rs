//! Rate limits, quotas and lockout, as attributes of realms and clients.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, PATIENCE, ServiceAccount, TestApp, eventually};

scenarios!(
    a_client_that_asks_too_often_is_told_when_to_come_again,
    a_realm_that_asks_too_often_slows_no_other,
    a_quota_counts_the_tokens_that_were_given_out,
    whoever_only_observes_refuses_nobody,
    wrong_secrets_lead_to_a_wait_for_their_sender_alone,
    an_administrator_is_told_of_a_limit_that_is_none,
    headers_that_are_too_big_are_refused,
);

/// So many requests for a token at once; how many were granted, and the refusals.
async fn at_once(client: &ServiceAccount<'_>, count: usize) -> (usize, Vec<Answer>) {
    let answers = join_all((0..count).map(|_| client.token())).await;
    let (granted, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    (granted.len(), refused)
}

#[track_caller]
fn waits(refused: &Answer, at_most_s: u64) {
    refused.is_refusal(429, "temporarily_unavailable", "Too many requests, try again later");
    let wait_s: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=at_most_s).contains(&wait_s), "{wait_s}");
    assert_eq!(refused.header("cache-control"), "no-store");
}

async fn a_client_that_asks_too_often_is_told_when_to_come_again(app: &TestApp) {
    let realm = app.realm().await;
    let limit =
        json!({"attributes": {"latchkey.rate-limit.per-second": "1", "latchkey.rate-limit.burst": "3"}});
    let hasty = realm.create_service_account_with("hasty", limit).await;
    let calm = realm.create_service_account("calm").await;
    let began = Instant::now();
    let (granted, refused) = at_once(&hasty, 30).await;
    let most = 4 + usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((3..=most).contains(&granted), "{granted} of {most}");
    assert_eq!(granted + refused.len(), 30);
    refused.iter().for_each(|refused| waits(refused, 3));
    // It counts what a client asks for, be it a token or what one says.
    let introspected = join_all((0..10).map(|_| hasty.post("token/introspect", &[("token", "x")]))).await;
    assert!(introspected.iter().any(|answer| answer.status == 429));
    assert_eq!(at_once(&calm, 10).await.0, 10);

    eventually("it may ask again", PATIENCE, async || (hasty.token().await.status == 200).then_some(()))
        .await;
    // Set free, it is free at once.
    hasty.update(json!({"attributes": {"latchkey.rate-limit.per-second": ""}})).await;
    assert_eq!(at_once(&hasty, 30).await.0, 30);
}

async fn a_realm_that_asks_too_often_slows_no_other(app: &TestApp) {
    let limit = json!({"attributes": {"latchkey.rate-limit.per-second": "1"}});
    let (hasty, calm) = (app.realm_with(limit).await, app.realm().await);
    let one = hasty.create_service_account("one").await;
    let two = hasty.create_service_account("two").await;
    let other = calm.create_service_account("one").await;
    let began = Instant::now();
    let (ones, twos, others) = futures::join!(at_once(&one, 20), at_once(&two, 20), at_once(&other, 20));
    let most = 2 + usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((1..=most).contains(&(ones.0 + twos.0)), "{} of {most}", ones.0 + twos.0);
    assert_eq!(others.0, 20);
}

async fn a_quota_counts_the_tokens_that_were_given_out(app: &TestApp) {
    let realm = app.realm_with(json!({"attributes": {"latchkey.quota.tokens-per-day": "5"}})).await;
    let frugal = json!({"attributes": {"latchkey.quota.tokens-per-day": "2"}});
    let frugal = realm.create_service_account_with("frugal", frugal).await;
    let other = realm.create_service_account("other").await;
    // What is refused for another reason is given back.
    for _ in 0..5 {
        assert_eq!(frugal.token_with(&[("scope", "no-such-scope")]).await.status, 400);
    }
    let (granted, refused) = at_once(&frugal, 20).await;
    assert_eq!(granted, 2);
    refused.iter().for_each(|refused| waits(refused, 24 * 60 * 60));
    assert_eq!(at_once(&other, 20).await.0, 3);
    // What has been given out can still be asked about.
    assert_eq!(frugal.post("token/introspect", &[("token", "x")]).await.status, 200);
}

async fn whoever_only_observes_refuses_nobody(app: &TestApp) {
    let limits = json!({"attributes": {
        "latchkey.limits.mode": "observe", "latchkey.rate-limit.per-second": "1", "latchkey.quota.tokens-per-day": "1",
        "latchkey.lockout.failures": "1",
    }});
    let realm = app.realm_with(limits).await;
    let mut billing = realm.create_service_account("billing").await;
    assert_eq!(at_once(&billing, 20).await.0, 20);
    let good = std::mem::replace(&mut billing.secret, "wrong".to_owned());
    for _ in 0..3 {
        assert_eq!(billing.token().await.status, 401);
    }
    billing.secret = good;
    billing.token().await.expect(200);
    realm
        .update(
            json!({"attributes": {"latchkey.limits.mode": "enforce", "latchkey.quota.tokens-per-day": "1"}}),
        )
        .await;
    waits(&billing.token().await, 24 * 60 * 60);
}

async fn wrong_secrets_lead_to_a_wait_for_their_sender_alone(app: &TestApp) {
    let realm = app.realm_with(json!({"attributes": {"latchkey.lockout.failures": "3"}})).await;
    let billing = realm.create_service_account("billing").await;
    let orders = realm.create_service_account("orders").await;
    let guesser = |secret: &str| ServiceAccount {
        realm: &realm,
        id: billing.id.clone(),
        client_id: billing.client_id.clone(),
        secret: secret.to_owned(),
    };
    for guess in ["a", "b", "c"] {
        assert_eq!(guesser(guess).token().await.status, 401);
    }
    // Each further failure doubles the wait, and asking in vain makes it no longer.
    let refused = eventually("it has to wait for seconds", PATIENCE, async || {
        let answer = guesser("d").token().await;
        (answer.status == 429 && answer.header("retry-after") == "4").then_some(answer)
    });
    waits(&refused.await, 4);
    // Then not even the right one is looked at, wherever it is presented.
    waits(&billing.token().await, 4);
    assert_eq!(billing.post("token/introspect", &[("token", "x")]).await.status, 429);
    orders.token().await.expect(200);
    // The good client at its own address notices nothing.
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let elsewhere = reqwest::Client::builder().local_address(address).build().unwrap();
    let from_elsewhere = elsewhere
        .post(app.url(&realm.path("token")))
        .header("authorization", billing.basic())
        .form(&[("grant_type", "client_credentials")]);
    assert_eq!(from_elsewhere.send().await.unwrap().status(), 200);

    let granted = async || (billing.token().await.status == 200).then_some(());
    eventually("after the wait the right secret is good", PATIENCE, granted).await;
    // And what was before is forgotten.
    for guess in ["e", "f"] {
        assert_eq!(guesser(guess).token().await.status, 401);
    }
    billing.token().await.expect(200);
}

async fn an_administrator_is_told_of_a_limit_that_is_none(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    for (name, value) in [
        ("latchkey.rate-limit.per-second", "0"),
        ("latchkey.rate-limit.burst", "-1"),
        ("latchkey.quota.tokens-per-day", "many"),
        ("latchkey.lockout.failures", "1.5"),
        ("latchkey.limits.mode", "off"),
    ] {
        let body = json!({"attributes": {name: value}});
        for path in ["", &billing.path()] {
            let answer = realm.admin(Method::PUT, path, Some(&body)).await;
            assert_eq!(answer.status, 400, "{name}={value}");
            assert!(answer.body.contains(name), "{}", answer.body);
        }
        let client = json!({"clientId": "new", "attributes": {name: value}});
        assert_eq!(realm.admin(Method::POST, "/clients", Some(&client)).await.status, 400);
    }
    billing.token().await.expect(200);
}

async fn headers_that_are_too_big_are_refused(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    for (bytes, status) in [(48 * 1024, 200), (80 * 1024, 431)] {
        let request = app
            .http
            .post(app.url(&realm.path("token")))
            .header("authorization", billing.basic())
            .header("x-padding", "x".repeat(bytes))
            .form(&[("grant_type", "client_credentials")]);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
}
