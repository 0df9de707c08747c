//! Tokens that the realm has not signed, or not so.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::doors::{ACCESS, ID, NOTHING, REFRESH, opened, tokens, trusted};
use crate::app::jws::{self, b64, compact, rs256};
use crate::app::{KeyServer, Realm, TestApp, claims, header_of};

scenarios!(
    whoever_has_the_genuine_token_gets_in,
    algorithm_none,
    hmac_under_the_public_key,
    algorithm_that_is_not_the_keys,
    kid_injection,
    key_that_comes_with_the_token,
    key_by_url,
    claims_changed_after_signing,
    signature_taken_away_or_cut,
    unknown_critical_extension,
    encrypted_token_of_a_stranger,
    claims_that_contradict_the_realm,
);

async fn whoever_has_the_genuine_token_gets_in(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await;
    assert_eq!(opened(&billing, &genuine.access).await, ACCESS);
    assert_eq!(opened(&billing, &genuine.refresh).await, REFRESH);
    assert_eq!(opened(&billing, &genuine.id).await, ID);
}

/// RFC 8725 sections 2.1 and 3.2.
async fn algorithm_none(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await;
    for token in [&genuine.access, &genuine.refresh] {
        let signature = token.rsplit('.').next().unwrap();
        for alg in ["none", "None", "nOnE", ""] {
            for header in
                [json!({"alg": alg}), json!({"alg": alg, "typ": "JWT", "kid": header_of(token)["kid"]})]
            {
                let unsigned = compact(&header, &claims(token), |_| Vec::new());
                assert_eq!(opened(&billing, &unsigned).await, NOTHING, "{header}");
                assert_eq!(opened(&billing, &format!("{unsigned}{signature}")).await, NOTHING, "{header}");
            }
        }
    }
}

/// RFC 8725 section 2.1: what everybody may see is taken for a shared secret.
async fn hmac_under_the_public_key(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await;
    let kid = &header_of(&genuine.access)["kid"];
    let hs512 = &header_of(&genuine.refresh)["kid"];
    let keys = realm.get("/keys").await;
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == *kid).unwrap();
    let public_key = key["publicKey"].as_str().unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public_key}\n-----END PUBLIC KEY-----\n");
    let jwks = realm.document("/protocol/openid-connect/certs").await.expect(200);
    let secrets = [
        STANDARD.decode(public_key).unwrap(),
        pem.into(),
        public_key.into(),
        jwks.body.into_bytes(),
        Vec::new(),
    ];
    for (alg, algorithm, kid) in [
        ("HS256", hmac::HMAC_SHA256, kid),
        ("HS512", hmac::HMAC_SHA512, kid),
        ("HS512", hmac::HMAC_SHA512, hs512),
        ("RS256", hmac::HMAC_SHA256, kid),
    ] {
        for secret in &secrets {
            let header = json!({"alg": alg, "typ": "JWT", "kid": kid});
            let sign =
                |signed: &[u8]| hmac::sign(&hmac::Key::new(algorithm, secret), signed).as_ref().to_vec();
            for token in [&genuine.access, &genuine.refresh] {
                let forged = compact(&header, &claims(token), sign);
                assert_eq!(opened(&billing, &forged).await, NOTHING, "{header}");
            }
        }
    }
}

/// RFC 8725 section 3.1: the key says which algorithm is good.
async fn algorithm_that_is_not_the_keys(app: &TestApp) {
    let realm = app.realm().await;
    let (key, kid) = uploaded_key(&realm).await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await.access;
    assert_eq!(header_of(&genuine)["kid"], kid, "the uploaded key signs");
    let signed_as = |alg: &str| {
        let header = json!({"alg": alg, "typ": "JWT", "kid": kid});
        compact(&header, &claims(&genuine), |signed| rs256(&key, signed))
    };
    assert_eq!(opened(&billing, &signed_as("RS256")).await, ACCESS, "that is how it is signed");
    for alg in ["RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256", "RSA-OAEP", "rs256", "RS256 "] {
        assert_eq!(opened(&billing, &signed_as(alg)).await, NOTHING, "{alg}");
    }
}

/// RFC 8725 section 3.10.
async fn kid_injection(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await.access;
    let signature = genuine.rsplit('.').next().unwrap();
    let empty = hmac::Key::new(hmac::HMAC_SHA512, b"");
    for kid in [
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("' UNION SELECT '' --"),
        json!("%' OR 1=1 --"),
        json!("file:///dev/null"),
        json!("http://127.0.0.1:1/keys"),
        json!("| id"),
        json!("\u{0}"),
        json!("x".repeat(20_000)),
        json!(""),
        json!(null),
        json!(["a"]),
    ] {
        for alg in ["RS256", "HS512"] {
            let header = json!({"alg": alg, "typ": "JWT", "kid": kid});
            let forged =
                compact(&header, &claims(&genuine), |signed| hmac::sign(&empty, signed).as_ref().to_vec());
            assert_eq!(opened(&billing, &forged).await, NOTHING);
            let (signed, _) = forged.rsplit_once('.').unwrap();
            assert_eq!(opened(&billing, &format!("{signed}.{signature}")).await, NOTHING);
        }
    }
}

/// RFC 8725 section 3.10, RFC 7515 sections 4.1.3 and 4.1.6.
async fn key_that_comes_with_the_token(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await.access;
    let own = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = jws::point(&own);
    let kid = header_of(&genuine)["kid"].clone();
    let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y});
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
    for header in [
        json!({"alg": "ES256", "jwk": jwk}),
        json!({"alg": "ES256", "jwk": jwk, "kid": kid}),
        json!({"alg": "ES256", "x5c": [STANDARD.encode(certificate.der())], "kid": kid}),
    ] {
        let forged = jws::signed(&own, &header, &claims(&genuine));
        assert_eq!(opened(&billing, &forged).await, NOTHING, "{header}");
    }
}

/// RFC 8725 section 3.10, RFC 7515 sections 4.1.2 and 4.1.5.
async fn key_by_url(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await.access;
    let (server, issuer) = KeyServer::start().await;
    let assertion = issuer.assertion("x", "y", json!({}));
    for member in ["jku", "x5u"] {
        let header = json!({"alg": "ES256", "typ": "JWT", member: server.url("/keys")});
        let (_, rest) = assertion.split_once('.').unwrap();
        assert_eq!(opened(&billing, &format!("{}.{rest}", b64(header.to_string()))).await, NOTHING);
        let (_, rest) = genuine.split_once('.').unwrap();
        assert_eq!(opened(&billing, &format!("{}.{rest}", b64(header.to_string()))).await, NOTHING);
    }
}

async fn claims_changed_after_signing(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let admin = claims(&app.admin_token().await);
    let genuine = tokens(&billing).await;
    for token in [&genuine.access, &genuine.refresh] {
        let parts: Vec<&str> = token.split('.').collect();
        for (name, value) in [
            ("exp", json!(4_000_000_000_i64)),
            ("sub", admin["sub"].clone()),
            ("azp", json!("admin-cli")),
            ("typ", json!("Bearer")),
            ("aud", json!(["billing", "account", "realm-management"])),
            ("resource_access", json!({"realm-management": {"roles": ["realm-admin"]}})),
            ("jti", json!("another")),
        ] {
            let mut changed = claims(token);
            // Also a space more would be another text than the signed one.
            changed[name] = if changed[name] == value { json!("another") } else { value };
            let forged = format!("{}.{}.{}", parts[0], b64(changed.to_string()), parts[2]);
            assert_eq!(opened(&billing, &forged).await, NOTHING, "{name}");
        }
    }
}

async fn signature_taken_away_or_cut(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await;
    for token in [&genuine.access, &genuine.refresh] {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let zeros = "A".repeat(signature.len());
        for signature in ["", "AAAA", &signature[..signature.len() - 4], &zeros, &format!("{signature}AAAA")]
        {
            assert_eq!(opened(&billing, &format!("{signed}.{signature}")).await, NOTHING);
        }
        for token in [signed.to_owned(), format!("{token}.{signature}"), format!(".{signed}.{signature}")] {
            assert_eq!(opened(&billing, &token).await, NOTHING);
        }
    }
}

/// RFC 7515 section 4.1.11. The signature is good.
async fn unknown_critical_extension(app: &TestApp) {
    let realm = app.realm().await;
    let (key, kid) = uploaded_key(&realm).await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await.access;
    for (name, value) in [("b64", json!(false)), ("exp", json!(1)), ("http://example.com/x", json!(true))] {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": kid, "crit": [name], name: value});
        let forged = compact(&header, &claims(&genuine), |signed| rs256(&key, signed));
        assert_eq!(opened(&billing, &forged).await, NOTHING, "{name}");
    }
}

/// RFC 8725 section 2.3: a JWE is not signed, whoever encrypts it needs only the public key.
async fn encrypted_token_of_a_stranger(app: &TestApp) {
    let realm = app.realm().await;
    let billing = trusted(&realm, "billing").await;
    let genuine = tokens(&billing).await.access;
    let jwks = realm.document("/protocol/openid-connect/certs").await.expect(200).json();
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["use"] == "enc").unwrap();
    let header = json!({"alg": key["alg"], "enc": "A256GCM", "cty": "JWT", "kid": key["kid"], "zip": "DEF"});
    let jwe = format!(
        "{}.{}.{}.{}.{}",
        b64(header.to_string()),
        b64([1; 256]),
        b64([2; 12]),
        b64(&genuine),
        b64([3; 16])
    );
    assert_eq!(opened(&billing, &jwe).await, NOTHING);
    let nested = compact(&json!({"alg": "none", "cty": "JWT"}), &json!(genuine), |_| Vec::new());
    assert_eq!(opened(&billing, &nested).await, NOTHING);
}

/// A good signature is not all: the time, the issuer, the client and the session count too.
async fn claims_that_contradict_the_realm(app: &TestApp) {
    let realm = app.realm().await;
    let (key, kid) = uploaded_key(&realm).await;
    let billing = trusted(&realm, "billing").await;
    let genuine = claims(&tokens(&billing).await.access);
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": kid});
    for (name, value) in [
        ("exp", json!(1_000_000_000)),
        ("nbf", json!(4_000_000_000_i64)),
        ("iss", json!(app.url("/realms/master"))),
        ("iss", json!("")),
        ("azp", json!("nobody")),
        ("sid", json!("no-such-session")),
    ] {
        let mut changed = genuine.clone();
        changed[name] = value.clone();
        let forged = compact(&header, &changed, |signed| rs256(&key, signed));
        assert_eq!(opened(&billing, &forged).await, NOTHING, "{name}: {value}");
    }
}

/// Has the realm sign with a key that the test has too.
pub(super) async fn uploaded_key(realm: &Realm<'_>) -> (RsaKeyPair, Value) {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let component = json!({
        "name": "uploaded",
        "providerId": "rsa",
        "providerType": "org.keycloak.keys.KeyProvider",
        "config": {"priority": ["200"], "privateKey": [STANDARD.encode(der.as_ref())]},
    });
    realm.make("/components", &component).await;
    let kid = realm.get("/keys").await["active"]["RS256"].clone();
    (key, kid)
}
