//! The form bodies of the OpenID Connect endpoints, with and without an authenticated client.
#![no_main]

use latchkey_fuzz::{CLIENT, SECRET, endpoint, form_request, must_be_answered};

const ENDPOINTS: [&str; 5] = ["token", "token/introspect", "revoke", "logout", "userinfo"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&first, form)) = data.split_first() else { return };
    let path = endpoint(ENDPOINTS[usize::from(first) % ENDPOINTS.len()]);
    must_be_answered(form_request(&path, form));
    let authenticated = [format!("client_id={CLIENT}&client_secret={SECRET}&").as_bytes(), form].concat();
    must_be_answered(form_request(&path, &authenticated));
});
