//! A crash amid registrations: a use of the initial access token is taken with the client that it makes, or not at all.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{PATIENCE, Realm, Setup, Shape, TestApp, eventually, run_alone};

const COUNT: usize = 10_000;
const WRITERS: usize = 4;

#[test]
fn all_in_one_a_crash_takes_a_use_and_makes_a_client_or_does_neither() {
    run_alone(Box::pin(async {
        let app = TestApp::start(Setup::of(Shape::AllInOne)).await;
        let realm = app.realm().await;
        let limits = json!({"count": COUNT});
        let path = "/clients-initial-access";
        let token = realm.admin(Method::POST, path, Some(&limits)).await.expect(201).text("token");
        for round in 0..3 {
            let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
            let writers = (0..WRITERS).map(|writer| {
                let prefix = format!("robot-{round}-{writer}");
                register(&realm, &token, prefix, &stop, &count)
            });
            futures::join!(futures::future::join_all(writers), async {
                let enough = async || (count.load(Ordering::Relaxed) >= 10).then_some(());
                eventually("enough is registered", PATIENCE, enough).await;
                app.server.kill();
                stop.store(true, Ordering::Relaxed);
            });
            app.server.start_again();
            app.until_it_serves().await;

            let listed = realm.get("/clients?clientId=robot-&search=true").await;
            let made = listed.as_array().unwrap().len();
            let left = realm.get(path).await[0]["remainingCount"].as_u64().unwrap();
            assert_eq!(usize::try_from(left).unwrap() + made, COUNT, "round {round}");
            assert!(made >= count.load(Ordering::Relaxed), "what was answered is there");
        }
    }));
}

/// Registers clients until it is told to stop, or the server is gone.
async fn register(realm: &Realm<'_>, token: &str, prefix: String, stop: &AtomicBool, count: &AtomicUsize) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let client: Value = json!({"clientId": format!("{prefix}-{number}"), "serviceAccountsEnabled": true});
        let url = realm.app.url(&format!("/realms/{}/clients-registrations/default", realm.name));
        let Ok(answer) = realm.app.http.post(url).bearer_auth(token).json(&client).send().await else {
            return;
        };
        assert_eq!(answer.status(), 201);
        count.fetch_add(1, Ordering::Relaxed);
    }
}
