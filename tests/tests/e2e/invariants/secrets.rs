//! Invariant 6: a secret, key, token or assertion never reaches a log line or an event, and no secret is on the disk in the clear.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::json;

use crate::app::{Setup, Shape, TestApp, basic, run_alone};

#[test]
fn all_in_one_nothing_secret_is_in_the_log_or_in_the_data() {
    run_alone(Box::pin(nothing_secret_is_in_the_log_or_in_the_data(Shape::AllInOne)));
}

#[test]
fn separate_nothing_secret_is_in_the_log_or_in_the_data() {
    run_alone(Box::pin(nothing_secret_is_in_the_log_or_in_the_data(Shape::Separate)));
}

async fn nothing_secret_is_in_the_log_or_in_the_data(shape: Shape) {
    let app = TestApp::start(Setup::of(shape).with("LATCHKEY_TELEMETRY__LOG_LEVEL", "debug")).await;
    let realm = app
        .realm_with(json!({
            "eventsEnabled": true, "adminEventsEnabled": true, "adminEventsDetailsEnabled": true,
            "revokeRefreshToken": true,
        }))
        .await;
    let secret = "an-unmistakable-client-secret-7Q2f";
    let mut billing = realm.create_refreshing("billing").await;
    billing.update(json!({"secret": secret})).await;
    billing.secret = secret.to_owned();
    billing.hear_itself().await;
    let generated = realm.create_service_account_with("generated", json!({"secret": null})).await;
    let generated = realm.get(&format!("{}/client-secret", generated.path())).await["value"].clone();

    let answer = billing.token_with(&[("scope", "openid")]).await.expect(200);
    let (access, refresh) = (answer.text("access_token"), answer.text("refresh_token"));
    let next = billing.refresh(&refresh).await.expect(200).text("refresh_token");
    billing.introspect(&access).await;
    billing.post("revoke", &[("token", &access)]).await.expect(200);
    billing.logout(&next).await.expect(204);
    let initial = realm.initial_access_token(1).await;
    let machine = json!({"grant_types": ["client_credentials"]});
    let made = realm.registration(Method::POST, "openid-connect", &initial, Some(&machine)).await.expect(201);
    let (own, registered) = (made.text("registration_access_token"), made.text("client_secret"));
    let place = format!("openid-connect/{}", made.text("client_id"));
    let body = json!({"client_id": made.text("client_id"), "client_name": "Robot"});
    let put = realm.registration(Method::PUT, &place, &own, Some(&body)).await.expect(200);
    let next_own = put.text("registration_access_token");
    realm.registration(Method::PUT, &place, &own, Some(&body)).await.expect(401);
    // What goes wrong tempts a log more than what goes right.
    let wrong = "an-unmistakable-wrong-secret-8R3g";
    let assertion = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbi11bm1pc3Rha2FibGUtYXNzZXJ0aW9uIn0.c2ln";
    let jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    for form in [
        vec![("grant_type", "client_credentials"), ("client_id", "billing"), ("client_secret", wrong)],
        vec![
            ("grant_type", "client_credentials"),
            ("client_assertion_type", jwt_bearer),
            ("client_assertion", assertion),
        ],
        vec![("grant_type", "nope"), ("client_id", "billing"), ("client_secret", secret)],
    ] {
        assert!(realm.post_form("token", &form).await.status >= 400);
    }
    billing.refresh(&refresh).await.expect(400);
    let header = basic("billing", &format!("{wrong}%"));
    let url = app.url(&realm.path("token"));
    app.http.post(url).header("authorization", header).form(&[("grant_type", "x")]).send().await.unwrap();

    // The event of the first token is the last to arrive when the audit has all.
    let events = crate::app::eventually("the audit has the events", crate::app::PATIENCE, async || {
        let events = realm.get("/events").await.to_string();
        events.contains("LOGOUT").then_some(events)
    })
    .await;
    let admin_events = realm.get("/admin-events").await.to_string();
    let administrator = app.server.administrator.1.clone();
    let admin_token = app.admin_token().await;
    app.server.stop();

    let secrets = [
        secret,
        wrong,
        generated.as_str().unwrap(),
        &administrator,
        &signature(&access),
        &signature(&refresh),
        &signature(&next),
        &signature(&admin_token),
        &registered,
        &signature(&initial),
        &signature(&own),
        &signature(&next_own),
        "eyJzdWIiOiJhbi11bm1pc3Rha2FibGUtYXNzZXJ0aW9uIn0",
    ]
    .map(str::to_owned);
    let log = app.server.log();
    assert!(log.contains("DEBUG") || log.contains("debug"), "the log tells enough to be worth searching");
    for (index, secret) in secrets.iter().enumerate() {
        for (what, text) in [("the log", &log), ("the events", &events), ("the admin events", &admin_events)]
        {
            assert!(!text.contains(secret), "secret {index} is in {what}");
        }
    }
    let mut files = 0;
    search(&app.server.data(), &mut |file, bytes| {
        files += 1;
        for (index, secret) in secrets.iter().enumerate() {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "secret {index} is in {}", file.display());
        }
    });
    assert!(files > 5, "the data is where the test looks for it");
}

/// The part of a JWT that nobody else could write.
fn signature(token: &str) -> String {
    token.rsplit('.').next().unwrap().to_owned()
}

fn search(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, look);
        } else if path.is_file() {
            look(&path, &fs::read(&path).unwrap());
        }
    }
}
