//! What a partial import is going to do, decided and checked before anything is changed.

use super::{
    contents::{Roles, read_list},
    importer::{Importer, unknown},
};
use crate::admin::{
    authorization::RealmAdmin,
    caller::REALM_MANAGEMENT,
    error::Error,
    mapped_roles::admin_roles_within_reach,
    realm_template::is_built_in,
    representation::{ClientRepresentation, RoleRepresentation, UserRepresentation, check_client},
};
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{GetUserRequest, ListUsersRequest, Role, User, get_user_request},
};
use latchkey_platform::random;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tonic::Request;

/// What becomes of a thing that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Fail,
    Skip,
    Overwrite,
}

/// What a body lists; other members are ignored, as in Keycloak.
pub(super) struct Document {
    policy: Policy,
    clients: Vec<ClientRepresentation>,
    roles: Roles,
    users: Vec<UserRepresentation>,
}

/// A thing to be imported.
pub(super) struct Planned<R, T> {
    pub(super) representation: R,
    /// What has its name already; with it, whether it stays as it is.
    pub(super) existing: Option<T>,
    pub(super) skip: bool,
}

/// A role to be imported.
pub(super) struct PlannedRole {
    /// The `clientId` of its client; empty for a realm role.
    pub(super) client_id: String,
    pub(super) role: Planned<RoleRepresentation, Role>,
}

/// All that is to be imported.
pub(super) struct Plan {
    pub(super) clients: Vec<Planned<ClientRepresentation, Client>>,
    pub(super) roles: Vec<PlannedRole>,
    pub(super) users: Vec<Planned<UserRepresentation, User>>,
}

impl Document {
    /// Reads a body.
    pub(super) fn read(body: &Value) -> Result<Self, Error> {
        let members = body.as_object().ok_or(Error::UnreadableRealm)?;
        let policy = match members.get("ifResourceExists").and_then(Value::as_str) {
            None | Some("FAIL") => Policy::Fail,
            Some("SKIP") => Policy::Skip,
            Some("OVERWRITE") => Policy::Overwrite,
            Some(_) => return Err(Error::UnreadableRealm),
        };
        let mut clients: Vec<ClientRepresentation> = read_list(members.get("clients"))?;
        // As Keycloak does: those that every realm has are never imported.
        clients.retain(|client| client.client_id.as_deref().is_none_or(|id| !is_internal(id)));
        Ok(Self {
            policy,
            clients,
            roles: Roles::read(members.get("roles").filter(|roles| !roles.is_null()))?,
            users: read_list(members.get("users"))?,
        })
    }

    /// Decides what to do, with what the realm has: its clients by `clientId`, and what an importer knows. The first conflict
    /// that the policy does not allow ends it.
    pub(super) async fn plan(
        self,
        admin: &RealmAdmin,
        importer: &Importer<'_>,
        known: &BTreeMap<String, Client>,
    ) -> Result<Plan, Error> {
        let policy = self.policy;
        let mut clients = Vec::with_capacity(self.clients.len());
        for mut representation in self.clients {
            representation.id = None;
            let client = representation.imported_client(&admin.realm.id, random::uuid);
            check_client(&client)?;
            let existing = known.get(&client.client_id).cloned();
            let conflict =
                || Error::AlreadyExists(format!("Client id '{}' already exists", client.client_id));
            clients.push(policy.apply(representation, existing, conflict)?);
        }
        let roles = plan_roles(self.roles, policy, importer, &clients)?;
        let mut users = Vec::with_capacity(self.users.len());
        for representation in self.users {
            let existing = find_user(admin, &representation).await?;
            let name = name_of(&representation).to_owned();
            let conflict = || Error::AlreadyExists(format!("User with user name {name} already exists."));
            users.push(policy.apply(representation, existing, conflict)?);
        }
        let plan = Plan { clients, roles, users };
        plan.check_names()?;
        plan.check_references(admin, importer).await?;
        Ok(plan)
    }
}

impl Policy {
    fn apply<R, T>(
        self,
        representation: R,
        existing: Option<T>,
        conflict: impl FnOnce() -> Error,
    ) -> Result<Planned<R, T>, Error> {
        if existing.is_some() && self == Self::Fail {
            return Err(conflict());
        }
        let skip = existing.is_some() && self == Self::Skip;
        Ok(Planned { representation, existing, skip })
    }
}

impl Plan {
    /// No two things of the document may have one name.
    fn check_names(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        let clients = self.clients.iter().filter_map(|client| client.representation.client_id.clone());
        let roles = self.roles.iter().map(|role| role.name());
        let users = self.users.iter().map(|user| name_of(&user.representation).to_lowercase());
        let all = clients
            .map(|name| ("Client id", name))
            .chain(roles.map(|name| ("Role", name)))
            .chain(users.map(|name| ("User", name)));
        for (kind, name) in all {
            if !seen.insert((kind, name.clone())) {
                return Err(Error::AlreadyExists(format!("{kind} '{name}' is listed twice")));
            }
        }
        Ok(())
    }

    /// Whatever is named must be there when it is needed, and an admin role is given on only by who has it.
    async fn check_references(&self, admin: &RealmAdmin, importer: &Importer<'_>) -> Result<(), Error> {
        let new_roles: BTreeSet<(&str, &str)> =
            self.roles.iter().map(|planned| (planned.client_id.as_str(), planned.bare_name())).collect();
        let overwritten: BTreeSet<&str> = self
            .clients
            .iter()
            .filter(|client| !client.skip)
            .filter_map(|client| client.existing.as_ref())
            .map(|client| client.client_id.as_str())
            .collect();
        let is_listed = |id: &str| {
            self.clients.iter().any(|client| client.representation.client_id.as_deref() == Some(id))
        };
        let mut given_on = Vec::new();
        let mut check = |client_id: &str, name: &str| {
            let known = match client_id {
                "" => importer.role("", name),
                id if overwritten.contains(id) => None,
                id => importer.clients.get(id).and_then(|uuid| importer.role(uuid, name)),
            };
            match known {
                Some(role) => given_on.push(role.clone()),
                None if new_roles.contains(&(client_id, name)) => {}
                None => return Err(unknown("role", name)),
            }
            Ok(())
        };
        for planned in self.roles.iter().filter(|planned| !planned.role.skip) {
            let composites = planned.role.representation.composites.clone().unwrap_or_default();
            for name in composites.realm.iter().flatten() {
                check("", name)?;
            }
            for (client_id, names) in composites.client.iter().flatten() {
                names.iter().try_for_each(|name| check(client_id, name))?;
            }
        }
        for user in self.users.iter().filter(|user| !user.skip).map(|user| &user.representation) {
            user.username()?;
            if let Some(client_id) = &user.service_account_client_id
                && !importer.clients.contains_key(client_id)
                && !is_listed(client_id)
            {
                return Err(unknown("client", client_id));
            }
            // Keycloak minds no unknown realm role here.
            for name in user.realm_roles.iter().flatten() {
                check("", name).ok();
            }
            for (client_id, names) in user.client_roles.iter().flatten() {
                names.iter().try_for_each(|name| check(client_id, name))?;
            }
        }
        admin_roles_within_reach(admin, &given_on).await
    }
}

impl PlannedRole {
    /// As reports name it.
    pub(super) fn name(&self) -> String {
        let name = self.bare_name();
        if self.client_id.is_empty() { name.to_owned() } else { format!("{}-->{name}", self.client_id) }
    }

    fn bare_name(&self) -> &str {
        self.role.representation.name.as_deref().unwrap_or_default()
    }
}

fn plan_roles(
    roles: Roles,
    policy: Policy,
    importer: &Importer<'_>,
    clients: &[Planned<ClientRepresentation, Client>],
) -> Result<Vec<PlannedRole>, Error> {
    let mut planned = Vec::new();
    for mut representation in roles.realm {
        representation.id = None;
        let name =
            representation.name.clone().filter(|name| !name.is_empty()).ok_or(Error::RoleNameMissing)?;
        let conflict = || Error::AlreadyExists(format!("Realm role '{name}' already exists."));
        let existing = importer.role("", &name).cloned();
        let role = policy.apply(representation, existing, conflict)?;
        planned.push(PlannedRole { client_id: String::new(), role });
    }
    for (client_id, list) in roles.client {
        let is_listed =
            clients.iter().any(|client| client.representation.client_id.as_ref() == Some(&client_id));
        let client_uuid = importer.clients.get(&client_id);
        if client_uuid.is_none() && !is_listed {
            return Err(Error::RolesOfUnknownClient(client_id));
        }
        for mut representation in list {
            representation.id = None;
            let name =
                representation.name.clone().filter(|name| !name.is_empty()).ok_or(Error::RoleNameMissing)?;
            let existing = client_uuid.and_then(|uuid| importer.role(uuid, &name)).cloned();
            let conflict = || {
                Error::AlreadyExists(format!("Client role '{name}' for client '{client_id}' already exists."))
            };
            let mut role = policy.apply(representation, existing, conflict)?;
            // Made anew, the rights to administer the realm would be lost by all who hold them.
            role.skip |= role.existing.is_some() && is_internal(&client_id);
            planned.push(PlannedRole { client_id: client_id.clone(), role });
        }
    }
    Ok(planned)
}

/// Whether a client is one that Keycloak makes itself.
fn is_internal(client_id: &str) -> bool {
    is_built_in(client_id) || client_id == REALM_MANAGEMENT || client_id.ends_with("-realm")
}

/// What a user is called in reports.
pub(super) fn name_of(user: &UserRepresentation) -> &str {
    user.username.as_deref().or(user.email.as_deref()).unwrap_or_default()
}

/// Who has the username or the email address of an imported user.
async fn find_user(admin: &RealmAdmin, user: &UserRepresentation) -> Result<Option<User>, Error> {
    let roles = &admin.services().roles;
    if let Some(username) = user.username.as_ref().filter(|name| !name.is_empty()) {
        let key = Some(get_user_request::Key::Username(username.trim().to_lowercase()));
        let request = GetUserRequest { realm_id: admin.realm_id(), key };
        match roles.get_user(Request::new(request)).await.map_err(Error::from) {
            Ok(answer) => return Ok(answer.into_inner().user),
            Err(Error::UserNotFound) => {}
            Err(other) => return Err(other),
        }
    }
    let Some(email) = user.email.as_ref().filter(|email| !email.is_empty()) else { return Ok(None) };
    let request = ListUsersRequest {
        realm_id: admin.realm_id(),
        email: Some(email.trim().to_lowercase()),
        exact: true,
        service_accounts: true,
        ..ListUsersRequest::default()
    };
    Ok(roles.list_users(Request::new(request)).await?.into_inner().users.into_iter().next())
}
