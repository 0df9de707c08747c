//! Public keys of clients: made here, or taken out of a file, and then what their assertions are verified with.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use serde_json::json;
use tonic::{Request, Status};

use crate::setting::*;
use crate::signing::{Signer, assertion, b64, create, outcome, point, presenting};

const SIGNER: &str = "uuid-of-signer";

async fn signer(s: &Setting) {
    create(s, "signer", "client-jwt", "", json!({ "custom": "kept" })).await;
}

async fn upload(s: &Setting, format: KeyFileFormat, file: &[u8]) -> Result<ClientKey, Status> {
    let request = UploadClientKeyRequest {
        realm_id: id_of("red"),
        id: SIGNER.to_owned(),
        attribute: "jwt.credential".to_owned(),
        format: format.into(),
        file: file.to_vec().into(),
        ..UploadClientKeyRequest::default()
    };
    Ok(answer(s.service.upload_client_key(Request::new(request)).await)?.key.unwrap())
}

async fn attributes(s: &Setting) -> Vec<String> {
    let client = s.find("red", "signer").await.unwrap();
    client.attributes.into_keys().filter(|name| name.contains("jw")).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

/// Whether an assertion that a key signed lets the client in.
async fn lets_in(s: &Setting, signer: &Signer, algorithm: &str, kid: Option<&str>) -> bool {
    let mut header = json!({ "alg": algorithm });
    if let Some(kid) = kid {
        header["kid"] = json!(kid);
    }
    outcome(s, presenting(&assertion(signer, header, "signer", json!({})))).await.is_ok()
}

async fn a_generated_key_signs_and_is_not_kept(s: Setting) {
    signer(&s).await;
    let request = GenerateClientKeyRequest {
        realm_id: id_of("red"),
        id: SIGNER.to_owned(),
        attribute: "jwt.credential".to_owned(),
        ..GenerateClientKeyRequest::default()
    };
    let made = answer(s.service.generate_client_key(Request::new(request.clone())).await).unwrap();
    let change = s.change(s.service.changes().head()).await;
    assert_eq!((change.entity.as_str(), change.operation()), ("client", Operation::Updated));
    let der = BASE64_STANDARD.decode(&made.private_key).unwrap();
    let key = Signer::Rsa(RsaKeyPair::from_pkcs8(&der).unwrap(), &RSA_PKCS1_SHA256);
    assert!(lets_in(&s, &key, "RS256", None).await);

    let client = s.find("red", "signer").await.unwrap();
    assert_eq!(client.attributes["jwt.credential.certificate"], made.key.unwrap().certificate);
    assert_eq!(client.attributes["jwt.credential.private.key"], "**********");
    assert_eq!(client.attributes["custom"], "kept");

    let again = answer(s.service.generate_client_key(Request::new(request.clone())).await).unwrap();
    assert_ne!(again.private_key, made.private_key);
    assert!(!lets_in(&s, &key, "RS256", None).await, "the old key is replaced");
    let elsewhere = GenerateClientKeyRequest { realm_id: id_of("blue"), ..request };
    assert_eq!(why(answer(s.service.generate_client_key(Request::new(elsewhere)).await)), "CLIENT_NOT_FOUND");
}

async fn each_format_brings_a_key_and_takes_the_one_before_away(s: Setting) {
    signer(&s).await;
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let issuer =
        rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_ref().into(), &rcgen::PKCS_RSA_SHA256)
            .unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&issuer).unwrap();
    let public: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let components = PublicKeyComponents::<Vec<u8>>::from(rsa.public_key());
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = point(&p256);
    let jwks = json!({ "keys": [
        { "kty": "RSA", "kid": "enc", "use": "enc", "n": b64(&components.n), "e": b64(&components.e) },
        { "kty": "EC", "crv": "P-256", "kid": "e", "use": "sig", "x": x, "y": y },
        { "kty": "RSA", "kid": "r", "use": "sig", "n": b64(&components.n), "e": b64(&components.e) },
    ]})
    .to_string();
    let (rsa, p256) =
        (Signer::Rsa(RsaKeyPair::from_pkcs8(pkcs8.as_ref()).unwrap(), &RSA_PKCS1_SHA256), Signer::Ec(p256));

    let key =
        upload(&s, KeyFileFormat::CertificatePem, pem("CERTIFICATE", certificate.der()).as_bytes()).await;
    assert_eq!(key.unwrap().certificate, BASE64_STANDARD.encode(certificate.der()));
    assert!(lets_in(&s, &rsa, "RS256", None).await && !lets_in(&s, &p256, "ES256", None).await);
    assert_eq!(attributes(&s).await, ["jwt.credential.certificate"]);

    let key = upload(&s, KeyFileFormat::JsonWebKeySet, jwks.as_bytes()).await.unwrap();
    assert_eq!((key.kid.as_str(), key.jwks.as_str()), ("e", jwks.as_str()), "the first that signs");
    assert!(lets_in(&s, &p256, "ES256", Some("e")).await && lets_in(&s, &rsa, "RS256", Some("r")).await);
    assert!(!lets_in(&s, &rsa, "RS256", Some("enc")).await);
    let held = ["jwks.string", "jwt.credential.kid", "jwt.credential.public.key", "use.jwks.string"];
    assert_eq!(attributes(&s).await, held);

    let key = upload(&s, KeyFileFormat::PublicKeyPem, pem("PUBLIC KEY", public.as_ref()).as_bytes()).await;
    assert_eq!(key.unwrap().public_key, BASE64_STANDARD.encode(public.as_ref()));
    assert!(lets_in(&s, &rsa, "RS256", None).await && !lets_in(&s, &p256, "ES256", Some("e")).await);
    assert_eq!(attributes(&s).await, ["jwt.credential.public.key"]);
}

async fn what_is_no_key_changes_nothing(s: Setting) {
    signer(&s).await;
    let before = s.find("red", "signer").await.unwrap();
    let encryption = br#"{"keys":[{"kty":"EC","crv":"P-256","use":"enc","x":"AA","y":"AA"}]}"#;
    let off_the_curve = br#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","x":"AA","y":"AA"}]}"#;
    for (format, file) in [
        (KeyFileFormat::CertificatePem, b"nonsense".as_slice()),
        (KeyFileFormat::CertificatePem, b""),
        (KeyFileFormat::CertificatePem, b"AAAA"),
        (KeyFileFormat::PublicKeyPem, b"\xff\xfe"),
        (KeyFileFormat::PublicKeyPem, b"AAAA"),
        (KeyFileFormat::JsonWebKeySet, b"{}"),
        (KeyFileFormat::JsonWebKeySet, b"{\"keys\":[]}"),
        (KeyFileFormat::JsonWebKeySet, encryption),
        (KeyFileFormat::JsonWebKeySet, off_the_curve),
        (KeyFileFormat::Jks, b"\xfe\xed\xfe\xed"),
        (KeyFileFormat::Unspecified, b""),
    ] {
        let refused = upload(&s, format, file).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{format:?} {file:?}");
    }
    assert_eq!(s.find("red", "signer").await.unwrap(), before);
}

async fn a_key_store_holds_what_is_kept(s: Setting) {
    signer(&s).await;
    let ask = |format: KeyFileFormat, store_password: &str| GenerateClientKeyRequest {
        realm_id: id_of("red"),
        id: SIGNER.to_owned(),
        attribute: "jwt.credential".to_owned(),
        key_store: Some(KeyStoreSettings {
            format: format.into(),
            key_password: "of the key".to_owned(),
            store_password: store_password.to_owned(),
            ..KeyStoreSettings::default()
        }),
        ..GenerateClientKeyRequest::default()
    };
    let generate = async |request| answer(s.service.generate_client_key(Request::new(request)).await);
    let made = generate(ask(KeyFileFormat::Jks, "of the store")).await.unwrap();
    assert_eq!(made.private_key, "");
    let kept = s.find("red", "signer").await.unwrap();
    assert!(!kept.attributes.contains_key("jwt.credential.private.key"));
    let upload = UploadClientKeyRequest {
        realm_id: id_of("red"),
        id: SIGNER.to_owned(),
        attribute: "jwt.credential".to_owned(),
        format: KeyFileFormat::Jks.into(),
        file: made.key_store,
        key_alias: "SIGNER".to_owned(),
        store_password: "of the store".to_owned(),
        admin_event: None,
    };
    let key = answer(s.service.upload_client_key(Request::new(upload.clone())).await).unwrap().key.unwrap();
    assert_eq!(key.certificate, kept.attributes["jwt.credential.certificate"]);

    let made = generate(ask(KeyFileFormat::Pkcs12, "of the store")).await.unwrap();
    assert_eq!(made.key_store[0], 0x30);
    let kept = s.find("red", "signer").await.unwrap();
    for refused in [
        generate(ask(KeyFileFormat::Jks, "")).await.unwrap_err(),
        generate(ask(KeyFileFormat::CertificatePem, "x")).await.unwrap_err(),
        answer(
            s.service
                .upload_client_key(Request::new(UploadClientKeyRequest {
                    store_password: "guessed".to_owned(),
                    ..upload
                }))
                .await,
        )
        .map(drop)
        .unwrap_err(),
    ] {
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
    assert_eq!(s.find("red", "signer").await.unwrap(), kept);
}

contract!(
    a_key_store_holds_what_is_kept,
    a_generated_key_signs_and_is_not_kept,
    each_format_brings_a_key_and_takes_the_one_before_away,
    what_is_no_key_changes_nothing,
);
