//! Tokens: as they are, and as the header and claims of a JWT, wherever a token is taken.
#![no_main]

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_fuzz::{CLIENT, SECRET, endpoint, form_request, must_be_answered};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

const ASSERTION: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == b'\n').map(|part| URL_SAFE_NO_PAD.encode(part));
    let mut part = || parts.next().unwrap_or_default();
    let jwt = format!("{}.{}.{}", part(), part(), part()).into_bytes();
    for token in [data, &jwt] {
        let encoded = percent_encode(token, NON_ALPHANUMERIC);
        let client = format!("client_id={CLIENT}&client_secret={SECRET}");
        for (path, form) in [
            ("token/introspect", format!("{client}&token={encoded}")),
            ("token", format!("{client}&grant_type=refresh_token&refresh_token={encoded}")),
            (
                "token",
                format!(
                    "grant_type=client_credentials&client_assertion_type={ASSERTION}&client_assertion={encoded}"
                ),
            ),
        ] {
            must_be_answered(form_request(&endpoint(path), form.as_bytes()));
        }
        let Ok(bearer) = HeaderValue::from_bytes(&[b"Bearer ", token].concat()) else { continue };
        for header in ["authorization", "dpop"] {
            let mut request = form_request(&endpoint("userinfo"), b"");
            request.headers_mut().insert(header, bearer.clone());
            must_be_answered(request);
        }
    }
});
