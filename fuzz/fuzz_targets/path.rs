//! Paths and queries: names of realms, clients, roles.
#![no_main]

use axum::http::Method;
use latchkey_fuzz::{as_administrator, must_be_answered, request};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for prefix in ["/realms/", "/admin/realms/", "/admin/realms/fuzz/", "/auth/"] {
        let uri = [prefix.as_bytes(), data].concat();
        let Some(request) = request(Method::GET, &uri, Vec::new()) else { continue };
        must_be_answered(as_administrator(request));
    }
});
