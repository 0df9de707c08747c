//! Use cases of roles.

use latchkey_api::common::v1::{AdminEvent, Operation};
use latchkey_api::roles::v1::*;
use latchkey_platform::database::Queries;
use latchkey_platform::random;
use serde_json::json;

use crate::changes::Entry;
use crate::error::Error;
use crate::service::RoleMappingService;
use crate::store::{clients, erase, realms, roles, users};

impl RoleMappingService {
    pub(crate) async fn create_role(
        &self,
        request: CreateRoleRequest,
    ) -> Result<(CreateRoleResponse, u64), Error> {
        let mut role = given(request.role)?;
        if role.id.is_empty() {
            role.id = random::uuid();
        }
        let mut tx = self.database.begin().await?;
        realms::find(&mut tx, &role.realm_id).await?.ok_or(Error::RealmNotFound)?;
        if !role.client_uuid.is_empty() {
            clients::find(&mut tx, &role.realm_id, &role.client_uuid).await?.ok_or(Error::ClientNotFound)?;
        }
        roles::insert(&mut tx, &role).await?;
        let mut parts = Vec::with_capacity(request.composites.len());
        for key in &request.composites {
            parts.push(roles::find(&mut tx, &role.realm_id, key).await?.ok_or(Error::RoleNotFound)?.id);
        }
        let edges = parts.iter().map(|part| (role.id.as_str(), part.as_str()));
        roles::add_composites(&mut tx, &role.realm_id, edges).await?;
        let role = roles::find_by_id(&mut tx, &role.realm_id, &role.id).await?.ok_or(Error::RoleNotFound)?;
        let entry = entry(&role, Operation::Created, request.admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((CreateRoleResponse { role: Some(role) }, revision))
    }

    pub(crate) async fn get_role(&self, request: GetRoleRequest) -> Result<GetRoleResponse, Error> {
        let key = request.role.ok_or(Error::RoleNotFound)?;
        let role = roles::find(&mut self.database.clone(), &request.realm_id, &key).await?;
        Ok(GetRoleResponse { role: Some(role.ok_or(Error::RoleNotFound)?) })
    }

    pub(crate) async fn list_roles(&self, request: ListRolesRequest) -> Result<ListRolesResponse, Error> {
        let ListRolesRequest { realm_id, client_uuid, search, page, all } = request;
        let mut db = self.database.clone();
        let roles = if all {
            roles::list_all(&mut db, &realm_id).await?
        } else {
            roles::list(&mut db, &realm_id, &client_uuid, &search, page.as_ref()).await?
        };
        Ok(ListRolesResponse { roles })
    }

    pub(crate) async fn update_role(
        &self,
        request: UpdateRoleRequest,
    ) -> Result<(UpdateRoleResponse, u64), Error> {
        let mut role = given(request.role)?;
        let mut tx = self.database.begin().await?;
        let known = roles::find_by_id(&mut tx, &role.realm_id, &role.id).await?.ok_or(Error::RoleNotFound)?;
        role.client_uuid = known.client_uuid;
        if request.keep_attributes {
            role.attributes = known.attributes;
        }
        roles::update(&mut tx, &role).await?;
        let role = roles::find_by_id(&mut tx, &role.realm_id, &role.id).await?.ok_or(Error::RoleNotFound)?;
        let entry = entry(&role, Operation::Updated, request.admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((UpdateRoleResponse { role: Some(role) }, revision))
    }

    pub(crate) async fn delete_role(&self, request: DeleteRoleRequest) -> Result<u64, Error> {
        let DeleteRoleRequest { realm_id, id, admin_event } = request;
        let mut tx = self.database.begin().await?;
        let realm = realms::find(&mut tx, &realm_id).await?.ok_or(Error::RealmNotFound)?;
        if realm.default_role_id == id {
            return Err(Error::DefaultRole);
        }
        let role = roles::find_by_id(&mut tx, &realm_id, &id).await?.ok_or(Error::RoleNotFound)?;
        erase::role(&mut tx, &realm_id, &id).await?;
        self.writer.commit(tx, vec![entry(&role, Operation::Deleted, admin_event)]).await
    }

    pub(crate) async fn change_composites(&self, request: ChangeCompositesRequest) -> Result<u64, Error> {
        let ChangeCompositesRequest { realm_id, role_id, add_role_ids, remove_role_ids, admin_event } =
            request;
        let mut tx = self.database.begin().await?;
        let role = roles::find_by_id(&mut tx, &realm_id, &role_id).await?.ok_or(Error::RoleNotFound)?;
        for ids in [&add_role_ids, &remove_role_ids] {
            if !roles::all_exist(&mut tx, &realm_id, ids).await? {
                return Err(Error::RoleNotFound);
            }
        }
        let edges = add_role_ids.iter().map(|part| (role_id.as_str(), part.as_str()));
        roles::add_composites(&mut tx, &realm_id, edges).await?;
        for part in &remove_role_ids {
            roles::remove_composite(&mut tx, &realm_id, &role_id, part).await?;
        }
        self.writer.commit(tx, vec![entry(&role, Operation::Updated, admin_event)]).await
    }

    pub(crate) async fn list_composites(
        &self,
        request: ListCompositesRequest,
    ) -> Result<ListCompositesResponse, Error> {
        let ListCompositesRequest { realm_id, role_id } = request;
        let mut db = self.database.clone();
        require(&mut db, &realm_id, &role_id).await?;
        Ok(ListCompositesResponse { roles: roles::composites_of(&mut db, &realm_id, &role_id).await? })
    }

    pub(crate) async fn list_role_users(
        &self,
        request: ListRoleUsersRequest,
    ) -> Result<ListRoleUsersResponse, Error> {
        let ListRoleUsersRequest { realm_id, role_id, page } = request;
        let mut db = self.database.clone();
        require(&mut db, &realm_id, &role_id).await?;
        Ok(ListRoleUsersResponse {
            users: users::holding_role(&mut db, &realm_id, &role_id, page.as_ref()).await?,
        })
    }
}

async fn require(db: &mut impl Queries, realm_id: &str, role_id: &str) -> Result<(), Error> {
    roles::find_by_id(db, realm_id, role_id).await?.map(drop).ok_or(Error::RoleNotFound)
}

fn given(role: Option<Role>) -> Result<Role, Error> {
    let role = role.ok_or(Error::Invalid { what: "role", reason: "is missing" })?;
    if role.name.is_empty() {
        return Err(Error::Invalid { what: "role", reason: "has no name" });
    }
    Ok(role)
}

fn entry(role: &Role, operation: Operation, admin_event: Option<AdminEvent>) -> Entry {
    Entry::new(&role.realm_id, "role", operation, &role.id)
        .with(json!({ "name": role.name, "client_uuid": role.client_uuid }))
        .by(admin_event)
}
