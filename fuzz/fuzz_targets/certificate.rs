//! The certificate of a client: in the header of a trusted proxy, as bytes that a proxy might send and as DER in each of the forms
//! that are read.
#![no_main]

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
});
