//! The clients that a new realm begins with, as Keycloak makes them. Their roles, scopes and mappers are role-mapping's.

use super::caller::{REALM_MANAGEMENT, admin_client_in_master};
use latchkey_api::{registry::v1::Client, roles::v1::ClientMapping};
use latchkey_platform::random;
use serde_json::json;
use std::collections::BTreeMap;

/// What stands for the realm's name in addresses.
const REALM: &str = "{realm}";

/// One built-in client.
struct BuiltIn {
    client_id: &'static str,
    kind: Kind,
    /// The base URL, and whether what is below it is where it redirects to.
    base_url: &'static str,
    root_url: &'static str,
    full_scope_allowed: bool,
    attributes: &'static [(&'static str, &'static str)],
}

/// What a built-in client is for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// An application of people in a browser.
    Browser,
    /// A command line: it trades passwords for tokens.
    CommandLine,
    /// Only carries roles.
    Roles,
}

const POST_LOGOUT: (&str, &str) = ("post.logout.redirect.uris", "+");
const PKCE: (&str, &str) = ("pkce.code.challenge.method", "S256");
const LIGHTWEIGHT: (&str, &str) = ("client.use.lightweight.access.token.enabled", "true");

const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        client_id: "account",
        kind: Kind::Browser,
        base_url: "/realms/{realm}/account/",
        root_url: "${authBaseUrl}",
        full_scope_allowed: false,
        attributes: &[POST_LOGOUT],
    },
    BuiltIn {
        client_id: "account-console",
        kind: Kind::Browser,
        base_url: "/realms/{realm}/account/",
        root_url: "${authBaseUrl}",
        full_scope_allowed: false,
        attributes: &[POST_LOGOUT, PKCE],
    },
    BuiltIn {
        client_id: "admin-cli",
        kind: Kind::CommandLine,
        base_url: "",
        root_url: "",
        full_scope_allowed: true,
        attributes: &[LIGHTWEIGHT],
    },
    BuiltIn {
        client_id: "broker",
        kind: Kind::Roles,
        base_url: "",
        root_url: "",
        full_scope_allowed: false,
        attributes: &[],
    },
    BuiltIn {
        client_id: "security-admin-console",
        kind: Kind::Browser,
        base_url: "/admin/{realm}/console/",
        root_url: "${authAdminUrl}",
        full_scope_allowed: true,
        attributes: &[POST_LOGOUT, PKCE, LIGHTWEIGHT],
    },
    BuiltIn {
        client_id: REALM_MANAGEMENT,
        kind: Kind::Roles,
        base_url: "",
        root_url: "",
        full_scope_allowed: false,
        attributes: &[],
    },
];

/// A client with what role-mapping shall hold for it.
pub(crate) struct NewBuiltIn {
    pub(crate) client: Client,
    pub(crate) mapping: ClientMapping,
}

/// Whether a client of this name is one that Keycloak won't delete.
pub(crate) fn is_built_in(client_id: &str) -> bool {
    BUILT_IN.iter().any(|built_in| built_in.client_id == client_id)
}

/// The first clients of a realm. Master carries its own admin roles on `master-realm`, as it does those of other realms.
pub(crate) fn first_clients(realm_id: &str, realm: &str, master: bool) -> Vec<NewBuiltIn> {
    let own = BUILT_IN.iter().filter(|built_in| !(master && built_in.client_id == REALM_MANAGEMENT));
    let mut clients: Vec<NewBuiltIn> = own.map(|built_in| built_in.instance(realm_id, realm)).collect();
    if master {
        let client = admin_client(realm_id, realm);
        let mapping = ClientMapping {
            realm_id: realm_id.to_owned(),
            id: client.id.clone(),
            client_id: client.client_id.clone(),
            ..ClientMapping::default()
        };
        clients.push(NewBuiltIn { client, mapping });
    }
    clients
}

/// The client of master that carries a realm's admin roles.
pub(crate) fn admin_client(master_id: &str, realm: &str) -> Client {
    Client {
        name: format!("{realm} Realm"),
        bearer_only: true,
        protocol: String::new(),
        attributes: attributes(true, &[]),
        ..blank(master_id, &admin_client_in_master(realm))
    }
}

fn blank(realm_id: &str, client_id: &str) -> Client {
    Client {
        id: random::uuid(),
        realm_id: realm_id.to_owned(),
        client_id: client_id.to_owned(),
        enabled: true,
        standard_flow_enabled: true,
        client_authenticator_type: "client-secret".to_owned(),
        protocol: "openid-connect".to_owned(),
        settings_json: json!({}).to_string(),
        ..Client::default()
    }
}

fn attributes(carries_admin_roles: bool, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let realm_client = ("realm_client", if carries_admin_roles { "true" } else { "false" });
    let all = std::iter::once(&realm_client).chain(more);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl BuiltIn {
    fn instance(&self, realm_id: &str, realm: &str) -> NewBuiltIn {
        let base_url = self.base_url.replace(REALM, realm);
        let client = Client {
            name: format!("${{client_{}}}", self.client_id),
            public_client: self.kind != Kind::Roles,
            bearer_only: self.kind == Kind::Roles,
            standard_flow_enabled: self.kind != Kind::CommandLine,
            direct_access_grants_enabled: self.kind == Kind::CommandLine,
            redirect_uris: if base_url.is_empty() { Vec::new() } else { vec![format!("{base_url}*")] },
            web_origins: if self.client_id == "security-admin-console" {
                vec!["+".to_owned()]
            } else {
                Vec::new()
            },
            base_url,
            root_url: self.root_url.to_owned(),
            attributes: attributes(self.kind == Kind::Roles, self.attributes),
            ..blank(realm_id, self.client_id)
        };
        let mapping = ClientMapping {
            realm_id: realm_id.to_owned(),
            id: client.id.clone(),
            client_id: client.client_id.clone(),
            full_scope_allowed: self.full_scope_allowed,
            realm_default_scopes: true,
            ..ClientMapping::default()
        };
        NewBuiltIn { client, mapping }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::caller::MASTER;

    fn names(realm: &str) -> Vec<String> {
        let clients = first_clients("id", realm, realm == MASTER);
        clients.into_iter().map(|built_in| built_in.client.client_id).collect()
    }

    #[test]
    fn a_realm_begins_with_keycloaks_six_clients() {
        let mut six = names("r");
        six.sort();
        assert_eq!(
            six,
            [
                "account",
                "account-console",
                "admin-cli",
                "broker",
                "realm-management",
                "security-admin-console"
            ]
        );
        let master = names(MASTER);
        assert!(
            master.contains(&"master-realm".to_owned()) && !master.contains(&REALM_MANAGEMENT.to_owned())
        );
    }

    #[test]
    fn addresses_name_the_realm() {
        let clients = first_clients("id", "tenant", false);
        let console = clients.iter().find(|new| new.client.client_id == "security-admin-console").unwrap();
        assert_eq!(console.client.redirect_uris, ["/admin/tenant/console/*"]);
    }
}
