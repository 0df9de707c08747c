//! Keys of generated kinds that come with their settings, as a realm's full export has them.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::*;
use tonic::Request;

use crate::setting::*;

/// A realm's key providers with one key of each kind, and the settings that are secret.
fn exported() -> (Vec<KeyProvider>, Vec<String>) {
    let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let rsa = STANDARD.encode(rsa.as_ref());
    let ec = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let ec = STANDARD.encode(ec.to_pkcs8v1().unwrap().as_ref());
    let ed = STANDARD.encode(Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref());
    let (hmac, aes) = (URL_SAFE_NO_PAD.encode([7; 64]), URL_SAFE_NO_PAD.encode([9; 16]));
    let providers = vec![
        provider("", "rsa-generated", &[("privateKey", &rsa)]),
        provider("", "ecdsa-generated", &[("ecdsaPrivateKey", &ec), ("ecdsaEllipticCurveKey", "P-384")]),
        provider("", "eddsa-generated", &[("eddsaPrivateKey", &ed)]),
        provider("", "hmac-generated", &[("secret", &hmac), ("kid", "kept"), ("algorithm", "HS256")]),
        provider("", "aes-generated", &[("secret", &aes), ("kid", "kept-too")]),
    ];
    (providers, vec![rsa, ec, ed, hmac, aes])
}

async fn provision(s: &Setting, realm: &str, providers: Vec<KeyProvider>) -> Result<(), tonic::Status> {
    let request = ProvisionRealmRequest { realm_id: realm.to_owned(), providers };
    s.service.provision_realm(Request::new(request)).await.map(drop)
}

async fn a_realm_keeps_the_keys_it_is_made_with(s: Setting) {
    let (providers, secrets) = exported();
    provision(&s, "green", providers.clone()).await.unwrap();
    provision(&s, "copy", providers).await.unwrap();
    for algorithm in ["RS256", "ES384", "EdDSA", "HS256"] {
        let token = s.issue("green", algorithm).await;
        s.verified("copy", &token).await;
        assert_eq!(kid(&s.issue("copy", algorithm).await), kid(&token), "{algorithm}");
    }
    assert_eq!(kid(&s.issue("green", "HS256").await), "kept");
    let shown = s.providers("green").await;
    assert_eq!(shown.len(), 5, "no fallback was needed");
    for list in shown.iter().flat_map(|provider| provider.config.values()) {
        assert!(list.values.iter().all(|value| !secrets.contains(value)), "{list:?}");
    }
}

async fn what_is_no_key_makes_no_realm(s: Setting) {
    let p256 = "P-256";
    let (exported, secrets) = exported();
    let other_curve = ("ecdsaPrivateKey", secrets[1].as_str());
    for (kind, config) in [
        ("rsa-generated", vec![("privateKey", "zz")]),
        ("ecdsa-generated", vec![other_curve, ("ecdsaEllipticCurveKey", p256)]),
        ("eddsa-generated", vec![("eddsaPrivateKey", "AAAA")]),
        ("hmac-generated", vec![("secret", "AAAA")]),
        ("hmac-generated", vec![("secret", "?")]),
        ("aes-generated", vec![("secret", "AAAAAAAAAAAAAAAAAAAAAAAAAAA")]),
        ("hmac-generated", vec![("secret", secrets[3].as_str()), ("kid", "a\u{0}b")]),
    ] {
        let mut providers = exported.clone();
        providers.push(provider("bad", kind, &config));
        let refused = provision(&s, "green", providers).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{kind} {config:?}");
        assert!(config.iter().all(|(_, value)| !refused.message().contains(value)), "{refused:?}");
        assert_eq!(why(issue(&s.service, "green", "RS256").await), "REALM_NOT_FOUND");
    }
}

async fn the_mask_is_no_key(s: Setting) {
    let masked = vec![provider("", "rsa-generated", &[("privateKey", "**********")])];
    provision(&s, "green", masked).await.unwrap();
    s.issue("green", "RS256").await;
}

contract!(a_realm_keeps_the_keys_it_is_made_with, what_is_no_key_makes_no_realm, the_mask_is_no_key);
