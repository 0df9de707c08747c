//! Clients that authenticate by a signed assertion.

use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::*;
use serde_json::json;

use crate::setting::*;
use crate::signing::*;

async fn keys_of_a_set_verify_their_algorithms(s: Setting) {
    let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let (rsa, p384) = (rsa(), EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap());
    let (p256, ed) = (ec256(), Ed25519KeyPair::generate().unwrap());
    let components = PublicKeyComponents::<Vec<u8>>::from(rsa.public_key());
    let ((x, y), (x384, y384)) = (point(&p256), point(&p384));
    let keys = json!([
        { "kty": "RSA", "kid": "r", "use": "sig", "n": b64(components.n), "e": b64(components.e) },
        { "kty": "EC", "crv": "P-256", "kid": "e", "alg": "ES256", "x": x, "y": y },
        { "kty": "EC", "crv": "P-384", "kid": "p", "alg": "ES384", "x": x384, "y": y384 },
        { "kty": "OKP", "crv": "Ed25519", "kid": "o", "x": b64(ed.public_key()) },
        { "kty": "oct", "k": "AAAA" },
    ]);
    create(&s, "signer", "client-jwt", "", key_set(keys)).await;
    let der = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
    let rsa = |encoding| Signer::Rsa(RsaKeyPair::from_pkcs8(der.as_ref()).unwrap(), encoding);
    for (algorithm, kid, signer) in [
        ("RS256", "r", rsa(&RSA_PKCS1_SHA256)),
        ("RS512", "r", rsa(&RSA_PKCS1_SHA512)),
        ("PS256", "r", rsa(&RSA_PSS_SHA256)),
        ("ES256", "e", Signer::Ec(p256)),
        ("ES384", "p", Signer::Ec(p384)),
        ("EdDSA", "o", Signer::Ed(ed)),
    ] {
        for header in [json!({ "alg": algorithm, "kid": kid }), json!({ "alg": algorithm })] {
            let jwt = assertion(&signer, header.clone(), "signer", json!({ "jti": "once" }));
            let answer =
                outcome(&s, presenting(&jwt)).await.unwrap_or_else(|why| panic!("{header}: {why:?}"));
            assert_eq!(
                (answer.method.as_str(), answer.client.unwrap().client_id.as_str()),
                ("client-jwt", "signer")
            );
            let id = AssertionId { id: "uuid-of-signer:once".to_owned(), ttl_s: 51 };
            assert_eq!(answer.assertion, Some(id));
        }
        let foreign = json!({ "alg": algorithm, "kid": "another" });
        let jwt = assertion(&signer, foreign, "signer", json!({}));
        assert_eq!(outcome(&s, presenting(&jwt)).await, fault("Unable to load public key"), "{algorithm}");
    }
}

async fn what_a_signed_assertion_is_refused_for(s: Setting) {
    let key = ec256();
    let (x, y) = point(&key);
    let keys = json!([{ "kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "x": x, "y": y }]);
    create(&s, "signer", "client-jwt", "", key_set(keys.clone())).await;
    let mut only = key_set(keys);
    only["token.endpoint.auth.signing.alg"] = json!("RS256");
    create(&s, "only-rs256", "client-jwt", "", only).await;
    create(&s, "keyless", "client-jwt", "", key_set(json!([]))).await;
    let (key, other) = (Signer::Ec(key), Signer::Ec(ec256()));
    let mac = Signer::Mac(hmac::HMAC_SHA256, "k".to_owned());
    let head = || json!({ "alg": "ES256", "kid": "k" });
    let ask = |jwt: String| presenting(&jwt);
    let failed = "Client authentication with signed JWT failed: ";
    let not_verified = format!("{failed}Signature on JWT token failed validation");
    for (request, expected) in [
        (
            ask(assertion(&key, head(), "signer", json!({ "aud": "https://elsewhere" }))),
            "Invalid token audience",
        ),
        (
            ask(assertion(&key, head(), "signer", json!({ "exp": NOW_MS / 1000 - 120 }))),
            "Token is not active",
        ),
        (ask(assertion(&other, head(), "signer", json!({}))), not_verified.as_str()),
        (
            ask(assertion(&key, json!({ "alg": "RS256", "kid": "k" }), "only-rs256", json!({}))),
            "Unable to load public key",
        ),
        (ask(assertion(&key, head(), "only-rs256", json!({}))), "Invalid signature algorithm"),
        (ask(assertion(&mac, json!({ "alg": "HS256" }), "signer", json!({}))), "Invalid signature algorithm"),
        (ask(assertion(&mac, json!({ "alg": "none" }), "signer", json!({}))), "Invalid signature algorithm"),
        (ask(assertion(&mac, json!({}), "signer", json!({}))), "Invalid signature algorithm"),
        (ask(assertion(&key, head(), "keyless", json!({}))), "Unable to load public key"),
        (
            AuthenticateRequest { client_id: Some("signer".to_owned()), ..presenting("garbage") },
            "Client authentication with signed JWT failed: java.lang.IllegalArgumentException: Parsing error",
        ),
    ] {
        assert_eq!(outcome(&s, request).await, fault(expected));
    }

    let generic = Err((Reason::ClientNotGiven, String::new()));
    let not_found = Err((Reason::ClientNotFound, String::new()));
    let good = || assertion(&key, head(), "signer", json!({}));
    let typed = |kind: Option<&str>, client_id: Option<&str>| AuthenticateRequest {
        client_assertion_type: kind.map(str::to_owned),
        client_id: client_id.map(str::to_owned),
        ..presenting(&good())
    };
    for (request, expected) in [
        (ask(assertion(&key, head(), "signer", json!({ "sub": null }))), generic.clone()),
        (ask(assertion(&key, head(), "signer", json!({ "iss": "other" }))), generic.clone()),
        (ask(assertion(&key, head(), "nobody", json!({}))), not_found.clone()),
        (ask(assertion(&key, head(), "orders", json!({}))), not_found.clone()),
        (presenting("garbage"), generic.clone()),
        (typed(None, None), generic.clone()),
        (typed(Some("urn:x"), None), generic),
        (typed(None, Some("signer")), Err((Reason::AssertionTypeMissing, String::new()))),
        (typed(Some(JWT_BEARER), Some("orders")), Err((Reason::InvalidCredentials, String::new()))),
        (by_secret("red", "signer", "password"), Err((Reason::AssertionTypeMissing, String::new()))),
    ] {
        assert_eq!(outcome(&s, request).await, expected);
    }
    assert!(outcome(&s, typed(Some(JWT_BEARER), Some("signer"))).await.is_ok());
}

async fn a_public_client_is_not_named_by_an_assertion(s: Setting) {
    let public = Client { public_client: true, ..client("red", "app") };
    s.create(NewClient { client: Some(public), secret: String::new() }).await.unwrap();
    let jwt = assertion(&Signer::Ec(ec256()), json!({ "alg": "ES256" }), "app", json!({}));
    assert_eq!(outcome(&s, presenting(&jwt)).await, Err((Reason::ClientNotFound, String::new())));
}

async fn a_certificate_verifies(s: Setting) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
    let key = Signer::Ec(
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der()).unwrap(),
    );
    let der = BASE64_STANDARD.encode(certificate.der());
    create(&s, "der", "client-jwt", "", json!({ "jwt.credential.certificate": der })).await;
    create(&s, "pem", "client-jwt", "", json!({ "jwt.credential.certificate": certificate.pem() })).await;
    let info = rcgen::PublicKeyData::subject_public_key_info(&pair);
    let kid = b64(digest::digest(&digest::SHA256, &info));
    for client_id in ["der", "pem"] {
        for (header, expected) in [
            (json!({ "alg": "ES256" }), None),
            (json!({ "alg": "ES256", "kid": kid }), None),
            (json!({ "alg": "ES256", "kid": "whatever" }), Some("Unable to load public key".to_owned())),
        ] {
            let jwt = assertion(&key, header.clone(), client_id, json!({}));
            let denied = outcome(&s, presenting(&jwt)).await.err().map(|(_, detail)| detail);
            assert_eq!(denied, expected, "{client_id} {header}");
        }
    }
}

async fn a_mac_under_the_secret_verifies(s: Setting) {
    create(&s, "mac", "client-secret-jwt", "short", json!({})).await;
    let by = |algorithm, secret: &str| Signer::Mac(algorithm, secret.to_owned());
    for (name, algorithm) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        let jwt = assertion(&by(algorithm, "short"), json!({ "alg": name }), "mac", json!({}));
        let answer = outcome(&s, presenting(&jwt)).await.unwrap();
        assert_eq!(answer.method, "client-secret-jwt");
        assert_eq!(answer.assertion.unwrap().ttl_s, 51);
    }
    let head = || json!({ "alg": "HS256" });
    let wrong = assertion(&by(hmac::HMAC_SHA256, "trohs"), head(), "mac", json!({}));
    let detail = "Client authentication with client secret signed JWT failed: Signature on JWT token by client secret  failed validation";
    let denied = Err((Reason::InvalidCredentials, detail.to_owned()));
    assert_eq!(outcome(&s, presenting(&wrong)).await, denied);
    let plain = outcome(&s, by_secret("red", "mac", "short")).await;
    assert_eq!(plain, Err((Reason::AssertionTypeMissing, String::new())));

    s.set_secret("red", "uuid-of-mac", "second", 10).await;
    for secret in ["short", "second"] {
        let jwt = assertion(&by(hmac::HMAC_SHA256, secret), head(), "mac", json!({}));
        assert!(outcome(&s, presenting(&jwt)).await.is_ok());
    }
    s.clock.advance_s(10);
    let ended = assertion(&by(hmac::HMAC_SHA256, "short"), head(), "mac", json!({}));
    assert_eq!(outcome(&s, presenting(&ended)).await, denied);
}

contract!(
    keys_of_a_set_verify_their_algorithms,
    what_a_signed_assertion_is_refused_for,
    a_public_client_is_not_named_by_an_assertion,
    a_certificate_verifies,
    a_mac_under_the_secret_verifies,
);
