//! Tokens of every algorithm: signed, verified by another library with the published keys, and verified here.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::*;
use serde_json::{Value, json};
use tonic::Request;

use crate::setting::*;

const ASYMMETRIC: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/// Verifies as a resource server does.
fn verify_elsewhere(token: &str, jwk: &Value) -> Value {
    if jwk["crv"] == "P-521" {
        // The library knows no ES512.
        let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let point = [vec![4], number("x"), number("y")].concat();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
        return part(token, 1);
    }
    let parsed: Jwk = serde_json::from_value(jwk.clone()).unwrap();
    let mut validation = Validation::new(decode_header(token).unwrap().alg);
    validation.validate_exp = false;
    validation.set_audience(&["account"]);
    decode::<Value>(token, &DecodingKey::from_jwk(&parsed).unwrap(), &validation).unwrap().claims
}

async fn tokens_of_every_asymmetric_algorithm_verify_with_the_published_keys(s: Setting) {
    for algorithm in ASYMMETRIC {
        let token = s.issue("red", algorithm).await;
        let header = part(&token, 0);
        assert_eq!((&header["alg"], &header["typ"]), (&json!(algorithm), &json!("JWT")));
        let jwks = s.jwks("red").await;
        let jwk = jwks.iter().find(|jwk| jwk["kid"] == header["kid"]).unwrap();
        assert_eq!((&jwk["alg"], &jwk["use"]), (&json!(algorithm), &json!("sig")));
        assert_eq!(jwk.get("x5c").is_some(), jwk["kty"] == "RSA");
        let claims = verify_elsewhere(&token, jwk);
        assert_eq!((&claims["sub"], &claims["azp"]), (&json!("subject"), &json!("orders")));
        let verified = s.verified("red", &token).await;
        assert_eq!((verified.algorithm.as_str(), verified.header_type.as_str()), (algorithm, "JWT"));
        assert_eq!(serde_json::from_slice::<Value>(&verified.claims).unwrap(), claims);
    }
}

async fn symmetric_algorithms_verify_here_only(s: Setting) {
    let published = s.jwks("red").await.len();
    for algorithm in ["HS256", "HS384", "HS512"] {
        let token = s.issue("red", algorithm).await;
        assert_eq!(s.verified("red", &token).await.algorithm, algorithm);
    }
    assert_eq!(s.jwks("red").await.len(), published, "secrets are never published");
}

async fn the_issuers_own_claims_are_told_apart(s: Setting) {
    let token = s.issue("red", "RS256").await;
    let claims = part(&token, 1);
    let jti = claims["jti"].as_str().unwrap();
    assert!(jti.starts_with("trrtcc:") && jti.len() == "trrtcc:".len() + 36);
    let expected = json!({
        "exp": NOW_MS / 1000 + 300,
        "iat": NOW_MS / 1000,
        "jti": jti,
        "iss": "https://id.example/realms/red",
        "typ": "Bearer",
        "azp": "orders",
        "sid": "session",
        "scope": "email profile",
        "aud": "account",
        "sub": "subject",
    });
    assert_eq!(claims, expected);
    let verified = s.verified("red", &token).await;
    assert_eq!(
        (&*verified.token_type, &*verified.jti, &*verified.issuer, &*verified.subject),
        ("Bearer", jti, "https://id.example/realms/red", "subject")
    );
    assert_eq!(
        (&*verified.azp, &*verified.session_id, &*verified.scope),
        ("orders", "session", "email profile")
    );
    assert_eq!(verified.expires_at_s - verified.issued_at_s, 300);
    assert!(!verified.expired);
}

async fn one_answer_has_three_tokens(s: Setting) {
    let request = IssueRequest {
        realm_id: "red".to_owned(),
        access_token: Some(TokenToSign { header_type: "at+jwt".to_owned(), ..access_token("RS256") }),
        refresh_token: Some(TokenToSign {
            token_type: "Refresh".to_owned(),
            jti: "given".to_owned(),
            ..access_token("HS512")
        }),
        id_token: Some(TokenToSign { token_type: "ID".to_owned(), at_hash: true, ..access_token("ES256") }),
    };
    let issued = answer(s.service.issue(Request::new(request)).await).unwrap();
    assert_eq!(part(&issued.access_token, 0)["typ"], "at+jwt");
    assert_eq!(s.verified("red", &issued.access_token).await.header_type, "at+jwt");
    assert_eq!(
        (issued.jti.as_str(), issued.issued_at_s),
        (part(&issued.access_token, 1)["jti"].as_str().unwrap(), NOW_MS / 1000)
    );
    let refresh = s.verified("red", &issued.refresh_token).await;
    assert_eq!((&*refresh.algorithm, &*refresh.token_type, &*refresh.jti), ("HS512", "Refresh", "given"));
    let half = &digest(&SHA256, issued.access_token.as_bytes()).as_ref()[..16].to_vec();
    assert_eq!(part(&issued.id_token, 1)["at_hash"], URL_SAFE_NO_PAD.encode(half));
    assert!(part(&issued.access_token, 1).get("at_hash").is_none());
}

async fn other_header_types_are_written_and_read(s: Setting) {
    let token = TokenToSign { header_type: "logout+jwt".to_owned(), lifetime_s: 0, ..access_token("RS256") };
    let request =
        IssueRequest { realm_id: "red".to_owned(), access_token: Some(token), ..IssueRequest::default() };
    let token = answer(s.service.issue(Request::new(request)).await).unwrap().access_token;
    let verified = s.verified("red", &token).await;
    assert_eq!((verified.header_type.as_str(), verified.expires_at_s), ("logout+jwt", 0));
}

async fn a_certificate_holds_the_published_key(s: Setting) {
    for jwk in s.jwks("red").await {
        let der = STANDARD.decode(jwk["x5c"][0].as_str().unwrap()).unwrap();
        assert_eq!(jwk["x5t#S256"], URL_SAFE_NO_PAD.encode(digest(&SHA256, &der)));
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert!(certificate.verify_signature(None).is_ok(), "it is self-signed");
        assert_eq!(certificate.subject().to_string(), "CN=red");
        assert_eq!(certificate.validity().not_before.timestamp(), NOW_MS / 1000);
        let listed = s.list_keys("red").await.keys;
        let key = listed.iter().find(|key| jwk["kid"] == *key.kid).unwrap();
        assert_eq!(key.certificate, STANDARD.encode(&der));
        assert_eq!(key.public_key, STANDARD.encode(certificate.public_key().raw));
        assert_eq!(key.valid_to_ms, certificate.validity().not_after.timestamp() * 1000);
    }
}

contract!(
    tokens_of_every_asymmetric_algorithm_verify_with_the_published_keys,
    symmetric_algorithms_verify_here_only,
    the_issuers_own_claims_are_told_apart,
    one_answer_has_three_tokens,
    other_header_types_are_written_and_read,
    a_certificate_holds_the_published_key,
);
