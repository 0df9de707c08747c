//! Tokens that are bound to a key, RFC 9449.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::SystemTime;

use crate::app::jws::{self, b64};
use crate::app::{Answer, Realm, ServiceAccount, TestApp, claims};

scenarios!(
    a_token_is_bound_to_the_key_of_its_proof,
    a_bound_token_is_no_bearer_token_at_userinfo,
    a_bound_token_is_no_bearer_token_at_the_admin_rest_api,
    attack_a_proof_is_replayed,
    attack_a_proof_is_made_in_store,
);

/// A key that proofs are made with.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        let (x, y) = jws::point(&self.0);
        json!({"crv": "P-256", "kty": "EC", "x": x, "y": y})
    }

    /// RFC 7638.
    fn thumbprint(&self) -> String {
        b64(digest(&SHA256, self.jwk().to_string().as_bytes()))
    }

    fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        self.proof_with(method, url, token, None)
    }

    fn proof_with(&self, method: &str, url: &str, token: Option<&str>, nonce: Option<&str>) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        let now_s = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let mut claims =
            json!({"jti": uuid::Uuid::new_v4().to_string(), "htm": method, "htu": url, "iat": now_s});
        if let Some(token) = token {
            claims["ath"] = b64(digest(&SHA256, token.as_bytes())).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        jws::signed(&self.0, &header, &claims)
    }
}

async fn token_with(client: &ServiceAccount<'_>, proof: &str) -> Answer {
    let url = client.realm.app.url(&client.realm.path("token"));
    let form = [("grant_type", "client_credentials"), ("scope", "openid")];
    let request = client.realm.app.http.post(url).header("authorization", client.basic());
    Answer::read(request.header("dpop", proof).form(&form).send().await.unwrap()).await.unwrap()
}

async fn bound_token(client: &ServiceAccount<'_>, key: &Key) -> String {
    let url = client.realm.app.url(&client.realm.path("token"));
    token_with(client, &key.proof("POST", &url, None)).await.expect(200).text("access_token")
}

/// The status of a GET with a token, and with a proof where there is a key.
async fn status(realm: &Realm<'_>, url: &str, scheme: &str, token: &str, key: Option<&Key>) -> u16 {
    let mut request = realm.app.http.get(url).header("authorization", format!("{scheme} {token}"));
    if let Some(key) = key {
        request = request.header("dpop", key.proof("GET", url, Some(token)));
    }
    request.send().await.unwrap().status().as_u16()
}

/// Only the key's holder gets through, and only as such.
async fn only_with_its_key(realm: &Realm<'_>, url: &str, token: &str, key: &Key) {
    assert_eq!(status(realm, url, "DPoP", token, Some(key)).await, 200);
    assert_eq!(status(realm, url, "Bearer", token, None).await, 401, "stolen");
    assert_eq!(status(realm, url, "DPoP", token, None).await, 401, "without a proof");
    assert_eq!(status(realm, url, "DPoP", token, Some(&Key::new())).await, 401, "with a thief's own key");
}

async fn a_token_is_bound_to_the_key_of_its_proof(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let key = Key::new();
    let claims = claims(&bound_token(&billing, &key).await);
    assert_eq!((&claims["typ"], &claims["cnf"]["jkt"]), (&json!("DPoP"), &json!(key.thumbprint())));
}

async fn a_bound_token_is_no_bearer_token_at_userinfo(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let key = Key::new();
    let token = bound_token(&billing, &key).await;
    only_with_its_key(&realm, &app.url(&realm.path("userinfo")), &token, &key).await;
}

async fn a_bound_token_is_no_bearer_token_at_the_admin_rest_api(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let management = realm.get("/clients?clientId=realm-management").await[0]["id"].clone();
    let management = management.as_str().unwrap();
    let role = realm.get(&format!("/clients/{management}/roles/view-realm")).await;
    realm.add(&format!("/users/{}/role-mappings/clients/{management}", billing.user().await), &[&role]).await;

    let key = Key::new();
    let token = bound_token(&billing, &key).await;
    only_with_its_key(&realm, &app.url(&format!("/admin/realms/{}/roles", realm.name)), &token, &key).await;

    let unbound = billing.access_token().await;
    let url = app.url(&format!("/admin/realms/{}/roles", realm.name));
    assert_eq!(status(&realm, &url, "Bearer", &unbound, None).await, 200);
    assert_eq!(status(&realm, &url, "DPoP", &unbound, Some(&key)).await, 401, "it is not of that key");
}

async fn attack_a_proof_is_replayed(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let proof = Key::new().proof("POST", &app.url(&realm.path("token")), None);
    token_with(&billing, &proof).await.expect(200);
    token_with(&billing, &proof).await.is_refusal(400, "invalid_request", "DPoP proof has already been used");
    let elsewhere = Key::new().proof("POST", &app.url(&realm.path("revoke")), None);
    token_with(&billing, &elsewhere).await.is_refusal(400, "invalid_request", "DPoP HTTP URL mismatch");
    let other_method = Key::new().proof(Method::GET.as_str(), &app.url(&realm.path("token")), None);
    token_with(&billing, &other_method).await.is_refusal(400, "invalid_request", "DPoP HTTP method mismatch");
}

/// RFC 9449 section 11.2: who could once use a key has made proofs for later.
async fn attack_a_proof_is_made_in_store(app: &TestApp) {
    let realm = app.realm().await;
    let settings = json!({"attributes": {"latchkey.dpop.nonce": "true"}});
    let billing = realm.create_service_account_with("billing", settings).await;
    let other = app.realm().await;
    let settings = json!({"attributes": {"latchkey.dpop.nonce": "true"}});
    let stranger = other.create_service_account_with("billing", settings).await;
    let key = Key::new();
    let url = app.url(&realm.path("token"));
    let asked_for_nonce = async |client: &ServiceAccount<'_>, proof: &str| {
        let answer = token_with(client, proof).await;
        let description = "Authorization server requires nonce in DPoP proof";
        answer.is_refusal(400, "use_dpop_nonce", description);
        answer.header("dpop-nonce").to_owned()
    };
    let nonce = asked_for_nonce(&billing, &key.proof("POST", &url, None)).await;
    let good = key.proof_with("POST", &url, None, Some(&nonce));
    let token = token_with(&billing, &good).await.expect(200).text("access_token");
    assert_eq!(claims(&token)["cnf"]["jkt"], key.thumbprint());
    assert_eq!(token_with(&billing, &good).await.status, 400, "each proof is good once, with a nonce too");

    let elsewhere = app.url(&other.path("token"));
    let foreign = asked_for_nonce(&stranger, &key.proof("POST", &elsewhere, None)).await;
    for wrong in ["", "guessed", &foreign, &billing.access_token_bound_to(&key, &url, &nonce).await] {
        asked_for_nonce(&billing, &key.proof_with("POST", &url, None, Some(wrong))).await;
    }
    // A nonce is no token.
    let introspected = billing.introspect(&nonce).await;
    assert_eq!(introspected, json!({"active": false}));
    assert_eq!(billing.refresh(&nonce).await.status, 400);
}

impl ServiceAccount<'_> {
    async fn access_token_bound_to(&self, key: &Key, url: &str, nonce: &str) -> String {
        let proof = key.proof_with("POST", url, None, Some(nonce));
        token_with(self, &proof).await.expect(200).text("access_token")
    }
}
