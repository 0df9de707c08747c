//! Inputs that nobody thought of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::RequestBuilder;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::app::{Answer, TestApp};

scenarios!(random_forms, random_basic_headers, random_json, random_tokens);

/// Sends what `request` makes of random input, and asserts that each answer is a 4xx.
fn each_is_refused<T: std::fmt::Debug>(
    input: impl Strategy<Value = T>,
    request: impl Fn(&T) -> RequestBuilder,
) {
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&input, |input| {
        let sent = async { Answer::read(request(&input).send().await?).await };
        let answer = block_in_place(|| Handle::current().block_on(sent)).unwrap();
        prop_assert!((400..500).contains(&answer.status), "{}: {}", answer.status, answer.body);
        Ok(())
    });
    checked.unwrap();
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

async fn random_forms(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let url = app.url(&realm.path("token"));
    let form = |body: Vec<u8>| {
        app.http
            .post(&url)
            .header("authorization", billing.basic())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    each_is_refused(bytes(), |body| form(body.clone()));
    // Behind a good beginning: whatever scope this is, it is none of ours.
    each_is_refused(bytes(), |scope| {
        let mut body = b"grant_type=client_credentials&scope=no-such-scope+".to_vec();
        body.extend(scope.iter().filter(|byte| **byte != b'&'));
        form(body)
    });
}

async fn random_basic_headers(app: &TestApp) {
    let realm = app.realm().await;
    realm.create_service_account("billing").await;
    let url = app.url(&realm.path("token"));
    let with = |header: String| {
        app.http.post(&url).header("authorization", header).form(&[("grant_type", "client_credentials")])
    };
    each_is_refused("[ -~]{0,60}", |header| with(header.clone()));
    each_is_refused(bytes(), |pair| with(format!("Basic {}", STANDARD.encode(pair))));
    each_is_refused(bytes(), |secret| {
        with(format!("Basic {}", STANDARD.encode([b"billing:".as_slice(), secret].concat())))
    });
}

async fn random_json(app: &TestApp) {
    let realm = app.realm().await;
    let token = app.admin_token().await;
    let clients = app.url(&format!("/admin/realms/{}/clients", realm.name));
    let realms = app.url("/admin/realms");
    let before = realm.get("/clients").await.as_array().unwrap().len();
    for url in [&clients, &realms] {
        let post = |body: Vec<u8>| {
            app.http.post(url).bearer_auth(&token).header("content-type", "application/json").body(body)
        };
        each_is_refused(bytes(), |body| post(body.clone()));
        // Almost JSON: a good beginning without its end.
        each_is_refused(bytes(), |rest| post([br#"{"clientId": ["#.as_slice(), rest].concat()));
    }
    assert_eq!(realm.get("/clients").await.as_array().unwrap().len(), before);
}

async fn random_tokens(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let good = billing.token().await.expect(200).text("refresh_token");
    let url = app.url(&realm.path("token"));
    let refresh = |token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        app.http.post(&url).header("authorization", billing.basic()).form(&form)
    };
    each_is_refused("[ -~]{1,80}(\\.[A-Za-z0-9_-]{0,80}){2}", |token| refresh(token));
    // A good token with one character changed; the last one holds bits that mean nothing.
    let changed = (0..good.len() - 1, "[A-Za-z0-9_-]")
        .prop_map(|(at, letter)| format!("{}{letter}{}", &good[..at], &good[at + 1..]))
        .prop_filter("it is another token", |token| *token != good);
    each_is_refused(changed, |token| refresh(token));
    billing.refresh(&good).await.expect(200);
}
