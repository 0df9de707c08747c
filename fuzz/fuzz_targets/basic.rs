//! The Authorization header of client authentication: as it is, and as the base64 of a Basic credential.
#![no_main]

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_fuzz::{endpoint, form_request, must_be_answered};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let encoded = format!("Basic {}", STANDARD.encode(data));
    for value in [data, encoded.as_bytes()] {
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        let mut request = form_request(&endpoint("token"), b"grant_type=client_credentials");
        request.headers_mut().insert("authorization", value);
        must_be_answered(request);
    }
});
