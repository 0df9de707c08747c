//! The form bodies of the OpenID Connect endpoints, with and without an authenticated client; and that a form of any names and values,
//! however it is sent, is read as it was written.
#![no_main]

use latchkey_fuzz::{CLIENT, SECRET, endpoint, form_request, must_be_answered};
use latchkey_gateway::fuzzing::Parameters;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const ENDPOINTS: [&str; 5] = ["token", "token/introspect", "revoke", "logout", "userinfo"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&first, form)) = data.split_first() else { return };
    let path = endpoint(ENDPOINTS[usize::from(first) % ENDPOINTS.len()]);
    must_be_answered(form_request(&path, form));
    let authenticated = [format!("client_id={CLIENT}&client_secret={SECRET}&").as_bytes(), form].concat();
    must_be_answered(form_request(&path, &authenticated));
    if let Ok(text) = std::str::from_utf8(form) {
        check_pairs(text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect());
    }
});

fn check_pairs(pairs: Vec<(&str, &str)>) {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    check_read("application/x-www-form-urlencoded", form.join("&"), &pairs);

    // A name stands between quotes there, and a value must not hold what parts it from the next.
    let pairs: Vec<_> = pairs
        .into_iter()
        .filter(|(name, value)| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !value.contains("--B")
        })
        .collect();
    let parts = pairs.iter().map(|(name, value)| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let form = parts.chain(["--B--\r\n".to_owned()]).collect();
    check_read("multipart/form-data; boundary=B", form, &pairs);
}

fn check_read(content_type: &str, form: String, pairs: &[(&str, &str)]) {
    let read = Parameters::read(content_type, form.into_bytes()).expect("a form that is well formed is read");
    for (name, _) in pairs {
        let values = pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| *value);
        let values: Vec<&str> = values.filter(|value| value.chars().count() <= 4000).collect();
        assert_eq!(read.all(name), values, "{name:?}");
        let may_repeat = ["resource", "audience"].contains(name);
        assert!(may_repeat || values.len() < 2 || read.have_duplicates());
    }
}
