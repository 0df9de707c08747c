//! DPoP proofs, up to whether they were used before: as they are, or a header and claims that are signed by the key in the header.
//! What is believed must be a proof of that key, for this request and this moment.
#![no_main]

use aws_lc_rs::digest::{SHA256, digest};
use latchkey_fuzz::jws::{NOW_S, SIGNER, completed, damaged, decoded, encoded, parts};
use latchkey_gateway::fuzzing::verify_proof;
use serde_json::{Value, json};

const METHOD: &str = "POST";
const URL: &str = "https://id.example/realms/a/protocol/openid-connect/token";
const ACCESS_TOKEN: &str = "token";
/// The longest time (seconds) for which a proof may be good: its age, and the clocks.
const LONGEST_S: i64 = 40;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let proof = match text.split_once('\n') {
        Some((header, claims)) => {
            let header = completed(header, &[("alg", json!("EdDSA")), ("jwk", SIGNER.jwk())]);
            SIGNER.sign(&header, claims)
        }
        None => text.to_owned(),
    };
    for access_token in [None, Some(ACCESS_TOKEN)] {
        let verify = |proof: &str, request, now_s| verify_proof(proof, request, access_token, now_s);
        let Ok((thumbprint, jti)) = verify(&proof, (METHOD, URL), NOW_S) else { continue };
        check_header(&parts(&proof).0, &thumbprint);
        check_claims(&parts(&proof).1, &jti, access_token);
        assert!(verify(&proof, ("GET", URL), NOW_S).is_err());
        assert!(verify(&proof, (METHOD, "https://id.example/realms/b"), NOW_S).is_err());
        assert!(verify(&proof, (METHOD, URL), NOW_S + LONGEST_S + 1).is_err());
        assert!(verify(&proof, (METHOD, URL), NOW_S - LONGEST_S - 1).is_err());
        let damaged = damaged(&proof).expect("a proof has a signature");
        assert!(verify(&damaged, (METHOD, URL), NOW_S).is_err());
    }
});

fn check_header(header: &Value, thumbprint: &str) {
    assert_eq!(header["typ"], "dpop+jwt");
    assert!(header["crit"].is_null());
    let key = &header["jwk"];
    assert!(key["d"].is_null() && key["k"].is_null());
    let algorithm = header["alg"].as_str().expect("an algorithm is named");
    let size = |name: &str| decoded(key[name].as_str().unwrap_or_default()).map_or(0, |bytes| bytes.len());
    let members = match (algorithm, key["kty"].as_str(), key["crv"].as_str()) {
        ("RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512", Some("RSA"), _) => {
            json!({ "e": key["e"], "kty": "RSA", "n": key["n"] })
        }
        ("ES256", Some("EC"), Some("P-256")) => ec(key, 32, (size("x"), size("y"))),
        ("ES384", Some("EC"), Some("P-384")) => ec(key, 48, (size("x"), size("y"))),
        ("ES512", Some("EC"), Some("P-521")) => ec(key, 66, (size("x"), size("y"))),
        ("EdDSA", Some("OKP"), Some("Ed25519")) => {
            json!({ "crv": "Ed25519", "kty": "OKP", "x": key["x"] })
        }
        other => panic!("this key is not for this algorithm: {other:?}"),
    };
    assert_eq!(thumbprint, encoded(digest(&SHA256, members.to_string().as_bytes()).as_ref()));
}

/// Else one key could be written in several ways, each with a thumbprint of its own.
fn ec(key: &Value, whole: usize, sizes: (usize, usize)) -> Value {
    assert_eq!(sizes, (whole, whole), "the coordinates have the size of the curve");
    json!({ "crv": key["crv"], "kty": "EC", "x": key["x"], "y": key["y"] })
}

fn check_claims(claims: &Value, jti: &str, access_token: Option<&str>) {
    assert_eq!(claims["jti"], jti);
    assert_eq!(claims["htm"], METHOD);
    assert_eq!(claims["htu"].as_str().and_then(|url| url.split(['?', '#']).next()), Some(URL));
    let age_s = NOW_S - claims["iat"].as_i64().expect("it says when it was made");
    assert!(age_s.abs() <= LONGEST_S, "{age_s}");
    if let Some(token) = access_token {
        assert_eq!(claims["ath"], encoded(digest(&SHA256, token.as_bytes()).as_ref()));
    }
}
