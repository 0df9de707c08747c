//! What the built-in clients of a realm have.

use latchkey_api::roles::v1::ProtocolMapper;

use super::client_scopes::{attribute, mapper};

/// A built-in client, whatever the request says of it.
#[derive(Debug)]
pub(crate) struct BuiltInClient {
    pub(crate) full_scope_allowed: bool,
    pub(crate) protocol_mappers: Vec<ProtocolMapper>,
    /// Roles of the client `account` that it lets through.
    pub(crate) scope_mappings: &'static [&'static str],
}

/// What a built-in client has, by its client_id.
pub(crate) fn client_of(client_id: &str) -> Option<BuiltInClient> {
    let (full_scope_allowed, protocol_mappers, scope_mappings): (_, _, &[&str]) = match client_id {
        "account" | "broker" | "realm-management" => (false, vec![], &[]),
        "account-console" => {
            let resolve = mapper("audience resolve", "oidc-audience-resolve-mapper", &[]);
            (false, vec![resolve], &["manage-account", "view-groups"])
        }
        "admin-cli" => (true, vec![], &[]),
        "security-admin-console" => (true, vec![attribute("locale", "locale", "locale", "String")], &[]),
        _ => return None,
    };
    Some(BuiltInClient { full_scope_allowed, protocol_mappers, scope_mappings })
}
