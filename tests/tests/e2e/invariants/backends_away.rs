//! Invariant 7: what a lost Redis or PostgreSQL takes away, what it does not, and that both come back by themselves.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use latchkey_backends::{Durability, Postgres, Redis};
use serde_json::json;
use tempfile::TempDir;

use crate::app::{Answer, PATIENCE, Setup, Shape, TestApp, eventually, run_alone};

fn is_away(answer: &Answer) -> bool {
    if answer.status == 503 {
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
    }
    answer.status == 503
}

#[test]
fn redis_away_takes_sessions_and_nothing_else() {
    run_alone(Box::pin(async {
        let folder = TempDir::with_prefix("latchkey-e2e-redis-").unwrap();
        let mut redis = Redis::start(folder.path()).unwrap();
        let app = TestApp::start(Setup::of(Shape::Separate).with("LATCHKEY_DEV_REDIS", redis.url())).await;
        let realm = app.realm().await;
        let plain = realm.create_service_account("plain").await;
        let refreshing = realm.create_refreshing("refreshing").await;
        plain.hear_itself().await;
        let refresh_token = refreshing.token().await.expect(200).text("refresh_token");
        plain.token().await.expect(200);

        redis.kill();
        eventually("what needs a session is away", PATIENCE, async || {
            is_away(&refreshing.token().await).then_some(())
        })
        .await;
        let answer = refreshing.refresh(&refresh_token).await;
        assert!(is_away(&answer), "{answer:?}");
        assert_eq!(answer.refusal().1, "temporarily_unavailable");
        let answer = refreshing.logout(&refresh_token).await;
        assert!(is_away(&answer), "{answer:?}");
        // Whether a token was revoked is not known now, so nobody is told that it is good.
        let answer = plain.post("token/introspect", &[("token", &plain.access_token().await)]).await;
        assert!(is_away(&answer), "{answer:?}");
        for _ in 0..20 {
            plain.token().await.expect(200);
        }

        redis.restart().unwrap();
        eventually("sessions are back", PATIENCE, async || {
            let answer = refreshing.refresh(&refresh_token).await;
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
            (answer.status == 200).then_some(())
        })
        .await;
        refreshing.token().await.expect(200);
    }));
}

#[test]
fn postgres_away_takes_administration_and_no_warm_token() {
    run_alone(Box::pin(async {
        let folder = TempDir::with_prefix("latchkey-e2e-postgres-").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let below = folder.path().join("postgres");
        let mut postgres = Postgres::start(&below, Durability::ThrowAway).unwrap();
        let url = postgres.url("postgres");
        let app = TestApp::start(Setup::of(Shape::Separate).with("LATCHKEY_DEV_POSTGRES", url)).await;
        let realm = app.realm().await;
        let warm = realm.create_service_account("warm").await;
        // Every replica hears of the new client within a second, and may read it once more then.
        let made = Instant::now();
        while made.elapsed() < Duration::from_secs(1) {
            warm.token().await.expect(200);
        }
        warm.token().await.expect(200);

        postgres.kill();
        let client = json!({"clientId": "late"});
        let path = format!("/{}/clients", realm.name);
        eventually("administration is away", PATIENCE, async || {
            let answer = app.admin(reqwest::Method::POST, &path, Some(&client)).await;
            assert!(!answer.body.contains("sql") && !answer.body.contains("127.0.0.1"), "{}", answer.body);
            is_away(&answer).then_some(())
        })
        .await;
        for _ in 0..20 {
            warm.token().await.expect(200);
        }

        postgres.restart().unwrap();
        eventually("administration is back", PATIENCE, async || {
            let answer = app.admin(reqwest::Method::POST, &path, Some(&client)).await;
            assert!(matches!(answer.status, 201 | 409 | 503), "{answer:?}");
            (answer.status != 503).then_some(())
        })
        .await;
        realm.create_service_account("cold").await.token().await.expect(200);
    }));
}
