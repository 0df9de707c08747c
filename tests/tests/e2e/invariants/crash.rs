//! Invariant 5: a crash of any process at any point leaves each realm, client and mapping wholly there or not at all; retrying
//! succeeds; an acknowledged write is never lost; the service is back by itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::json;

use crate::app::{
    PATIENCE, Realm, SECRET, Server, ServiceAccount, Setup, Shape, TestApp, eventually, kill_process,
    run_alone,
};

/// How many writers there are at once.
const WRITERS: usize = 3;

/// What the writers have been told.
#[derive(Default)]
struct Written {
    acknowledged: Vec<String>,
    unanswered: Vec<String>,
}

#[test]
fn all_in_one_loses_nothing_acknowledged() {
    run_alone(Box::pin(async {
        let app = TestApp::start(Setup::of(Shape::AllInOne)).await;
        let realm = app.realm().await;
        let canary = realm.create_refreshing("canary").await;
        let mut alive = canary.token().await.expect(200).text("refresh_token");
        let mut all = Written::default();
        for round in 0..3 {
            let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
            let name = format!("round{round}");
            let mut gone = String::new();
            let (written, ()) = futures::join!(write(&realm, &name, &stop, &count), async {
                eventually("enough is written", PATIENCE, async || at_least(&count, 15)).await;
                let ended = canary.token().await.expect(200).text("refresh_token");
                canary.logout(&ended).await.expect(204);
                alive = canary.refresh(&alive).await.expect(200).text("refresh_token");
                app.server.kill();
                stop.store(true, Ordering::Relaxed);
                gone = ended;
            });
            all.acknowledged.extend(written.acknowledged);
            all.unanswered.extend(written.unanswered);
            app.server.start_again();
            app.until_it_serves().await;
            canary.refresh(&gone).await.is_refusal(400, "invalid_grant", "Session not active");
            alive = canary.refresh(&alive).await.expect(200).text("refresh_token");
        }
        nothing_is_lost(&realm, &all).await;
    }));
}

#[test]
fn separate_services_come_back_by_themselves_and_lose_nothing_acknowledged() {
    run_alone(Box::pin(async {
        let app = TestApp::start(Setup::of(Shape::Separate)).await;
        let realm = app.realm().await;
        let canary = realm.create_refreshing("canary").await;
        let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (written, ()) = futures::join!(write(&realm, "writer", &stop, &count), async {
            for (program, pid) in app.server.services() {
                let before = count.load(Ordering::Relaxed);
                kill_process(pid);
                is_back(&app.server, &program, pid).await;
                eventually(&format!("tokens after {program} died"), PATIENCE, async || {
                    let answer =
                        canary.try_post("token", &[("grant_type", "client_credentials")]).await.ok()?;
                    assert!(matches!(answer.status, 200 | 503), "{}: {}", answer.status, answer.body);
                    (answer.status == 200).then_some(())
                })
                .await;
                eventually(&format!("writes after {program} died"), PATIENCE, async || {
                    at_least(&count, before + 3)
                })
                .await;
            }
            stop.store(true, Ordering::Relaxed);
        });
        nothing_is_lost(&realm, &written).await;
    }));
}

fn at_least(count: &AtomicUsize, enough: usize) -> Option<()> {
    (count.load(Ordering::Relaxed) >= enough).then_some(())
}

async fn is_back(server: &Server, program: &str, died: i32) {
    eventually(&format!("{program} is back"), PATIENCE, async || {
        server.assert_runs();
        server.services().get(program).filter(|pid| **pid != died).map(drop)
    })
    .await;
}

/// Makes clients until it is told to stop.
async fn write(realm: &Realm<'_>, name: &str, stop: &AtomicBool, count: &AtomicUsize) -> Written {
    let writers = (0..WRITERS).map(async |writer| {
        let mut written = Written::default();
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let client_id = format!("{name}-{writer}-{number}");
            match make(realm, &client_id).await {
                Some(201) => {
                    count.fetch_add(1, Ordering::Relaxed);
                    written.acknowledged.push(client_id);
                }
                Some(503) | None => {
                    written.unanswered.push(client_id);
                    // Whoever is away is asked again, and not without a breath.
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Some(status) => panic!("{client_id}: {status}"),
            }
        }
        written
    });
    let mut all = Written::default();
    for written in futures::future::join_all(writers).await {
        all.acknowledged.extend(written.acknowledged);
        all.unanswered.extend(written.unanswered);
    }
    all
}

/// The status of an attempt to make a client; `None` where there was no answer.
async fn make(realm: &Realm<'_>, client_id: &str) -> Option<u16> {
    let client = json!({"clientId": client_id, "secret": SECRET, "serviceAccountsEnabled": true});
    let answer = realm.app.try_admin(Method::POST, &format!("/{}/clients", realm.name), Some(&client)).await;
    answer.ok().map(|answer| answer.status)
}

/// Each client that was acknowledged is there and whole; each that was not is whole or absent, and can be made.
async fn nothing_is_lost(realm: &Realm<'_>, written: &Written) {
    assert!(!written.acknowledged.is_empty());
    let client = |client_id: &str| ServiceAccount {
        realm,
        id: String::new(),
        client_id: client_id.to_owned(),
        secret: SECRET.to_owned(),
    };
    for client_id in &written.acknowledged {
        let answer = client(client_id).token().await;
        assert_eq!(answer.status, 200, "{client_id} was acknowledged: {}", answer.body);
    }
    for client_id in &written.unanswered {
        let there = client(client_id).token().await.status;
        let made = make(realm, client_id).await;
        assert!(
            matches!((there, made), (200, Some(409)) | (401, Some(201))),
            "{client_id} is there by half: token {there}, made again {made:?}"
        );
        client(client_id).token().await.expect(200);
    }
}
