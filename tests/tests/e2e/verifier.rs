//! A resource server that is not ours, and that knows nothing but the issuer, takes the tokens and only them.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use serde_json::{Value, json};

use crate::app::jws::{b64, compact, rs256};
use crate::app::{PATIENCE, Realm, ResourceServer, ServiceAccount, TestApp, claims, eventually, header_of};

scenarios!(
    tokens_of_each_algorithm_open_the_page,
    what_the_realm_has_not_signed_is_refused,
    an_expired_token_is_refused,
    a_page_for_an_audience_opens_to_its_tokens_alone,
    a_token_of_a_new_key_opens_the_page,
);

/// A client whose tokens are signed so, with more attributes.
async fn signing<'a>(realm: &'a Realm<'a>, algorithm: &str, more: Value) -> ServiceAccount<'a> {
    let mut attributes = json!({"access.token.signed.response.alg": algorithm});
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    realm.create_service_account_with(algorithm, json!({ "attributes": attributes })).await
}

async fn tokens_of_each_algorithm_open_the_page(app: &TestApp) {
    let realm = app.realm().await;
    // mod_oauth2 cannot verify EdDSA. The key stands in the realm's JWKS all the same, and must not be in its way.
    let eddsa = signing(&realm, "EdDSA", json!({})).await.access_token().await;
    assert_eq!(header_of(&eddsa)["alg"], "EdDSA");
    let server = ResourceServer::of_issuer(&realm.issuer()).await;
    for algorithm in ["RS256", "RS512", "PS256", "ES256", "ES512"] {
        let token = signing(&realm, algorithm, json!({})).await.access_token().await;
        assert_eq!(header_of(&token)["alg"], algorithm);
        server.takes(&token).await;
    }
    let of_rfc_9068 = json!({"access.token.header.type.rfc9068": "true"});
    let token = signing(&realm, "ES384", of_rfc_9068).await.access_token().await;
    assert_eq!(header_of(&token)["typ"], "at+jwt");
    server.takes(&token).await;
}

async fn what_the_realm_has_not_signed_is_refused(app: &TestApp) {
    let (realm, other) = (app.realm().await, app.realm().await);
    let server = ResourceServer::of_issuer(&realm.issuer()).await;
    assert_eq!(server.ask("page", None).await.status, 401);

    let genuine = signing(&realm, "RS256", json!({})).await.access_token().await;
    server.refuses(&signing(&other, "RS256", json!({})).await.access_token().await).await;

    let (header, stranger) = (header_of(&genuine), RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
    server.refuses(&compact(&header, &claims(&genuine), |signed| rs256(&stranger, signed))).await;
    let unsigned = json!({"alg": "none", "kid": header["kid"]});
    server.refuses(&compact(&unsigned, &claims(&genuine), |_| Vec::new())).await;

    let mut changed = claims(&genuine);
    changed["azp"] = json!("admin");
    let parts: Vec<_> = genuine.split('.').collect();
    server.refuses(&[parts[0], &b64(changed.to_string()), parts[2]].join(".")).await;

    server.takes(&genuine).await;
}

async fn an_expired_token_is_refused(app: &TestApp) {
    let realm = app.realm().await;
    let server = ResourceServer::of_issuer(&realm.issuer()).await;
    let brief = signing(&realm, "ES256", json!({"access.token.lifespan": "1"})).await;
    let token = brief.access_token().await;
    let end_s = claims(&token)["exp"].as_u64().unwrap();
    eventually("the token has expired", PATIENCE, async || {
        (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() > end_s).then_some(())
    })
    .await;
    server.refuses(&token).await;
    brief.update(json!({"attributes": {"access.token.lifespan": "60"}})).await;
    server.takes(&brief.access_token().await).await;
}

async fn a_page_for_an_audience_opens_to_its_tokens_alone(app: &TestApp) {
    let realm = app.realm().await;
    let server = ResourceServer::of_issuer(&realm.issuer()).await;
    for (client, status) in [("orders", 200), ("billing", 401)] {
        let client = realm.create_service_account(client).await;
        client.hear_itself().await;
        let token = client.access_token().await;
        assert_eq!(server.ask("orders", Some(&token)).await.status, status);
        server.takes(&token).await;
    }
}

/// The `kid` is not in the JWKS that the resource server has, so it fetches the JWKS anew.
async fn a_token_of_a_new_key_opens_the_page(app: &TestApp) {
    let realm = app.realm().await;
    let server = ResourceServer::of_issuer(&realm.issuer()).await;
    for (algorithm, provider, setting) in [
        ("RS256", "rsa-generated", json!({"priority": ["200"]})),
        ("ES256", "ecdsa-generated", json!({"priority": ["200"], "ecdsaEllipticCurveKey": ["P-256"]})),
    ] {
        let client = signing(&realm, algorithm, json!({})).await;
        let old = client.access_token().await;
        server.takes(&old).await;
        let component = json!({
            "name": "next", "providerId": provider, "providerType": "org.keycloak.keys.KeyProvider",
            "config": setting,
        });
        realm.make("/components", &component).await;
        let new = client.access_token().await;
        assert_ne!(header_of(&new)["kid"], header_of(&old)["kid"]);
        server.takes(&new).await;
        server.takes(&old).await;
    }
}
