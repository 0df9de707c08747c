//! The parameter `resource`, RFC 8707.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::{Realm, ServiceAccount, TestApp, claims};

scenarios!(
    a_resource_narrows_the_audience_and_the_roles,
    a_resource_that_the_client_may_not_name_is_refused,
    without_an_allow_list_the_parameter_says_nothing,
);

const ORDERS: &str = "https://orders.example";
const STOCK: &str = "https://stock.example";

/// A client whose tokens are for two resources, and which may name `allowed`.
async fn caller<'a>(realm: &'a Realm<'a>, allowed: &str) -> ServiceAccount<'a> {
    let mapper = |audience: &str| {
        json!({
            "name": audience,
            "protocol": "openid-connect",
            "protocolMapper": "oidc-audience-mapper",
            "config": {"included.custom.audience": audience, "access.token.claim": "true"},
        })
    };
    let settings = json!({
        "attributes": {"resource.indicators": allowed},
        "protocolMappers": [mapper(ORDERS), mapper(STOCK)],
    });
    realm.create_service_account_with("billing", settings).await
}

async fn token(client: &ServiceAccount<'_>, resources: &[&str]) -> Value {
    let form: Vec<_> = resources.iter().map(|resource| ("resource", *resource)).collect();
    claims(&client.token_with(&form).await.expect(200).text("access_token"))
}

fn audience(claims: &Value) -> BTreeSet<&str> {
    match &claims["aud"] {
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

async fn a_resource_narrows_the_audience_and_the_roles(app: &TestApp) {
    let realm = app.realm().await;
    let billing = caller(&realm, &format!("{ORDERS}##{STOCK}")).await;
    let all = token(&billing, &[]).await;
    assert_eq!(audience(&all), BTreeSet::from([ORDERS, STOCK, "account"]));
    assert!(all["resource_access"]["account"].is_object());

    let one = token(&billing, &[ORDERS]).await;
    assert_eq!(one["aud"], ORDERS);
    assert_eq!(one["resource_access"], json!(null), "the roles of other audiences are left out");
    assert_eq!(audience(&token(&billing, &[ORDERS, STOCK]).await), BTreeSet::from([ORDERS, STOCK]));
}

async fn a_resource_that_the_client_may_not_name_is_refused(app: &TestApp) {
    let realm = app.realm().await;
    let billing = caller(&realm, &format!("{ORDERS}##https://nowhere.example")).await;
    for resource in [STOCK, "account", "", "https://orders.example/deeper", "https://nowhere.example"] {
        let refused = billing.token_with(&[("resource", resource)]).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_target", "{resource}");
    }
    let both = billing.token_with(&[("resource", ORDERS), ("resource", STOCK)]).await.expect(400).json();
    assert_eq!(both["error_description"], format!("Requested resource not available: {STOCK}"));
}

async fn without_an_allow_list_the_parameter_says_nothing(app: &TestApp) {
    let realm = app.realm().await;
    let billing = caller(&realm, "").await;
    assert_eq!(
        audience(&token(&billing, &["urn:anything"]).await),
        BTreeSet::from([ORDERS, STOCK, "account"])
    );
}
