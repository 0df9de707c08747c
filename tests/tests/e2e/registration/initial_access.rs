//! Initial access tokens.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, claims, header_of};

scenarios!(
    an_initial_access_token_is_shown_once_and_counted_down,
    an_initial_access_token_expires,
    a_deleted_one_is_void_at_once,
    who_makes_and_deletes_one_is_told_in_the_admin_events,
    limits_that_make_no_sense_are_refused,
);

const PATH: &str = "/clients-initial-access";

async fn an_initial_access_token_is_shown_once_and_counted_down(app: &TestApp) {
    let realm = app.realm().await;
    let answer = realm.admin(Method::POST, PATH, Some(&json!({"count": 2}))).await;
    let (id, token) = (answer.made(), answer.text("token"));
    assert_eq!(header_of(&token)["alg"], "HS512");
    let said = claims(&token);
    assert_eq!(
        (&said["typ"], &said["jti"], &said["iss"], &said["exp"]),
        (&json!("InitialAccessToken"), &json!(id), &json!(realm.issuer()), &json!(0))
    );
    realm.register(&token, &json!({"clientId": "one"})).await.expect(201);
    let listed = realm.get(PATH).await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["count"], &listed[0]["remainingCount"]), (&json!(2), &json!(1)));
    assert!(listed[0].get("token").is_none());
    // What is refused takes nothing.
    let taken = realm.register(&token, &json!({"clientId": "one"})).await;
    taken.is_refusal(400, "invalid_client_metadata", "Client Identifier in use");
    assert_eq!(realm.get(PATH).await[0]["remainingCount"], 1);
}

async fn an_initial_access_token_expires(app: &TestApp) {
    let realm = app.realm().await;
    let limits = json!({"count": 5, "expiration": 1});
    let token = realm.admin(Method::POST, PATH, Some(&limits)).await.expect(201).text("token");
    let said = claims(&token);
    assert_eq!(said["exp"].as_i64().unwrap(), said["iat"].as_i64().unwrap() + 1);
    let refused = crate::app::eventually("the token expires", crate::app::PATIENCE, async || {
        // The first is made, and the others would be of the same name.
        let answer = realm.register(&token, &json!({"clientId": "robot"})).await;
        (answer.status == 401).then_some(answer)
    });
    let (status, error, description) = refused.await.refusal();
    assert_eq!((status, error.as_str()), (401, "invalid_token"));
    // Its signature's time and its own end at most a second apart.
    assert!(["Failed decode token", "Expired initial access token"].contains(&description.as_str()));
}

async fn a_deleted_one_is_void_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let token = realm.initial_access_token(5).await;
    let path = format!("{PATH}/{}", claims(&token)["jti"].as_str().unwrap());
    realm.admin(Method::DELETE, &path, None).await.expect(204);
    let refused = realm.register(&token, &json!({"clientId": "late"})).await;
    refused.is_refusal(401, "invalid_token", "Initial Access Token not found");
    assert_eq!(realm.get(PATH).await, json!([]));
    assert_eq!(realm.get("/clients?clientId=late").await, json!([]));
}

async fn who_makes_and_deletes_one_is_told_in_the_admin_events(app: &TestApp) {
    let settings = json!({"adminEventsEnabled": true, "adminEventsDetailsEnabled": true});
    let realm = app.realm_with(settings).await;
    let token = realm.initial_access_token(5).await;
    let path = format!("{PATH}/{}", claims(&token)["jti"].as_str().unwrap());
    realm.admin(Method::DELETE, &path, None).await.expect(204);
    let query = "/admin-events?resourceTypes=CLIENT_INITIAL_ACCESS_MODEL&direction=asc";
    let told = crate::app::eventually("both are told", crate::app::PATIENCE, async || {
        let told: Vec<Value> = realm.get(query).await.as_array().unwrap().clone();
        (told.len() == 2).then_some(told)
    });
    let told = told.await;
    assert_eq!((&told[0]["operationType"], &told[1]["operationType"]), (&json!("CREATE"), &json!("DELETE")));
    assert_eq!(told[0]["resourcePath"].as_str().unwrap(), &path[1..]);
    assert!(!told[0].to_string().contains(&token));
}

async fn limits_that_make_no_sense_are_refused(app: &TestApp) {
    let realm = app.realm().await;
    for (limits, error) in [
        (json!({"count": -1}), "Invalid value for count"),
        (json!({"expiration": -1}), "Invalid value for expiration"),
        (json!({"count": "many"}), "unknown_error"),
        (json!({"count": 9_999_999_999_i64}), "unknown_error"),
        (json!([]), "unknown_error"),
    ] {
        let answer = realm.admin(Method::POST, PATH, Some(&limits)).await;
        assert_eq!((answer.status, answer.refusal().1.as_str()), (400, error), "{limits}");
    }
    assert_eq!(realm.get(PATH).await, json!([]));
}
