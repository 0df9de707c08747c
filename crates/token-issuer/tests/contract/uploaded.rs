//! Keys and certificates that an administrator uploads.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::setting::*;

/// A new private key, as PEM.
fn private_key() -> String {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let base64 = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

async fn an_uploaded_key_signs_and_is_never_shown(s: Setting) {
    let pem = private_key();
    let asked = provider("red", "rsa", &[("privateKey", &pem), ("priority", "200"), ("algorithm", "PS384")]);
    let added = s.create(asked).await.unwrap();
    assert_eq!(setting(&added, "privateKey"), "**********");
    let listed = s.providers("red").await.pop().unwrap();
    assert_eq!(listed, added);
    assert!(!listed.config["certificate"].values[0].is_empty(), "a certificate is made");
    let token = s.issue("red", "PS384").await;
    s.verified("red", &token).await;

    let changed = s.update(with(added, "priority", "300")).await.unwrap();
    assert_eq!(kid(&s.issue("red", "PS384").await), kid(&token), "the mask keeps the key");
    let replaced = s.update(with(changed, "privateKey", &private_key())).await;
    assert_eq!(replaced.unwrap_err().message(), "Certificate does not match private key");
}

async fn another_upload_replaces_the_key(s: Setting) {
    let added = s
        .create(provider("red", "rsa", &[("privateKey", &private_key()), ("priority", "200")]))
        .await
        .unwrap();
    let token = s.issue("red", "RS256").await;
    let mut next = with(added, "privateKey", &private_key());
    next.config.remove("certificate");
    s.update(next).await.unwrap();
    assert_ne!(kid(&s.issue("red", "RS256").await), kid(&token));
    assert!(s.fault("red", &token).await.is_some());
}

async fn what_is_no_key_is_refused_with_keycloaks_words(s: Setting) {
    let cases = [
        (vec![], "'Private RSA Key' is required"),
        (vec![("privateKey", "zz")], "Failed to decode private key"),
        (vec![("privateKey", "**********")], "Failed to decode private key"),
    ];
    for (config, message) in cases {
        assert_eq!(s.create(provider("red", "rsa", &config)).await.unwrap_err().message(), message);
    }
    let pem = private_key();
    let bad = provider("red", "rsa-enc", &[("privateKey", &pem), ("certificate", "AAAA")]);
    assert_eq!(s.create(bad).await.unwrap_err().message(), "Failed to decode certificate");
    assert_eq!(s.providers("red").await.len(), 4);
}

contract!(
    an_uploaded_key_signs_and_is_never_shown,
    another_upload_replaces_the_key,
    what_is_no_key_is_refused_with_keycloaks_words,
);
