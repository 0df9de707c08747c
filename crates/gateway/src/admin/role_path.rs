//! The roles that a path leads to. The same handlers serve a realm's roles, a client's roles and roles by their id; which permission they
//! need depends on whose the role is, so the extractors here carry two: the realm's and the client's.

use super::{
    authorization::{ManageClients, ManageRealm, Permission, RealmAdmin, ViewClients, ViewRealm},
    error::Error,
};
use crate::App;
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{GetRoleRequest, Role, RoleKey},
};
use std::marker::PhantomData;
use tonic::Request;

/// Where roles live: the realm, or one of its clients.
pub(super) struct RoleContainer<R, C> {
    pub(super) admin: RealmAdmin,
    /// Absent for the realm.
    pub(super) client: Option<Client>,
    needs: PhantomData<(R, C)>,
}

/// One role.
pub(super) struct RoleAt<R, C> {
    pub(super) admin: RealmAdmin,
    pub(super) role: Role,
    /// The path below the realm, for events.
    pub(super) path: String,
    needs: PhantomData<(R, C)>,
}

/// May see the roles of a container.
pub(super) type ReadContainer = RoleContainer<ViewRealm, ViewClients>;
/// May make roles in it.
pub(super) type WriteContainer = RoleContainer<ManageRealm, ManageClients>;
/// May see the role.
pub(super) type ReadRole = RoleAt<ViewRealm, ViewClients>;
/// May change it.
pub(super) type WriteRole = RoleAt<ManageRealm, ManageClients>;

impl<R, C> RoleContainer<R, C> {
    /// Empty for the realm.
    pub(super) fn client_uuid(&self) -> String {
        self.client.as_ref().map(|client| client.id.clone()).unwrap_or_default()
    }
}

/// Keycloak's word for a role in events.
pub(super) fn resource_type(client_uuid: &str) -> &'static str {
    if client_uuid.is_empty() { "REALM_ROLE" } else { "CLIENT_ROLE" }
}

/// The path of a container's roles below the realm.
pub(super) fn roles_path(client_uuid: &str) -> String {
    if client_uuid.is_empty() { "roles".to_owned() } else { format!("clients/{client_uuid}/roles") }
}

impl<R: Permission, C: Permission> FromRequestParts<App> for RoleContainer<R, C> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let admin = RealmAdmin::from_request_parts(parts, app).await?;
        let client_uuid = parameter(parts, app, "id").await;
        if client_uuid.is_some() {
            admin.require::<C>()?
        } else {
            admin.require::<R>()?
        }
        let client = match client_uuid {
            Some(id) => Some(admin.client(&id).await?),
            None => None,
        };
        Ok(Self { admin, client, needs: PhantomData })
    }
}

impl<R: Permission, C: Permission> FromRequestParts<App> for RoleAt<R, C> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        if let Some(id) = parameter(parts, app, "role_id").await {
            let admin = RealmAdmin::from_request_parts(parts, app).await?;
            if !admin.may::<R>() && !admin.may::<C>() {
                return Err(Error::Forbidden);
            }
            let key = RoleKey { id, ..RoleKey::default() };
            let role = admin.role(key).await.map_err(|error| match error {
                Error::RoleNotFound => Error::RoleIdNotFound,
                other => other,
            })?;
            if role.client_uuid.is_empty() {
                admin.require::<R>()?
            } else {
                admin.require::<C>()?
            }
            let path = format!("roles-by-id/{}", role.id);
            return Ok(Self { admin, role, path, needs: PhantomData });
        }
        let container = RoleContainer::<R, C>::from_request_parts(parts, app).await?;
        let client_uuid = container.client_uuid();
        let name = parameter(parts, app, "name").await.ok_or(Error::RoleNotFound)?;
        let path = format!("{}/{name}", roles_path(&client_uuid));
        let role = container.admin.role(RoleKey { client_uuid, name, ..RoleKey::default() }).await?;
        Ok(Self { admin: container.admin, role, path, needs: PhantomData })
    }
}

impl RealmAdmin {
    /// A role of the realm or of one of its clients.
    pub(super) async fn role(&self, key: RoleKey) -> Result<Role, Error> {
        let request = GetRoleRequest { realm_id: self.realm_id(), role: Some(key) };
        let answer = self.services().roles.get_role(Request::new(request)).await?.into_inner();
        answer.role.ok_or(Error::IncompleteAnswer("a role"))
    }
}

async fn parameter(parts: &mut Parts, app: &App, name: &str) -> Option<String> {
    let path = RawPathParams::from_request_parts(parts, app).await.ok()?;
    path.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}
