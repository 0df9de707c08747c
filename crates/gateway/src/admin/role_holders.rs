//! Roles that somebody holds: `…/users/{id}/role-mappings`, `…/clients/{id}/scope-mappings` and
//! `…/client-scopes/{id}/scope-mappings`. The same acts on three kinds of holders.

use super::{
    answer::{json, no_content},
    authorization::{ManageClients, ManageUsers, RealmAdmin, ViewClients, ViewUsers},
    body::JsonBody,
    error::{Answer, Error},
    mapped_roles::{admin_roles_within_reach, roles_in_body},
    representation::{RoleRepresentation, show_role},
};
use crate::App;
use axum::{
    Router,
    extract::{FromRequestParts, Path, RawPathParams},
    http::request::Parts,
    routing::get,
};
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{
        ChangeRoleMappingsRequest, GetClientScopeRequest, ListRoleMappingsRequest, ListRolesRequest, Role,
        RoleHolder,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tonic::Request;

/// What kind of holder a path names.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    User,
    Client,
    ClientScope,
}

/// Where the holders live, and their kinds.
const PATHS: &[&str] = &[
    "/admin/realms/{realm}/users/{user}/role-mappings",
    "/admin/realms/{realm}/clients/{client}/scope-mappings",
    "/admin/realms/{realm}/client-scopes/{scope}/scope-mappings",
];

/// A holder, by a caller who may see what it holds.
struct Reading(Holding);
/// A holder, by a caller who may change what it holds.
struct Writing(Holding);

struct Holding {
    admin: RealmAdmin,
    kind: Kind,
    id: String,
}

/// The client whose roles are meant.
#[derive(Deserialize)]
struct OfClient {
    of: String,
}

pub(super) fn router() -> Router<App> {
    let mut router = Router::new();
    for path in PATHS {
        router = router
            .route(path, get(show_all))
            .route(
                &format!("{path}/realm"),
                get(realm_roles).post(add_realm_roles).delete(remove_realm_roles),
            )
            .route(&format!("{path}/realm/available"), get(available_realm_roles))
            .route(&format!("{path}/realm/composite"), get(effective_realm_roles))
            .route(
                &format!("{path}/clients/{{of}}"),
                get(client_roles).post(add_client_roles).delete(remove_client_roles),
            )
            .route(&format!("{path}/clients/{{of}}/available"), get(available_client_roles))
            .route(&format!("{path}/clients/{{of}}/composite"), get(effective_client_roles));
    }
    router
}

impl Holding {
    async fn of_path(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let admin = RealmAdmin::from_request_parts(parts, app).await?;
        let path = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Error::PathNotFound)?;
        let (kind, id) = path
            .iter()
            .find_map(|(name, id)| {
                let kind = match name {
                    "user" => Kind::User,
                    "client" => Kind::Client,
                    "scope" => Kind::ClientScope,
                    _ => return None,
                };
                Some((kind, id.to_owned()))
            })
            .ok_or(Error::PathNotFound)?;
        Ok(Self { admin, kind, id })
    }

    /// The holder must be there.
    async fn check(self) -> Result<Self, Error> {
        match self.kind {
            Kind::User => self.admin.user(&self.id).await.map(drop)?,
            Kind::Client => self.admin.client(&self.id).await.map(drop)?,
            Kind::ClientScope => {
                let request = GetClientScopeRequest { realm_id: self.admin.realm_id(), id: self.id.clone() };
                self.admin.services().roles.get_client_scope(Request::new(request)).await?;
            }
        }
        Ok(self)
    }

    fn holder(&self) -> RoleHolder {
        let id = self.id.clone();
        match self.kind {
            Kind::User => RoleHolder { user_id: id, ..RoleHolder::default() },
            Kind::Client => RoleHolder { client_uuid: id, ..RoleHolder::default() },
            Kind::ClientScope => RoleHolder { client_scope_id: id, ..RoleHolder::default() },
        }
    }

    /// What the holder has: directly, or with composites expanded.
    async fn held(&self, effective: bool) -> Result<Vec<Role>, Error> {
        let request = ListRoleMappingsRequest {
            realm_id: self.admin.realm_id(),
            holder: Some(self.holder()),
            effective,
        };
        let answer = self.admin.services().roles.list_role_mappings(Request::new(request)).await?;
        Ok(answer.into_inner().roles)
    }

    /// The realm's or a client's roles that the holder does not have directly.
    async fn available(&self, client_uuid: &str) -> Result<Vec<Role>, Error> {
        let request = ListRolesRequest {
            realm_id: self.admin.realm_id(),
            client_uuid: client_uuid.to_owned(),
            ..ListRolesRequest::default()
        };
        let mut roles =
            self.admin.services().roles.list_roles(Request::new(request)).await?.into_inner().roles;
        let held = self.held(false).await?;
        roles.retain(|role| !held.iter().any(|held| held.id == role.id));
        Ok(roles)
    }

    /// The client that a mapping path names: its own text for one that is not there.
    async fn mapped_client(&self, id: &str) -> Result<Client, Error> {
        self.admin.client(id).await.map_err(|error| match error {
            Error::ClientNotFound => Error::MappedClientNotFound,
            other => other,
        })
    }

    async fn change(&self, client_uuid: &str, named: &[RoleRepresentation], add: bool) -> Answer {
        let roles = roles_in_body(&self.admin, Some(client_uuid), named).await?;
        if add {
            admin_roles_within_reach(&self.admin, &roles).await?;
        }
        if roles.is_empty() {
            return Ok(no_content());
        }
        let (root, resource_type) = match (self.kind, client_uuid.is_empty()) {
            (Kind::User, true) => ("users", "REALM_ROLE_MAPPING"),
            (Kind::User, false) => ("users", "CLIENT_ROLE_MAPPING"),
            (Kind::Client, true) => ("clients", "REALM_SCOPE_MAPPING"),
            (Kind::Client, false) => ("clients", "CLIENT_SCOPE_MAPPING"),
            (Kind::ClientScope, true) => ("client-scopes", "REALM_SCOPE_MAPPING"),
            (Kind::ClientScope, false) => ("client-scopes", "CLIENT_SCOPE_MAPPING"),
        };
        let mappings = if self.kind == Kind::User { "role-mappings" } else { "scope-mappings" };
        let container =
            if client_uuid.is_empty() { "realm".to_owned() } else { format!("clients/{client_uuid}") };
        let path = format!("{root}/{}/{mappings}/{container}", self.id);
        let shown = roles.iter().map(|role| show_role(role, true)).collect();
        let ids: Vec<String> = roles.into_iter().map(|role| role.id).collect();
        let (add_role_ids, remove_role_ids) = if add { (ids, Vec::new()) } else { (Vec::new(), ids) };
        let operation = if add { "CREATE" } else { "DELETE" };
        let request = ChangeRoleMappingsRequest {
            realm_id: self.admin.realm_id(),
            holder: Some(self.holder()),
            add_role_ids,
            remove_role_ids,
            admin_event: self.admin.event(operation, resource_type, &path, Some(shown)),
        };
        self.admin.services().roles.change_role_mappings(Request::new(request)).await?;
        Ok(no_content())
    }
}

impl FromRequestParts<App> for Reading {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let holding = Holding::of_path(parts, app).await?;
        match holding.kind {
            Kind::User => holding.admin.require::<ViewUsers>()?,
            Kind::Client | Kind::ClientScope => holding.admin.require::<ViewClients>()?,
        }
        holding.check().await.map(Self)
    }
}

impl FromRequestParts<App> for Writing {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let holding = Holding::of_path(parts, app).await?;
        match holding.kind {
            Kind::User => holding.admin.require::<ManageUsers>()?,
            Kind::Client | Kind::ClientScope => holding.admin.require::<ManageClients>()?,
        }
        holding.check().await.map(Self)
    }
}

fn show<'a>(roles: impl Iterator<Item = &'a Role>) -> Answer {
    json(&roles.map(|role| show_role(role, true)).collect::<Vec<_>>())
}

/// All that is held directly, by container. A kind that is empty is left out.
async fn show_all(Reading(at): Reading) -> Answer {
    let roles = at.held(false).await?;
    let mut shown = Map::new();
    let of_realm: Vec<Value> =
        roles.iter().filter(|role| role.client_uuid.is_empty()).map(|role| show_role(role, true)).collect();
    if !of_realm.is_empty() {
        shown.insert("realmMappings".to_owned(), Value::from(of_realm));
    }
    let mut of_clients = Map::new();
    for role in roles.iter().filter(|role| !role.client_uuid.is_empty()) {
        let client = of_clients
            .entry(role.client_id.clone())
            .or_insert_with(|| json!({ "id": role.client_uuid, "client": role.client_id, "mappings": [] }));
        if let Some(mappings) = client["mappings"].as_array_mut() {
            mappings.push(show_role(role, true));
        }
    }
    if !of_clients.is_empty() {
        shown.insert("clientMappings".to_owned(), Value::from(of_clients));
    }
    json(&shown)
}

async fn realm_roles(Reading(at): Reading) -> Answer {
    show(at.held(false).await?.iter().filter(|role| role.client_uuid.is_empty()))
}

async fn effective_realm_roles(Reading(at): Reading) -> Answer {
    show(at.held(true).await?.iter().filter(|role| role.client_uuid.is_empty()))
}

async fn available_realm_roles(Reading(at): Reading) -> Answer {
    show(at.available("").await?.iter())
}

async fn add_realm_roles(Writing(at): Writing, body: JsonBody) -> Answer {
    at.change("", &body.read_list()?, true).await
}

async fn remove_realm_roles(Writing(at): Writing, body: JsonBody) -> Answer {
    at.change("", &body.read_list()?, false).await
}

async fn client_roles(Reading(at): Reading, Path(path): Path<OfClient>) -> Answer {
    let client = at.mapped_client(&path.of).await?;
    show(at.held(false).await?.iter().filter(|role| role.client_uuid == client.id))
}

async fn effective_client_roles(Reading(at): Reading, Path(path): Path<OfClient>) -> Answer {
    let client = at.mapped_client(&path.of).await?;
    show(at.held(true).await?.iter().filter(|role| role.client_uuid == client.id))
}

async fn available_client_roles(Reading(at): Reading, Path(path): Path<OfClient>) -> Answer {
    let client = at.mapped_client(&path.of).await?;
    show(at.available(&client.id).await?.iter())
}

async fn add_client_roles(Writing(at): Writing, Path(path): Path<OfClient>, body: JsonBody) -> Answer {
    let client = at.mapped_client(&path.of).await?;
    at.change(&client.id, &body.read_list()?, true).await
}

async fn remove_client_roles(Writing(at): Writing, Path(path): Path<OfClient>, body: JsonBody) -> Answer {
    let client = at.mapped_client(&path.of).await?;
    at.change(&client.id, &body.read_list()?, false).await
}
