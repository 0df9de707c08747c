//! The JSON bodies of the Admin REST API.
#![no_main]

use axum::http::{HeaderValue, Method};
use latchkey_fuzz::{REALM, as_administrator, must_be_answered, request};

const PATHS: [(Method, &str); 6] = [
    (Method::POST, "/clients"),
    (Method::POST, "/roles"),
    (Method::POST, "/client-scopes"),
    (Method::POST, "/users"),
    (Method::POST, "/components"),
    (Method::POST, "/partialImport"),
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&first, body)) = data.split_first() else { return };
    let (method, path) = &PATHS[usize::from(first) % PATHS.len()];
    let uri = format!("/admin/realms/{REALM}{path}");
    let mut request = request(method.clone(), uri.as_bytes(), body.to_vec()).expect("the paths are paths");
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    must_be_answered(as_administrator(request));
});
