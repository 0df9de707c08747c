//! Built-in roles, and which contain which.

/// A role to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blueprint {
    /// The client_id of its client; `None` for a realm role.
    pub(crate) client_id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: String,
    /// What it contains, each by its client_id (or `None`) and name. What the realm does not have is left out.
    pub(crate) contains: Vec<(Option<String>, String)>,
}

/// The rights to administer a realm, each with what it contains.
const ADMINISTRATION: [(&str, &[&str]); 21] = [
    ("create-client", &[]),
    ("impersonation", &[]),
    ("manage-authorization", &[]),
    ("manage-clients", &[]),
    ("manage-events", &[]),
    ("manage-identity-providers", &[]),
    ("manage-organizations", &[]),
    ("manage-realm", &[]),
    ("manage-users", &[]),
    ("query-clients", &[]),
    ("query-groups", &[]),
    ("query-organizations", &[]),
    ("query-realms", &[]),
    ("query-users", &[]),
    ("view-authorization", &[]),
    ("view-clients", &["query-clients"]),
    ("view-events", &[]),
    ("view-identity-providers", &[]),
    ("view-organizations", &["query-organizations"]),
    ("view-realm", &[]),
    ("view-users", &["query-groups", "query-users"]),
];
const REALM_ADMIN: &str = "realm-admin";
const REALM_MANAGEMENT: &str = "realm-management";

const ACCOUNT: [(&str, &[&str]); 8] = [
    ("delete-account", &[]),
    ("manage-account", &["manage-account-links"]),
    ("manage-account-links", &[]),
    ("manage-consent", &["view-consent"]),
    ("view-applications", &[]),
    ("view-consent", &[]),
    ("view-groups", &[]),
    ("view-profile", &[]),
];

/// The name of the role that every new account of a realm gets.
pub(crate) fn default_role_name(realm_name: &str) -> String {
    format!("default-roles-{}", realm_name.to_lowercase())
}

/// The realm roles of every realm, and those of its built-in clients. The default role comes first.
pub(crate) fn realm(realm_name: &str) -> Vec<Blueprint> {
    let own = |name: &str| (None, name.to_owned());
    let account = |name: &str| (Some("account".to_owned()), name.to_owned());
    let default = Blueprint {
        contains: vec![
            own("offline_access"),
            own("uma_authorization"),
            account("view-profile"),
            account("manage-account"),
        ],
        ..simple(None, &default_role_name(realm_name), "${role_default-roles}")
    };
    let mut roles = vec![
        default,
        simple(None, "offline_access", "${role_offline-access}"),
        simple(None, "uma_authorization", "${role_uma_authorization}"),
    ];
    roles.extend(ACCOUNT.map(|(name, contains)| of_client("account", name, contains)));
    roles.push(of_client("broker", "read-token", &[]));
    roles.extend(admin_client(REALM_MANAGEMENT));
    roles.push(of_client(REALM_MANAGEMENT, REALM_ADMIN, &ADMINISTRATION.map(|(name, _)| name)));
    roles
}

/// The roles of a realm's client in master: all rights, without one that contains them.
pub(crate) fn admin_client(client_id: &str) -> Vec<Blueprint> {
    ADMINISTRATION.iter().map(|(name, contains)| of_client(client_id, name, contains)).collect()
}

/// What master has besides: `admin`, which contains the right to make realms and all rights in each realm.
pub(crate) fn master(admin_client_id: &str) -> Vec<Blueprint> {
    let rights =
        ADMINISTRATION.iter().map(|(name, _)| (Some(admin_client_id.to_owned()), (*name).to_owned()));
    let create_realm = std::iter::once((None, "create-realm".to_owned()));
    let admin = Blueprint {
        contains: create_realm.chain(rights).collect(),
        ..simple(None, super::ADMIN_ROLE, "${role_admin}")
    };
    let mut roles = vec![admin, simple(None, "create-realm", "${role_create-realm}")];
    roles.extend(admin_client(admin_client_id));
    roles
}

fn simple(client_id: Option<&str>, name: &str, description: &str) -> Blueprint {
    Blueprint {
        client_id: client_id.map(str::to_owned),
        name: name.to_owned(),
        description: description.to_owned(),
        contains: Vec::new(),
    }
}

fn of_client(client_id: &str, name: &str, contains: &[&str]) -> Blueprint {
    Blueprint {
        contains: contains.iter().map(|part| (Some(client_id.to_owned()), (*part).to_owned())).collect(),
        ..simple(Some(client_id), name, &format!("${{role_{name}}}"))
    }
}
