//! `POST /realms/{realm}/protocol/openid-connect/logout`, out of band.

use crate::app::{Answer, TestApp};

scenarios!(
    a_logged_out_session_never_gives_a_token_again,
    logging_out_again_is_fine,
    only_the_client_itself_logs_its_session_out,
    what_is_no_refresh_token_logs_nothing_out,
    a_new_session_is_another_one,
);

fn is_empty_204(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
}

async fn a_logged_out_session_never_gives_a_token_again(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let first = billing.token().await.expect(200);
    let second = billing.refresh(&first.text("refresh_token")).await.expect(200);
    assert_eq!(billing.introspect_refresh(&second.text("refresh_token")).await["active"], true);
    assert_eq!(billing.introspect(&second.text("access_token")).await["active"], true);

    is_empty_204(&billing.logout(&second.text("refresh_token")).await);
    for answer in [&first, &second] {
        billing.refresh(&answer.text("refresh_token")).await.is_refusal(
            400,
            "invalid_grant",
            "Session not active",
        );
        assert_eq!(billing.introspect_refresh(&answer.text("refresh_token")).await["active"], false);
        assert_eq!(billing.introspect(&answer.text("access_token")).await["active"], false);
    }
}

async fn logging_out_again_is_fine(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let refresh_token = billing.token().await.expect(200).text("refresh_token");
    is_empty_204(&billing.logout(&refresh_token).await);
    is_empty_204(&billing.logout(&refresh_token).await);
}

async fn only_the_client_itself_logs_its_session_out(app: &TestApp) {
    let realm = app.realm().await;
    let (billing, other) = (realm.create_refreshing("billing").await, realm.create_refreshing("other").await);
    let refresh_token = billing.token().await.expect(200).text("refresh_token");

    other.logout(&refresh_token).await.is_refusal(
        400,
        "invalid_grant",
        "Invalid refresh token. Token client and authorized client don't match",
    );
    let without_secret = [("client_id", "billing"), ("refresh_token", &refresh_token)];
    assert_eq!(realm.post_form("logout", &without_secret).await.status, 401);
    billing.refresh(&refresh_token).await.expect(200);
}

async fn what_is_no_refresh_token_logs_nothing_out(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let answer = billing.token().await.expect(200);
    for token in ["garbage", &answer.text("access_token")] {
        billing.logout(token).await.is_refusal(400, "invalid_grant", "Invalid refresh token");
    }
    billing.refresh(&answer.text("refresh_token")).await.expect(200);
}

async fn a_new_session_is_another_one(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let (one, two) = (billing.token().await.expect(200), billing.token().await.expect(200));
    assert_ne!(one.text("session_state"), two.text("session_state"));

    is_empty_204(&billing.logout(&one.text("refresh_token")).await);
    assert_eq!(billing.refresh(&one.text("refresh_token")).await.status, 400);
    billing.refresh(&two.text("refresh_token")).await.expect(200);
}
