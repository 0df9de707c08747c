//! Invariant 1 elsewhere: what an administrator was told at one gateway holds at another within 1 s.

use std::time::Duration;

use serde_json::json;

use crate::app::{Gateway, PATIENCE, Shape, TestApp, eventually, run};

const WITHIN: Duration = Duration::from_secs(1);

#[test]
fn a_second_gateway_sees_a_disabled_client_within_a_second() {
    run(Shape::Separate, async |app: &TestApp| {
        let second = Gateway::beside(&app.server);
        let realm = app.realm().await;
        let billing = realm.create_service_account("billing").await;
        let url = format!("http://{}{}", second.address, realm.path("token"));
        let ask = async || billing.post_at(&url, &[("grant_type", "client_credentials")]).await.ok();
        eventually("the second gateway gives a token", PATIENCE, async || {
            ask().await.filter(|answer| answer.status == 200)
        })
        .await;

        for _ in 0..3 {
            billing.update(json!({"enabled": false})).await;
            eventually("the second gateway refuses", WITHIN, async || {
                ask().await.filter(|answer| answer.status == 401)
            })
            .await;
            billing.update(json!({"enabled": true})).await;
            eventually("the second gateway gives a token again", WITHIN, async || {
                ask().await.filter(|answer| answer.status == 200)
            })
            .await;
        }
        realm.update(json!({"enabled": false})).await;
        eventually("the second gateway refuses the realm", WITHIN, async || {
            ask().await.filter(|answer| answer.status == 403)
        })
        .await;
    });
}
