//! What a composite role contains: `…/roles/{name}/composites` and `…/roles-by-id/{role_id}/composites`.

use super::{
    answer::{json, no_content},
    body::JsonBody,
    error::{Answer, Error},
    mapped_roles::{admin_roles_within_reach, roles_in_body},
    representation::{RoleRepresentation, show_role},
    role_path::{ReadRole, WriteRole, resource_type},
};
use crate::App;
use axum::{Router, extract::Path, routing::get};
use latchkey_api::roles::v1::{ChangeCompositesRequest, ListCompositesRequest, Role};
use serde::Deserialize;
use tonic::Request;

/// The client whose roles are asked for.
#[derive(Deserialize)]
struct OfClient {
    of: String,
}

pub(super) fn router() -> Router<App> {
    let mut router = Router::new();
    for role in [
        "/admin/realms/{realm}/roles/{name}",
        "/admin/realms/{realm}/clients/{id}/roles/{name}",
        "/admin/realms/{realm}/roles-by-id/{role_id}",
    ] {
        router = router
            .route(&format!("{role}/composites"), get(list).post(add).delete(remove))
            .route(&format!("{role}/composites/realm"), get(list_of_realm))
            .route(&format!("{role}/composites/clients/{{of}}"), get(list_of_client));
    }
    router
}

async fn contained(at: &ReadRole) -> Result<Vec<Role>, Error> {
    let request = ListCompositesRequest { realm_id: at.admin.realm_id(), role_id: at.role.id.clone() };
    Ok(at.admin.services().roles.list_composites(Request::new(request)).await?.into_inner().roles)
}

fn show<'a>(roles: impl Iterator<Item = &'a Role>) -> Answer {
    json(&roles.map(|role| show_role(role, true)).collect::<Vec<_>>())
}

async fn list(at: ReadRole) -> Answer {
    show(contained(&at).await?.iter())
}

async fn list_of_realm(at: ReadRole) -> Answer {
    show(contained(&at).await?.iter().filter(|role| role.client_uuid.is_empty()))
}

async fn list_of_client(at: ReadRole, Path(path): Path<OfClient>) -> Answer {
    at.admin.client(&path.of).await?;
    show(contained(&at).await?.iter().filter(|role| role.client_uuid == path.of))
}

async fn add(at: WriteRole, body: JsonBody) -> Answer {
    change(at, &body.read_list()?, true).await
}

async fn remove(at: WriteRole, body: JsonBody) -> Answer {
    change(at, &body.read_list()?, false).await
}

/// Adds roles to a composite, or takes them out. An admin role is only given on by one who holds it.
async fn change(at: WriteRole, named: &[RoleRepresentation], add: bool) -> Answer {
    let roles = roles_in_body(&at.admin, None, named).await.map_err(|error| match error {
        Error::MappedRoleNotFound => Error::CompositeRoleNotFound,
        other => other,
    })?;
    if add {
        admin_roles_within_reach(&at.admin, &roles).await?;
    }
    let shown = roles.iter().map(|role| show_role(role, true)).collect();
    let ids: Vec<String> = roles.into_iter().map(|role| role.id).collect();
    let (add_role_ids, remove_role_ids) = if add { (ids, Vec::new()) } else { (Vec::new(), ids) };
    let operation = if add { "CREATE" } else { "DELETE" };
    let path = format!("{}/composites", at.path);
    let request = ChangeCompositesRequest {
        realm_id: at.admin.realm_id(),
        admin_event: at.admin.event(operation, resource_type(&at.role.client_uuid), &path, Some(shown)),
        role_id: at.role.id,
        add_role_ids,
        remove_role_ids,
    };
    at.admin.services().roles.change_composites(Request::new(request)).await?;
    Ok(no_content())
}
