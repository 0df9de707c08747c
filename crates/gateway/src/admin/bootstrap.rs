//! What must be there before anybody can call: the master realm with its administrator, and realms that an operator wants from
//! the start. Each step is idempotent: several gateways may do it at once, and one that dies is followed by the next start.

use super::{
    caller::MASTER,
    error::Error as Cause,
    realm_creation::{create_realm, find_realm},
    representation::{RealmRepresentation, parse_value},
};
use crate::Services;
use latchkey_api::{
    registry::v1::{Realm, get_realm_request::Key},
    roles::v1::{
        ChangeRoleMappingsRequest, CreateUserRequest, GetRoleRequest, GetUserRequest, RoleHolder, RoleKey,
        User, get_user_request,
    },
};
use latchkey_platform::random;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tonic::Request;

/// The realm role that holds all rights in all realms.
const ADMIN: &str = "admin";

/// Why the realm that was asked for is not there.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the realm {realm}: {cause}")]
pub struct Error {
    realm: String,
    cause: String,
    retry: bool,
}

impl Error {
    fn of(realm: &str, cause: &Cause) -> Self {
        let retry = matches!(cause, Cause::Service(_) | Cause::Contended(_));
        Self { realm: realm.to_owned(), cause: cause.to_string(), retry }
    }

    /// Whether a service was away, so that the same may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.retry
    }
}

/// Makes the master realm with its administrator, if they are not there. An administrator who is there keeps his password.
///
/// # Errors
/// When a service is away or refuses.
pub async fn ensure_master(services: &Services, username: &str, password: SecretString) -> Result<(), Error> {
    let ensured = async {
        let master =
            ensure(services, json!({ "realm": MASTER, "enabled": true, "accessTokenLifespan": 60 })).await?;
        ensure_administrator(services, &master, username, &password).await
    };
    ensured.await.map_err(|cause| Error::of(MASTER, &cause))
}

/// Makes a realm from Keycloak's representation of it, with the clients, roles and users that it lists, if no realm has its name.
///
/// # Errors
/// When the representation can't be read, or a service is away or refuses.
pub async fn ensure_realm(services: &Services, representation: Value) -> Result<(), Error> {
    let name = representation["realm"].as_str().unwrap_or_default().to_owned();
    ensure(services, representation).await.map(drop).map_err(|cause| Error::of(&name, &cause))
}

async fn ensure(services: &Services, document: Value) -> Result<Realm, Cause> {
    let representation: RealmRepresentation = parse_value(document, b"")?;
    let name = representation.realm.clone().unwrap_or_default();
    let key = || Key::Name(name.clone());
    if let Some(realm) = find_realm(services, key()).await? {
        return Ok(realm);
    }
    match create_realm(services, &representation, None).await {
        Ok(realm) => Ok(realm),
        // Another gateway was quicker.
        Err(Cause::RealmExists(_)) => find_realm(services, key()).await?.ok_or(Cause::RealmNotFound),
        Err(other) => Err(other),
    }
}

async fn ensure_administrator(
    services: &Services,
    master: &Realm,
    username: &str,
    password: &SecretString,
) -> Result<(), Cause> {
    let username = username.trim().to_lowercase();
    let user_id = match find_user(services, master, &username).await? {
        Some(user) => user.id,
        None => create_administrator(services, master, &username, password).await?,
    };
    let key = RoleKey { name: ADMIN.to_owned(), ..RoleKey::default() };
    let request = GetRoleRequest { realm_id: master.id.clone(), role: Some(key) };
    let role = services.roles.get_role(Request::new(request)).await?.into_inner().role;
    let role = role.ok_or(Cause::IncompleteAnswer("a role"))?;
    let request = ChangeRoleMappingsRequest {
        realm_id: master.id.clone(),
        holder: Some(RoleHolder { user_id, ..RoleHolder::default() }),
        add_role_ids: vec![role.id],
        ..ChangeRoleMappingsRequest::default()
    };
    services.roles.change_role_mappings(Request::new(request)).await?;
    Ok(())
}

async fn create_administrator(
    services: &Services,
    master: &Realm,
    username: &str,
    password: &SecretString,
) -> Result<String, Cause> {
    let user = User {
        id: random::uuid(),
        realm_id: master.id.clone(),
        username: username.to_owned(),
        enabled: true,
        ..User::default()
    };
    let id = user.id.clone();
    let request = CreateUserRequest {
        user: Some(user),
        password: password.expose_secret().to_owned(),
        without_default_role: false,
        admin_event: None,
    };
    match services.roles.create_user(Request::new(request)).await.map_err(Cause::from) {
        Ok(_) => Ok(id),
        // Another gateway was quicker.
        Err(Cause::UsernameExists) => {
            find_user(services, master, username).await?.map(|user| user.id).ok_or(Cause::UserNotFound)
        }
        Err(other) => Err(other),
    }
}

async fn find_user(services: &Services, realm: &Realm, username: &str) -> Result<Option<User>, Cause> {
    let key = Some(get_user_request::Key::Username(username.to_owned()));
    let request = GetUserRequest { realm_id: realm.id.clone(), key };
    match services.roles.get_user(Request::new(request)).await.map_err(Cause::from) {
        Ok(answer) => Ok(answer.into_inner().user),
        Err(Cause::UserNotFound) => Ok(None),
        Err(other) => Err(other),
    }
}
