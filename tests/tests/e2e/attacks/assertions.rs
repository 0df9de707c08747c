//! Attacks on `private_key_jwt` (RFC 7523 section 3, RFC 8725, RFC 9700 section 2.5): assertions that are not the client's, not for
//! this realm, not for now, or not for the first time.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::app::jws::{self, compact};
use crate::app::{Answer, Realm, SECRET, TestApp};

scenarios!(
    genuine_assertion,
    assertion_used_twice,
    assertion_used_by_many_at_once,
    assertion_for_somebody_else,
    assertion_about_another_client,
    assertion_signed_by_another_client,
    assertion_without_a_signature,
    assertion_under_a_shared_secret,
    assertion_that_brings_its_key,
    assertion_with_an_unknown_critical_extension,
    assertion_of_another_time,
);

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client's own key.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        let (x, y) = jws::point(&self.0);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "one", "x": x, "y": y})
    }

    fn sign(&self, claims: &Value) -> String {
        jws::signed(&self.0, &json!({"alg": "ES256", "typ": "JWT", "kid": "one"}), claims)
    }
}

/// A client that signs, and its key.
async fn signing(realm: &Realm<'_>, client_id: &str) -> Key {
    let key = Key::new();
    let attributes =
        json!({"use.jwks.string": "true", "jwks.string": json!({"keys": [key.jwk()]}).to_string()});
    let settings = json!({"clientAuthenticatorType": "client-jwt", "attributes": attributes});
    realm.create_service_account_with(client_id, settings).await;
    key
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What a client says of itself; other members replace its own.
fn claims(realm: &Realm<'_>, client_id: &str, other: Value) -> Value {
    let mut claims = json!({
        "iss": client_id, "sub": client_id, "aud": realm.issuer(), "jti": uuid::Uuid::new_v4(),
        "iat": now_s(), "exp": now_s() + 50,
    });
    claims.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

async fn present(realm: &Realm<'_>, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    realm.post_form("token", &form).await
}

/// At the token endpoint and wherever else clients authenticate.
async fn is_refused(realm: &Realm<'_>, assertion: &str) {
    let answer = present(realm, assertion).await;
    assert!(matches!(answer.status, 400 | 401), "{}: {}", answer.status, answer.body);
    assert!(answer.json()["error"].is_string());
    for endpoint in ["token/introspect", "revoke", "logout"] {
        let form = [
            ("token", "x"),
            ("refresh_token", "x"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        let answer = realm.post_form(endpoint, &form).await;
        assert!(matches!(answer.status, 400 | 401), "{endpoint}: {}: {}", answer.status, answer.body);
    }
}

async fn genuine_assertion(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    present(&realm, &key.sign(&claims(&realm, "billing", json!({})))).await.expect(200);
    let token_endpoint = app.url(&realm.path("token"));
    present(&realm, &key.sign(&claims(&realm, "billing", json!({"aud": token_endpoint})))).await.expect(200);
}

async fn assertion_used_twice(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    let assertion = key.sign(&claims(&realm, "billing", json!({})));
    present(&realm, &assertion).await.expect(200);
    is_refused(&realm, &assertion).await;
    // The same id in another assertion is the same use.
    let jti = json!({"jti": "chosen"});
    present(&realm, &key.sign(&claims(&realm, "billing", jti.clone()))).await.expect(200);
    is_refused(&realm, &key.sign(&claims(&realm, "billing", jti))).await;
    is_refused(&realm, &key.sign(&claims(&realm, "billing", json!({"jti": null})))).await;
}

async fn assertion_used_by_many_at_once(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    let assertion = key.sign(&claims(&realm, "billing", json!({})));
    let answers = join_all((0..50).map(|_| present(&realm, &assertion))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

/// The confusion of audiences: an assertion that another server or realm was meant to get.
async fn assertion_for_somebody_else(app: &TestApp) {
    let (realm, other) = (app.realm().await, app.realm().await);
    let key = signing(&realm, "billing").await;
    for aud in [
        json!(other.issuer()),
        json!(app.url(&other.path("token"))),
        json!("https://elsewhere.example/realms/r"),
        json!(format!("{}/", realm.issuer())),
        json!([realm.issuer(), other.issuer()]),
        json!([]),
        json!(""),
        Value::Null,
    ] {
        is_refused(&realm, &key.sign(&claims(&realm, "billing", json!({"aud": aud})))).await;
    }
}

async fn assertion_about_another_client(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    signing(&realm, "orders").await;
    for (iss, sub) in
        [("billing", "orders"), ("orders", "billing"), ("orders", "orders"), ("nobody", "nobody"), ("", "")]
    {
        is_refused(&realm, &key.sign(&claims(&realm, "billing", json!({"iss": iss, "sub": sub})))).await;
    }
    is_refused(&realm, &key.sign(&claims(&realm, "billing", json!({"sub": null})))).await;
}

async fn assertion_signed_by_another_client(app: &TestApp) {
    let (realm, other) = (app.realm().await, app.realm().await);
    signing(&realm, "billing").await;
    for key in [signing(&realm, "orders").await, signing(&other, "billing").await, Key::new()] {
        is_refused(&realm, &key.sign(&claims(&realm, "billing", json!({})))).await;
    }
}

async fn assertion_without_a_signature(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    let claims = claims(&realm, "billing", json!({}));
    let (signed, _) = key.sign(&claims).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    is_refused(&realm, &format!("{signed}.")).await;
    // The signature that CVE-2022-21449 took for good.
    is_refused(&realm, &format!("{signed}.{}", jws::b64([0; 64]))).await;
    for alg in ["none", "None", "NONE", ""] {
        is_refused(&realm, &compact(&json!({"alg": alg, "kid": "one"}), &claims, |_| Vec::new())).await;
    }
}

/// RFC 8725 section 2.1: the public key, or the secret of a client that has one beside, as the key of an HMAC.
async fn assertion_under_a_shared_secret(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    let jwk = key.jwk().to_string();
    for secret in [jwk.as_bytes(), SECRET.as_bytes(), b""] {
        for (alg, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS512", hmac::HMAC_SHA512)] {
            let header = json!({"alg": alg, "typ": "JWT", "kid": "one"});
            let sign =
                |signed: &[u8]| hmac::sign(&hmac::Key::new(algorithm, secret), signed).as_ref().to_vec();
            is_refused(&realm, &compact(&header, &claims(&realm, "billing", json!({})), sign)).await;
        }
    }
}

async fn assertion_that_brings_its_key(app: &TestApp) {
    let realm = app.realm().await;
    signing(&realm, "billing").await;
    let own = Key::new();
    let certs = app.url(&realm.path("certs"));
    for header in [
        json!({"alg": "ES256", "jwk": own.jwk()}),
        json!({"alg": "ES256", "jwk": own.jwk(), "kid": "one"}),
        json!({"alg": "ES256", "jku": certs, "kid": "one"}),
        json!({"alg": "ES256", "kid": "../../one"}),
    ] {
        is_refused(&realm, &jws::signed(&own.0, &header, &claims(&realm, "billing", json!({})))).await;
    }
}

/// RFC 7515 section 4.1.11. The signature is good.
async fn assertion_with_an_unknown_critical_extension(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    let header = json!({"alg": "ES256", "kid": "one", "crit": ["b64"], "b64": false});
    is_refused(&realm, &jws::signed(&key.0, &header, &claims(&realm, "billing", json!({})))).await;
}

async fn assertion_of_another_time(app: &TestApp) {
    let realm = app.realm().await;
    let key = signing(&realm, "billing").await;
    let now_s = now_s();
    for times in [
        json!({"exp": now_s - 60}),
        json!({"exp": null}),
        json!({"iat": now_s + 600, "exp": now_s + 660}),
        json!({"nbf": now_s + 600}),
        json!({"iat": now_s - 600, "exp": now_s + 60}),
        json!({"iat": null, "exp": now_s + 86_400}),
        json!({"exp": "tomorrow"}),
    ] {
        is_refused(&realm, &key.sign(&claims(&realm, "billing", times))).await;
    }
}
