//! The certificate of a client: in the header of a trusted proxy, as bytes that a proxy might send and as DER in each of the forms
//! that are read; as a Java key store with one; and its name, which must be the same when it is shown and read again.
#![no_main]

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_api::registry::v1::{KeyFileFormat, UploadClientKeyRequest};
use latchkey_client_registry::fuzzing::{Keys, Name, uploaded};
use latchkey_fuzz::{CERTIFICATE_CLIENTS, CERTIFICATE_HEADER, endpoint, form_request, must_be_answered};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let encoded = STANDARD.encode(data);
    let pem = format!("-----BEGIN CERTIFICATE----- {encoded} -----END CERTIFICATE-----");
    for value in [data, format!(":{encoded}:").as_bytes(), pem.as_bytes()] {
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        for client in CERTIFICATE_CLIENTS {
            let form = format!("grant_type=client_credentials&client_id={client}");
            let mut request = form_request(&endpoint("token"), form.as_bytes());
            request.headers_mut().insert(CERTIFICATE_HEADER, value.clone());
            must_be_answered(request);
        }
    }
    check_key_store(data);
    let text = std::str::from_utf8(data).ok();
    for name in [Name::of_certificate(data), text.and_then(Name::parse)].into_iter().flatten() {
        let shown = name.to_string();
        let again = Name::parse(&shown);
        // What is no text is shown as it was, and need not be readable.
        assert!(again.is_some() || shown.is_empty() || shown.contains('#'), "{shown:?}");
        assert!(again.is_none_or(|again| again == name), "{shown:?}");
    }
});

/// With the digest at its end, which nothing else would pass.
fn check_key_store(data: &[u8]) {
    // The password in UTF-16, and Java's salt; here the password is empty.
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[b"Mighty Aphrodite", data].concat());
    let upload = UploadClientKeyRequest {
        format: KeyFileFormat::Jks.into(),
        file: [data, digest.as_ref()].concat().into(),
        key_alias: "orders".to_owned(),
        ..UploadClientKeyRequest::default()
    };
    if let Some(key) = uploaded(&upload) {
        assert_eq!(Keys::of_text(&key.certificate, None).count(), 1, "what is kept of a key can be read");
    }
}
