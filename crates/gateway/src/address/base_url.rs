//! The base of the addresses that the gateway names: issuer, endpoints, `Location` headers.

use crate::{config::Config, request_context::RequestContext};
use latchkey_api::registry::v1::Realm;

/// A realm attribute: replaces the base of the issuer and of every endpoint in the realm's documents.
pub const FRONTEND_URL: &str = "frontendUrl";

/// Writes the base without a trailing slash: `public_url` from the configuration, or what the request came to.
pub fn push_base(url: &mut String, config: &Config, context: &RequestContext) {
    match &config.public_url {
        Some(public_url) => url.push_str(public_url.trim_end_matches('/')),
        None => {
            url.push_str(context.scheme());
            url.push_str("://");
            url.push_str(context.host());
            url.push_str(context.prefix());
        }
    }
}

/// The base, such as `https://id.example.org/auth`.
#[must_use]
pub fn base(config: &Config, context: &RequestContext) -> String {
    let mut url = String::with_capacity(64);
    push_base(&mut url, config, context);
    url
}

/// The issuer of a realm's tokens: `<base>/realms/<name>`, with the realm's own frontend URL as base where it has one.
#[must_use]
pub fn issuer(config: &Config, context: &RequestContext, realm: &Realm) -> String {
    let mut url = String::with_capacity(96);
    push_realm_base(&mut url, config, context, realm);
    url.push_str("/realms/");
    push_path_segment(&mut url, &realm.name);
    url
}

/// The base of a realm: its own frontend URL where it has one.
#[must_use]
pub fn realm_base(config: &Config, context: &RequestContext, realm: &Realm) -> String {
    let mut url = String::with_capacity(64);
    push_realm_base(&mut url, config, context, realm);
    url
}

fn push_realm_base(url: &mut String, config: &Config, context: &RequestContext, realm: &Realm) {
    match realm.attributes.get(FRONTEND_URL).filter(|frontend| !frontend.is_empty()) {
        Some(frontend) => url.push_str(frontend.trim_end_matches('/')),
        None => push_base(url, config, context),
    }
}

/// Writes text as one segment of a path.
pub fn push_path_segment(url: &mut String, segment: &str) {
    if segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
        url.push_str(segment);
    } else {
        url.extend(percent_encoding::utf8_percent_encode(segment, SEGMENT));
    }
}

const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+');
