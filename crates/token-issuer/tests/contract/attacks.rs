//! What must never verify.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_api::issuer::v1::verify_response::Fault;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::setting::*;

async fn alg_none_is_refused(s: Setting) {
    let token = s.issue("red", "RS256").await;
    let claims = token.split('.').nth(1).unwrap();
    for alg in ["none", "None", "NONE", ""] {
        for header in [json!({ "alg": alg }), json!({ "alg": alg, "typ": "JWT", "kid": kid(&token) })] {
            for signature in ["", token.rsplit('.').next().unwrap()] {
                let forged = format!("{}.{claims}.{signature}", encoded(&header));
                assert_eq!(s.fault("red", &forged).await, Some(Fault::Malformed));
            }
        }
    }
}

async fn an_hmac_under_the_public_key_is_refused(s: Setting) {
    let token = s.issue("red", "RS256").await;
    let claims = token.split('.').nth(1).unwrap();
    let listed = s.list_keys("red").await.keys;
    let public_key = &listed.iter().find(|key| key.kid == kid(&token)).unwrap().public_key;
    let der = STANDARD.decode(public_key).unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public_key}\n-----END PUBLIC KEY-----\n");
    let hs512 = listed.iter().find(|key| key.algorithm == "HS512").unwrap();
    for (alg, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS512", hmac::HMAC_SHA512)] {
        for kid in [kid(&token), hs512.kid.clone()] {
            let signed = format!("{}.{claims}", encoded(&json!({ "alg": alg, "typ": "JWT", "kid": kid })));
            for secret in [der.as_slice(), pem.as_bytes(), public_key.as_bytes(), b""] {
                let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
                let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
                assert!(s.fault("red", &forged).await.is_some(), "{alg}");
            }
        }
    }
}

async fn a_token_of_another_realm_is_refused(s: Setting) {
    for algorithm in ["RS256", "HS512"] {
        let (red, blue) = (s.issue("red", algorithm).await, s.issue("blue", algorithm).await);
        assert_ne!(kid(&red), kid(&blue));
        assert_eq!(s.fault("blue", &red).await, Some(Fault::UnknownKey));
        // Red's key under blue's kid.
        let (_, signed_by_red) = red.split_once('.').unwrap();
        let (header_of_blue, _) = blue.split_once('.').unwrap();
        let forged = format!("{header_of_blue}.{signed_by_red}");
        assert_eq!(s.fault("blue", &forged).await, Some(Fault::Signature));
    }
}

async fn a_tampered_token_is_refused(s: Setting) {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA", "HS512"] {
        let token = s.issue("red", algorithm).await;
        s.verified("red", &token).await;
        let parts: Vec<&str> = token.split('.').collect();
        let mut claims = part(&token, 1);
        claims["sub"] = json!("administrator");
        let forged = format!("{}.{}.{}", parts[0], encoded(&claims), parts[2]);
        assert_eq!(s.fault("red", &forged).await, Some(Fault::Signature));
        for signature in ["", "AAAA", &parts[2][..40]] {
            let cut = format!("{}.{}.{signature}", parts[0], parts[1]);
            assert_eq!(s.fault("red", &cut).await, Some(Fault::Signature));
        }
        assert_eq!(s.fault("red", &format!("{}.{}", parts[0], parts[1])).await, Some(Fault::Malformed));
        assert_eq!(s.fault("red", &format!("{token}.{}", parts[2])).await, Some(Fault::Malformed));
    }
}

async fn a_key_verifies_its_own_algorithm_only(s: Setting) {
    s.issue("red", "PS256").await;
    let token = s.issue("red", "RS256").await;
    let (_, rest) = token.split_once('.').unwrap();
    for alg in ["RS384", "PS256", "ES256", "RSA-OAEP"] {
        let header = encoded(&json!({ "alg": alg, "typ": "JWT", "kid": kid(&token) }));
        assert!(s.fault("red", &format!("{header}.{rest}")).await.is_some(), "{alg}");
    }
    let without_kid = encoded(&json!({ "alg": "RS256", "typ": "JWT" }));
    assert_eq!(s.fault("red", &format!("{without_kid}.{rest}")).await, Some(Fault::UnknownKey));
}

async fn a_key_or_an_extension_in_the_header_is_refused(s: Setting) {
    let token = s.issue("red", "RS256").await;
    let (_, rest) = token.split_once('.').unwrap();
    for header in [
        json!({ "alg": "RS256", "kid": kid(&token), "crit": ["b64"], "b64": false }),
        json!({ "alg": "RS256", "jwk": s.jwks("blue").await[0], "kid": s.jwks("blue").await[0]["kid"] }),
        json!({ "alg": "RS256", "kid": "../../blue" }),
    ] {
        assert!(s.fault("red", &format!("{}.{rest}", encoded(&header))).await.is_some());
    }
}

/// Not over PostgreSQL too: nothing here asks the database.
#[test]
fn verifying_never_panics() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let setting = runtime.block_on(Setting::sqlite());
    let token = runtime.block_on(setting.issue("red", "RS256"));
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let own = move |index: usize| Just(parts[index].clone());
    let any = || {
        let json = r#"\{"(alg|kid|typ|exp|crit)":("[A-Za-z0-9]{0,6}"|[0-9]{1,25}|null|\[\]|\{\})\}"#;
        prop_oneof![".{0,40}", "[A-Za-z0-9_=-]{0,60}", json.prop_map(|text| URL_SAFE_NO_PAD.encode(text))]
    };
    let header = prop_oneof![own(0), any()];
    let claims = prop_oneof![own(1), any()];
    let signature = prop_oneof![own(2), any()];
    let structured = (header, claims, signature).prop_map(|(h, c, s)| format!("{h}.{c}.{s}"));
    let tokens = prop_oneof![structured, any(), Just("..".to_owned()), Just(".".repeat(300_000))];
    let outcome = TestRunner::default().run(&tokens, |forged| {
        let fault = runtime.block_on(setting.fault("red", &forged));
        prop_assert_eq!(fault.is_none(), forged == token);
        Ok(())
    });
    outcome.unwrap();
}

contract!(
    alg_none_is_refused,
    an_hmac_under_the_public_key_is_refused,
    a_token_of_another_realm_is_refused,
    a_tampered_token_is_refused,
    a_key_verifies_its_own_algorithm_only,
    a_key_or_an_extension_in_the_header_is_refused,
);
