//! Key sets, as they are fetched, pasted or uploaded: read, asked for a key, and verified with. A signature must be believed if its key
//! stands in the set, for its algorithm, and by no other key.
#![no_main]

use latchkey_api::registry::v1::{KeyFileFormat, UploadClientKeyRequest};
use latchkey_client_registry::fuzzing::{Keys, uploaded};
use latchkey_fuzz::jws::{MESSAGE, SIGNATURES, Signature, decoded};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for format in [KeyFileFormat::JsonWebKeySet, KeyFileFormat::PublicKeyPem, KeyFileFormat::CertificatePem] {
        let upload = UploadClientKeyRequest {
            format: format.into(),
            file: data.to_vec().into(),
            ..UploadClientKeyRequest::default()
        };
        let Some(key) = uploaded(&upload).filter(|_| format == KeyFileFormat::JsonWebKeySet) else {
            continue;
        };
        let bare = Keys::of_info(&key.public_key).expect("what is kept of a key can be read");
        let set = Keys::of_key_set(data).expect("what was taken for a key set is one");
        assert!(bare.meet(&set), "it is another key");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let keys = Keys::of_text(text, None);
        let named = Keys::of_text(text, Some("k"));
        assert_eq!(keys.count(), named.count());
        check_pasted(&keys);
    }
    let Some(keys) = Keys::of_key_set(data) else { return };
    let document: Value = serde_json::from_slice(data).expect("a key set is JSON");
    let documents = document["keys"].as_array().expect("a key set has keys");
    assert!(keys.count() <= documents.len());
    for known in SIGNATURES.iter() {
        let verifies = |kid: Option<&str>| keys.verify((kid, &known.algorithm), MESSAGE, &known.signature);
        let is_it = |key: &&Value| is_key_of(known, key);
        let found: Vec<&Value> = documents.iter().filter(is_it).collect();
        assert!(!verifies(None) || !found.is_empty(), "{} by a key that is not there", known.algorithm);
        assert!(
            verifies(None) || !found.iter().any(|key| is_plain(key)),
            "{} not by its key",
            known.algorithm
        );
        for kid in documents.iter().filter_map(|key| key["kid"].as_str()) {
            let is_named = found.iter().any(|key| key["kid"] == kid);
            assert!(!verifies(Some(kid)) || is_named, "{} by a key of another id", known.algorithm);
        }
        assert!(!keys.verify((None, &known.algorithm), b"another message", &known.signature));
        assert!(!keys.verify((None, "none"), MESSAGE, &known.signature));
        assert!(!keys.verify((None, "HS256"), MESSAGE, &known.signature));
    }
});

fn check_pasted(keys: &Keys) {
    for known in SIGNATURES.iter() {
        if keys.verify((None, &known.algorithm), MESSAGE, &known.signature) {
            assert!(!keys.verify((None, &known.algorithm), b"another message", &known.signature));
        }
    }
}

/// Whether it is the JWK of the key that has signed, and for this algorithm.
fn is_key_of(known: &Signature, key: &Value) -> bool {
    let same = |name: &str| key[name] == known.key[name];
    let number = |key: &Value, name: &str| {
        let bytes = key[name].as_str().and_then(decoded)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec())
    };
    let is_material = match known.key["kty"].as_str() {
        Some("RSA") => ["n", "e"].iter().all(|name| number(key, name) == number(&known.key, name)),
        Some("EC") => same("crv") && same("x") && same("y"),
        _ => same("crv") && same("x"),
    };
    let is_for = |name: &str, allowed: &[&str]| {
        key[name].is_null() || key[name].as_str().is_some_and(|value| allowed.contains(&value))
    };
    same("kty") && is_material && is_for("alg", &[&known.algorithm]) && is_for("use", &["sig", "jwt-svid"])
}

/// Whether every member is a text, so that nothing in it can keep a key from being read.
fn is_plain(key: &Value) -> bool {
    key.as_object().is_some_and(|members| members.values().all(Value::is_string))
}
