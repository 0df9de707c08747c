//! Client assertions: as they are, or a header and claims that are signed by a key of the client. What is believed must be signed by
//! such a key, by the client, for us, and good only for as long as it is kept in mind.
#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use latchkey_api::registry::v1::{AuthenticateRequest, Client};
use latchkey_client_registry::fuzzing::{authenticate_by_assertion, lifetime_of_assertion};
use latchkey_fuzz::jws::{NOW_S, SIGNATURES, SIGNER, STRANGER, completed, damaged, encoded, parts};
use serde_json::{Value, json};

const AUDIENCES: [&str; 2] =
    ["https://id.example/realms/a", "https://id.example/realms/a/protocol/openid-connect/token"];
const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest time (seconds) for which an assertion may be good: its age, and the clocks.
const LONGEST_S: i64 = 60 + 15 + 1;
/// Other windows that an issuer's settings may ask for: clock skew and greatest age, seconds.
const WINDOWS: [(i64, i64); 4] = [(0, 300), (15, 60), (300, 86_400), (0, 3600)];

/// What the keys whose private halves are gone have signed.
const SIGNED: [&str; 7] = [
    include_str!("../corpus/assertion/rsa"),
    include_str!("../corpus/assertion/rsa-pss"),
    include_str!("../corpus/assertion/p256"),
    include_str!("../corpus/assertion/p384"),
    include_str!("../corpus/assertion/ed"),
    include_str!("../corpus/assertion/without-kid"),
    include_str!("../corpus/assertion/expired"),
];

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let mut keys: Vec<Value> = SIGNATURES.iter().map(|known| known.key.clone()).collect();
    let mut signer = SIGNER.jwk();
    signer["kid"] = json!("signer");
    keys.push(signer);
    let attributes = [
        ("use.jwks.string".to_owned(), "true".to_owned()),
        ("jwks.string".to_owned(), json!({ "keys": keys }).to_string()),
    ];
    Client {
        id: "uuid".to_owned(),
        client_id: "orders".to_owned(),
        attributes: attributes.into_iter().collect(),
        ..Client::default()
    }
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((header, claims)) = text.split_once('\n') else {
        if is_believed(text) {
            let signed = |jws: &str| jws.rsplit_once('.').map(|(signed, _)| signed.to_owned());
            assert!(SIGNED.iter().any(|known| signed(known) == signed(text)), "no key has signed it");
        }
        return;
    };
    let header = completed(header, &[("alg", json!("EdDSA")), ("kid", json!("signer"))]);
    is_believed(&SIGNER.sign(&header, claims));
    assert!(!is_believed(&STRANGER.sign(&header, claims)), "a stranger has signed it");
    assert!(!is_believed(&mac_by_public_key(claims)), "what everybody knows is no secret");
});

/// RFC 8725 section 2.1: a MAC under the text of a public key.
fn mac_by_public_key(claims: &str) -> String {
    let header = json!({ "alg": "HS256", "kid": "signer" }).to_string();
    let signed = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNER.public_key());
    format!("{signed}.{}", encoded(hmac::sign(&key, signed.as_bytes()).as_ref()))
}

fn is_believed(assertion: &str) -> bool {
    for (clock_skew_s, max_age_s) in WINDOWS {
        let lifetime = |now_s| lifetime_of_assertion(assertion, clock_skew_s, max_age_s, now_s);
        let Some(ttl_s) = lifetime(NOW_S) else { continue };
        assert!((1..=max_age_s + clock_skew_s + 1).contains(&ttl_s), "{ttl_s}");
        assert_eq!(lifetime(NOW_S + ttl_s), None, "it would be taken when it is forgotten");
    }
    let presented = AuthenticateRequest {
        client_assertion_type: Some(BEARER.to_owned()),
        client_assertion: Some(assertion.to_owned()),
        assertion_audiences: AUDIENCES.map(str::to_owned).to_vec(),
        ..AuthenticateRequest::default()
    };
    let Ok(id) = authenticate_by_assertion(&CLIENT, &presented, NOW_S) else { return false };

    let (header, claims) = parts(assertion);
    assert!(header["crit"].is_null());
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("orders"), &json!("orders")));
    let audience = match &claims["aud"] {
        Value::Array(audiences) if audiences.len() == 1 => &audiences[0],
        audience => audience,
    };
    assert!(AUDIENCES.iter().any(|ours| audience == ours));
    assert_eq!(Some(id.id.as_str()), claims["jti"].as_str().map(|jti| format!("uuid:{jti}")).as_deref());
    assert!((1..=LONGEST_S).contains(&id.ttl_s));
    let only = |algorithm: &str| {
        let mut client = CLIENT.clone();
        client.attributes.insert("token.endpoint.auth.signing.alg".to_owned(), algorithm.to_owned());
        authenticate_by_assertion(&client, &presented, NOW_S).is_ok()
    };
    assert!(only(header["alg"].as_str().expect("an algorithm is named")) && !only("none"));
    let damaged = damaged(assertion).expect("an assertion has a signature");
    let damaged = AuthenticateRequest { client_assertion: Some(damaged), ..presented.clone() };
    assert!(authenticate_by_assertion(&CLIENT, &damaged, NOW_S).is_err());
    true
}
