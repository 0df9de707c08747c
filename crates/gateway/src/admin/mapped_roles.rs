//! Roles that a body names, to be mapped or contained, and whether the caller may give them on.

use super::{
    authorization::RealmAdmin, caller::MASTER, clients::carries_admin_roles, error::Error,
    representation::RoleRepresentation,
};
use latchkey_api::roles::v1::{Role, RoleKey};

/// The role that contains all rights in a realm, and what one must hold in its stead.
const REALM_ADMIN: &str = "realm-admin";
const ALL_RIGHTS: &[&str] = &[
    "create-client",
    "impersonation",
    "manage-authorization",
    "manage-clients",
    "manage-events",
    "manage-identity-providers",
    "manage-realm",
    "manage-users",
];

/// Looks up each role by its id; in a mapping, where `container` is given (a client's uuid, or empty for the realm), it must also be
/// of that container and of that name.
pub(super) async fn roles_in_body(
    admin: &RealmAdmin,
    container: Option<&str>,
    named: &[RoleRepresentation],
) -> Result<Vec<Role>, Error> {
    let mut roles: Vec<Role> = Vec::with_capacity(named.len());
    for representation in named {
        let id = representation.id.clone().filter(|id| !id.is_empty()).ok_or(Error::MappedRoleNotFound)?;
        let role = admin.role(RoleKey { id, ..RoleKey::default() }).await.map_err(|error| match error {
            Error::RoleNotFound => Error::MappedRoleNotFound,
            other => other,
        })?;
        let fits = container.is_none_or(|client_uuid| {
            role.client_uuid == client_uuid && representation.name.as_deref() == Some(role.name.as_str())
        });
        if !fits {
            return Err(Error::MappedRoleNotFound);
        }
        if !roles.iter().any(|known| known.id == role.id) {
            roles.push(role);
        }
    }
    Ok(roles)
}

/// Refuses unless the caller holds each of these roles that is an admin role: nobody gives on more than he has.
pub(super) async fn admin_roles_within_reach(admin: &RealmAdmin, roles: &[Role]) -> Result<(), Error> {
    for role in roles {
        if !within_reach(admin, role).await? {
            return Err(Error::Forbidden);
        }
    }
    Ok(())
}

async fn within_reach(admin: &RealmAdmin, role: &Role) -> Result<bool, Error> {
    if role.client_uuid.is_empty() {
        let opens_all = admin.realm.name == MASTER && ["admin", "create-realm"].contains(&role.name.as_str());
        return Ok(!opens_all || admin.caller.has_master_role(&[&role.name, "admin"]));
    }
    let client = admin.client(&role.client_uuid).await?;
    if !carries_admin_roles(&admin.realm.name, &client) {
        return Ok(true);
    }
    if admin.realm.name == MASTER {
        // The roles of a realm's client in master: held there, by a caller of master.
        return Ok(
            admin.caller.is_of_master() && admin.caller.holds_client_role(&client.client_id, &role.name)
        );
    }
    // `realm-admin` is the realm's alone: an account of master stands in for it with what it holds of the realm.
    if role.name == REALM_ADMIN && admin.caller.is_of_master() {
        return Ok(ALL_RIGHTS.iter().all(|right| admin.caller.may(&admin.realm, &[*right])));
    }
    Ok(admin.caller.may(&admin.realm, &[&role.name]))
}
