//! `/admin/realms/{realm}/roles`, `…/clients/{id}/roles` and `…/roles-by-id/{role_id}`, without their composites.

use super::{
    answer::{created, json, no_content},
    body::JsonBody,
    error::{Answer, Error},
    query::Query,
    representation::{RoleRepresentation, show_role, show_user},
    role_path::{ReadContainer, ReadRole, WriteContainer, WriteRole, resource_type, roles_path},
    users::with_access_to_manage,
};
use crate::App;
use axum::{Router, routing::get};
use latchkey_api::{
    error::reason,
    registry::v1::ListClientsRequest,
    roles::v1::{
        CreateRoleRequest, DeleteRoleRequest, ListRoleUsersRequest, ListRolesRequest, Role, RoleKey,
        UpdateRoleRequest,
    },
};
use latchkey_platform::random;
use serde_json::{Value, json};
use tonic::Request;

pub(super) fn router() -> Router<App> {
    let mut router = Router::new();
    for container in ["/admin/realms/{realm}/roles", "/admin/realms/{realm}/clients/{id}/roles"] {
        router = router
            .route(container, get(list).post(create))
            .route(&format!("{container}/{{name}}"), get(show).put(update).delete(delete))
            .route(&format!("{container}/{{name}}/users"), get(users))
            .route(&format!("{container}/{{name}}/groups"), get(groups));
    }
    router.route("/admin/realms/{realm}/roles-by-id/{role_id}", get(show).put(update).delete(delete))
}

async fn list(at: ReadContainer, query: Query) -> Answer {
    let request = ListRolesRequest {
        realm_id: at.admin.realm_id(),
        client_uuid: at.client_uuid(),
        search: query.text("search").unwrap_or_default().to_owned(),
        page: Some(query.page()?),
        all: false,
    };
    let brief = query.flag("briefRepresentation").unwrap_or(true);
    let found = at.admin.services().roles.list_roles(Request::new(request)).await?.into_inner();
    json(&found.roles.iter().map(|role| show_role(role, brief)).collect::<Vec<_>>())
}

async fn create(at: WriteContainer, body: JsonBody) -> Answer {
    let representation: RoleRepresentation = body.read()?;
    let name = representation.name.clone().filter(|name| !name.is_empty()).ok_or(Error::RoleNameMissing)?;
    let client_uuid = at.client_uuid();
    let role = Role {
        id: representation.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(random::uuid),
        realm_id: at.admin.realm_id(),
        client_uuid: client_uuid.clone(),
        name: name.clone(),
        description: representation.description.clone().unwrap_or_default(),
        attributes: representation.attribute_lists(),
        ..Role::default()
    };
    let path = format!("{}/{name}", roles_path(&client_uuid));
    let mut shown = show_role(&role, true);
    if let Value::Object(members) = &mut shown {
        members.remove("clientRole");
        members.remove("containerId");
    }
    let request = CreateRoleRequest {
        composites: composite_keys(&at, &representation).await?,
        admin_event: at.admin.event("CREATE", resource_type(&client_uuid), &path, Some(shown)),
        role: Some(role),
    };
    at.admin.services().roles.create_role(Request::new(request)).await.map_err(|status| {
        match reason(&status).as_deref() {
            Some("ROLE_EXISTS") => Error::RoleExists(name.clone()),
            _ => status.into(),
        }
    })?;
    let realm = at.admin.realm.name.as_str();
    match &at.client {
        None => created(&at.admin.app, &at.admin.context, &[realm, "roles", &name]),
        Some(client) => {
            created(&at.admin.app, &at.admin.context, &[realm, "clients", &client.id, "roles", &name])
        }
    }
}

/// The roles that a new one shall contain; clients are named by their `clientId`.
async fn composite_keys(
    at: &WriteContainer,
    representation: &RoleRepresentation,
) -> Result<Vec<RoleKey>, Error> {
    let composites = representation.composites.clone().unwrap_or_default();
    let of_realm = composites.realm.unwrap_or_default().into_iter();
    let mut keys: Vec<RoleKey> = of_realm.map(|name| RoleKey { name, ..RoleKey::default() }).collect();
    for (client_id, names) in composites.client.unwrap_or_default() {
        let request =
            ListClientsRequest { realm_id: at.admin.realm_id(), client_id, ..ListClientsRequest::default() };
        let found = at.admin.services().registry.list_clients(Request::new(request)).await?.into_inner();
        let client = found.clients.into_iter().next().ok_or(Error::ClientNotFound)?;
        keys.extend(names.into_iter().map(|name| RoleKey {
            client_uuid: client.id.clone(),
            name,
            ..RoleKey::default()
        }));
    }
    Ok(keys)
}

async fn show(at: ReadRole) -> Answer {
    json(&show_role(&at.role, false))
}

/// Absent attributes stay, given ones replace; an absent description is cleared.
async fn update(at: WriteRole, body: JsonBody) -> Answer {
    let representation: RoleRepresentation = body.read()?;
    let name = representation.name.clone().filter(|name| !name.is_empty()).ok_or(Error::RoleNameMissing)?;
    let role = Role {
        name,
        description: representation.description.clone().unwrap_or_default(),
        attributes: representation.attribute_lists(),
        ..at.role
    };
    let shown = show_role(&role, false);
    let request = UpdateRoleRequest {
        admin_event: at.admin.event("UPDATE", resource_type(&role.client_uuid), &at.path, Some(shown)),
        keep_attributes: representation.attributes.is_none(),
        role: Some(role),
    };
    at.admin.services().roles.update_role(Request::new(request)).await?;
    Ok(no_content())
}

async fn delete(at: WriteRole) -> Answer {
    let name = at.role.name.clone();
    let shown = show_role(&at.role, true);
    let request = DeleteRoleRequest {
        realm_id: at.admin.realm_id(),
        admin_event: at.admin.event("DELETE", resource_type(&at.role.client_uuid), &at.path, Some(shown)),
        id: at.role.id,
    };
    at.admin.services().roles.delete_role(Request::new(request)).await.map_err(|status| {
        match reason(&status).as_deref() {
            Some("DEFAULT_ROLE") => {
                Error::Invalid(format!("{name} is default role of the realm and cannot be removed."))
            }
            _ => status.into(),
        }
    })?;
    Ok(no_content())
}

/// The users that hold the role directly, service accounts among them.
async fn users(at: ReadRole, query: Query) -> Answer {
    let request = ListRoleUsersRequest {
        realm_id: at.admin.realm_id(),
        role_id: at.role.id,
        page: Some(query.page()?),
    };
    let found = at.admin.services().roles.list_role_users(Request::new(request)).await?.into_inner();
    let shown = found.users.iter().map(|user| with_access_to_manage(&at.admin, show_user(user)));
    json(&shown.collect::<Vec<_>>())
}

/// There are no groups.
async fn groups(_: ReadRole) -> Answer {
    json(&json!([]))
}
