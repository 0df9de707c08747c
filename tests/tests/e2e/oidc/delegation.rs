//! Token exchange with an actor, RFC 8693 section 4: who acts for the subject stands in the token, and stays there.

use serde_json::{Value, json};

use crate::app::{Answer, Realm, ServiceAccount, TestApp, claims};

scenarios!(
    the_token_says_who_acts_for_its_subject,
    whoever_exchanges_it_next_keeps_the_actors,
    only_a_live_access_token_names_an_actor,
    a_subject_says_who_may_act_for_it,
    without_the_attribute_actors_are_passed_over,
);

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn the_token_says_who_acts_for_its_subject(app: &TestApp) {
    let realm = app.realm().await;
    let [shop, orders] = [delegate(&realm, "shop").await, delegate(&realm, "orders").await];
    let (subject, actor) = (shop.access_token().await, orders.access_token().await);
    let answer = exchange(&orders, &subject, &actor).await.expect(200);
    let token = answer.text("access_token");
    let told = claims(&token);
    assert_eq!((&told["sub"], &told["azp"]), (&claims(&subject)["sub"], &json!("orders")));
    let act = json!({"sub": claims(&actor)["sub"], "client_id": "orders"});
    assert_eq!(told["act"], act);
    assert_eq!(orders.introspect(&token).await["act"], act);
}

async fn whoever_exchanges_it_next_keeps_the_actors(app: &TestApp) {
    let realm = app.realm().await;
    let shop = delegate(&realm, "shop").await;
    let [orders, billing] = [delegate(&realm, "orders").await, delegate(&realm, "billing").await];
    let (subject, actor) = (shop.access_token().await, orders.access_token().await);
    let first = exchange(&orders, &subject, &actor).await.expect(200).text("access_token");
    let second = exchange(&billing, &first, &billing.access_token().await).await.expect(200);
    let act = claims(&second.text("access_token"))["act"].clone();
    assert_eq!((&act["client_id"], &act["act"]), (&json!("billing"), &claims(&first)["act"]));

    // Nor does an exchange without an actor shake them off, even of a client that knows of none.
    let plain = able_to_exchange(&realm, "plain", json!({})).await;
    let third = plain.post("token", &form(&first, &[])).await.expect(200);
    assert_eq!(claims(&third.text("access_token"))["act"], claims(&first)["act"]);
}

async fn only_a_live_access_token_names_an_actor(app: &TestApp) {
    let realm = app.realm().await;
    let [shop, orders] = [delegate(&realm, "shop").await, delegate(&realm, "orders").await];
    let stranger = realm.create_service_account("stranger").await;
    let subject = shop.access_token().await;
    let refused = async |more: &[(&str, &str)], status: u16, error: &str, description: &str| {
        orders.post("token", &form(&subject, more)).await.is_refusal(status, error, description);
    };
    let actor = orders.access_token().await;
    let token = ("actor_token", actor.as_str());
    let kind = ("actor_token_type", ACCESS_TOKEN);
    let needs_type = "Parameter 'actor_token_type' required where 'actor_token' is given";
    refused(&[token], 400, "invalid_request", needs_type).await;
    let needs_token = "Parameter 'actor_token' required where 'actor_token_type' is given";
    refused(&[kind], 400, "invalid_request", needs_token).await;
    let id_token = ("actor_token_type", "urn:ietf:params:oauth:token-type:id_token");
    refused(
        &[token, id_token],
        400,
        "invalid_request",
        "Parameter 'actor_token' supports access tokens only",
    )
    .await;
    refused(&[("actor_token", "a.b.c"), kind], 400, "invalid_request", "Invalid actor token").await;
    let of_stranger = stranger.access_token().await;
    let outside = "Client is not within the token audience";
    refused(&[("actor_token", &of_stranger), kind], 403, "access_denied", outside).await;
    orders.post("revoke", &[("token", &actor)]).await.expect(200);
    refused(&[token, kind], 400, "invalid_request", "Invalid actor token").await;
}

async fn a_subject_says_who_may_act_for_it(app: &TestApp) {
    let realm = app.realm().await;
    let [shop, orders] = [delegate(&realm, "shop").await, delegate(&realm, "orders").await];
    let billing = delegate(&realm, "billing").await;
    let may_act = json!({
        "name": "may act", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {"claim.name": "may_act", "claim.value": r#"{"client_id":"orders"}"#, "jsonType.label": "JSON",
            "access.token.claim": "true"},
    });
    realm.make(&format!("{}/protocol-mappers/models", shop.path()), &may_act).await;
    let subject = shop.access_token().await;
    exchange(&orders, &subject, &orders.access_token().await).await.expect(200);
    let refused = exchange(&billing, &subject, &billing.access_token().await).await;
    refused.is_refusal(403, "access_denied", "The actor may not act for the subject");
}

async fn without_the_attribute_actors_are_passed_over(app: &TestApp) {
    let realm = app.realm().await;
    let shop = delegate(&realm, "shop").await;
    let plain = able_to_exchange(&realm, "plain", json!({})).await;
    let answer = exchange(&plain, &shop.access_token().await, "no token at all").await.expect(200);
    assert_eq!(claims(&answer.text("access_token")).get("act"), None);
}

/// A client that exchanges tokens and names who acts.
async fn delegate<'a>(realm: &'a Realm<'_>, client_id: &str) -> ServiceAccount<'a> {
    able_to_exchange(realm, client_id, json!({"latchkey.token-exchange.delegation": "true"})).await
}

/// A client that exchanges tokens; its own are for whoever takes part in these scenarios.
async fn able_to_exchange<'a>(
    realm: &'a Realm<'_>,
    client_id: &str,
    attributes: Value,
) -> ServiceAccount<'a> {
    let mut all = json!({"standard.token.exchange.enabled": "true"});
    all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    let mappers: Vec<Value> = ["orders", "billing", "plain"].map(audience).to_vec();
    let settings = json!({"attributes": all, "protocolMappers": mappers});
    realm.create_service_account_with(client_id, settings).await
}

fn audience(client_id: &str) -> Value {
    json!({
        "name": client_id, "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
        "config": {"included.custom.audience": client_id, "access.token.claim": "true"},
    })
}

async fn exchange(client: &ServiceAccount<'_>, subject: &str, actor: &str) -> Answer {
    client.post("token", &form(subject, &[("actor_token", actor), ("actor_token_type", ACCESS_TOKEN)])).await
}

fn form<'a>(subject: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", subject),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    [&exchange, more].concat()
}
