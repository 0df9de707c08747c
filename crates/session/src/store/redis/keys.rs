//! The names of all Redis keys. A script's keys share one hash tag: `{realm:sid}` for a session, `{realm}` for its lists.

use crate::{digest::digest, escape::escape, session_id::SessionId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_api::session::v1::SessionKind;

/// A session.
pub(super) fn session(realm_id: &str, id: SessionId) -> String {
    format!("lk:s:{{{}:{id}}}", escape(realm_id))
}

/// A revoked token's id.
pub(super) fn revoked(realm_id: &str, jti: &str) -> String {
    format!("lk:r:{{{}:{}}}", escape(realm_id), escape(jti))
}

/// A claimed id. It comes from outside and may be of any length, so its digest stands for it.
pub(super) fn claim(realm_id: &str, purpose: &str, id: &str) -> String {
    format!("lk:o:{{{}:{}}}", escape(realm_id), URL_SAFE_NO_PAD.encode(digest(&[purpose, id])))
}

/// The clients of a realm that have sessions: a set sorted by the last expiry of each.
pub(super) fn clients(realm_id: &str) -> String {
    format!("lk:k:{{{}}}", escape(realm_id))
}

/// The `client_id` of a client that has sessions.
pub(super) fn client_name(realm_id: &str, client_uuid: &str) -> String {
    format!("lk:i:{{{}}}:{}", escape(realm_id), escape(client_uuid))
}

/// The sessions of a client: a set sorted by expiry.
pub(super) fn of_client(realm_id: &str, client_uuid: &str, kind: SessionKind) -> String {
    format!("lk:c:{{{}}}:{}:{}", escape(realm_id), escape(client_uuid), letter(kind))
}

/// The sessions of a user: a set sorted by expiry.
pub(super) fn of_user(realm_id: &str, user_id: &str, kind: SessionKind) -> String {
    format!("lk:u:{{{}}}:{}:{}", escape(realm_id), escape(user_id), letter(kind))
}

/// The applied revision of another service's change log.
pub(super) fn position(upstream: &str) -> String {
    format!("lk:p:{upstream}")
}

fn letter(kind: SessionKind) -> char {
    if kind == SessionKind::Offline { 'f' } else { 'n' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_hash_tag_whatever_the_realm_is_called() {
        let id = SessionId::generate(1).unwrap();
        for realm in ["demo", "a:b", "}{", "{x}", "100%"] {
            for key in [
                session(realm, id),
                revoked(realm, "j}t{i"),
                clients(realm),
                of_user(realm, "{}", SessionKind::Online),
            ] {
                assert_eq!((key.matches('{').count(), key.matches('}').count()), (1, 1), "{key}");
            }
        }
    }
}
