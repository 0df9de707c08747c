//! `…/protocol-mappers` of a client or a client scope.

use super::{
    answer::{created, json, no_content},
    authorization::{ManageClients, RealmAdmin, ViewClients},
    body::JsonBody,
    error::{Answer, Error},
    representation::{ProtocolMapperRepresentation, show_protocol_mapper},
};
use crate::App;
use axum::{
    Router,
    extract::{FromRequestParts, Path, RawPathParams},
    http::request::Parts,
    routing::{get, post},
};
use latchkey_api::roles::v1::{
    CreateProtocolMappersRequest, DeleteProtocolMapperRequest, ListProtocolMappersRequest, MapperOwner,
    ProtocolMapper, UpdateProtocolMapperRequest,
};
use latchkey_platform::random;
use serde::Deserialize;
use serde_json::Value;
use tonic::Request;

/// The owner of mappers, by a caller who may see them.
struct Reading(Owner);
/// The owner of mappers, by a caller who may change them.
struct Writing(Owner);

struct Owner {
    admin: RealmAdmin,
    /// `clients` or `client-scopes`.
    kind: &'static str,
    id: String,
}

/// A mapper (uuid).
#[derive(Deserialize)]
struct MapperPath {
    mapper: String,
}

/// A protocol's name.
#[derive(Deserialize)]
struct ProtocolPath {
    protocol: String,
}

pub(super) fn router() -> Router<App> {
    let mut router = Router::new();
    for owner in ["/admin/realms/{realm}/clients/{id}", "/admin/realms/{realm}/client-scopes/{scope}"] {
        router = router
            .route(&format!("{owner}/protocol-mappers/models"), get(list).post(create))
            .route(
                &format!("{owner}/protocol-mappers/models/{{mapper}}"),
                get(show).put(update).delete(delete),
            )
            .route(&format!("{owner}/protocol-mappers/add-models"), post(create_several))
            .route(&format!("{owner}/protocol-mappers/protocol/{{protocol}}"), get(list_of_protocol));
    }
    router
}

impl Owner {
    async fn of_path(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let admin = RealmAdmin::from_request_parts(parts, app).await?;
        let path = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Error::PathNotFound)?;
        let (kind, id) = path
            .iter()
            .find_map(|(name, id)| match name {
                "id" => Some(("clients", id.to_owned())),
                "scope" => Some(("client-scopes", id.to_owned())),
                _ => None,
            })
            .ok_or(Error::PathNotFound)?;
        Ok(Self { admin, kind, id })
    }

    /// The owner must be there.
    async fn check(self) -> Result<Self, Error> {
        if self.kind == "clients" {
            self.admin.client(&self.id).await?;
        } else {
            self.admin.client_scope(&self.id).await?;
        }
        Ok(self)
    }

    fn owner(&self) -> Option<MapperOwner> {
        let id = self.id.clone();
        Some(if self.kind == "clients" {
            MapperOwner { client_uuid: id, ..MapperOwner::default() }
        } else {
            MapperOwner { client_scope_id: id, ..MapperOwner::default() }
        })
    }

    async fn mappers(&self) -> Result<Vec<ProtocolMapper>, Error> {
        let request = ListProtocolMappersRequest { realm_id: self.admin.realm_id(), owner: self.owner() };
        let answer = self.admin.services().roles.list_protocol_mappers(Request::new(request)).await?;
        Ok(answer.into_inner().protocol_mappers)
    }

    async fn mapper(&self, id: &str) -> Result<ProtocolMapper, Error> {
        self.mappers().await?.into_iter().find(|mapper| mapper.id == id).ok_or(Error::MapperNotFound)
    }

    fn path(&self, mapper: &str) -> String {
        format!("{}/{}/protocol-mappers/models/{mapper}", self.kind, self.id)
    }

    async fn make(&self, mappers: Vec<ProtocolMapper>) -> Result<(), Error> {
        let path = mappers.first().map(|mapper| self.path(&mapper.id)).unwrap_or_default();
        let shown: Value = mappers.iter().map(show_protocol_mapper).collect();
        let request = CreateProtocolMappersRequest {
            realm_id: self.admin.realm_id(),
            owner: self.owner(),
            protocol_mappers: mappers,
            admin_event: self.admin.event("CREATE", "PROTOCOL_MAPPER", &path, Some(shown)),
        };
        self.admin.services().roles.create_protocol_mappers(Request::new(request)).await?;
        Ok(())
    }
}

impl FromRequestParts<App> for Reading {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let owner = Owner::of_path(parts, app).await?;
        owner.admin.require::<ViewClients>()?;
        owner.check().await.map(Self)
    }
}

impl FromRequestParts<App> for Writing {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let owner = Owner::of_path(parts, app).await?;
        owner.admin.require::<ManageClients>()?;
        owner.check().await.map(Self)
    }
}

async fn list(Reading(owner): Reading) -> Answer {
    json(&owner.mappers().await?.iter().map(show_protocol_mapper).collect::<Vec<_>>())
}

async fn list_of_protocol(Reading(owner): Reading, Path(path): Path<ProtocolPath>) -> Answer {
    let mappers = owner.mappers().await?;
    let shown = mappers.iter().filter(|mapper| mapper.protocol == path.protocol).map(show_protocol_mapper);
    json(&shown.collect::<Vec<_>>())
}

async fn create(Writing(owner): Writing, body: JsonBody) -> Answer {
    let mapper = body.read::<ProtocolMapperRepresentation>()?.message(random::uuid);
    let id = mapper.id.clone();
    owner.make(vec![mapper]).await?;
    let admin = &owner.admin;
    let segments = [&admin.realm.name, owner.kind, &owner.id, "protocol-mappers", "models", &id];
    created(&admin.app, &admin.context, &segments)
}

async fn create_several(Writing(owner): Writing, body: JsonBody) -> Answer {
    let mappers = body.read_list::<ProtocolMapperRepresentation>()?;
    owner.make(mappers.into_iter().map(|mapper| mapper.message(random::uuid)).collect()).await?;
    Ok(no_content())
}

async fn show(Reading(owner): Reading, Path(path): Path<MapperPath>) -> Answer {
    json(&show_protocol_mapper(&owner.mapper(&path.mapper).await?))
}

async fn update(Writing(owner): Writing, Path(path): Path<MapperPath>, body: JsonBody) -> Answer {
    let stored = owner.mapper(&path.mapper).await?;
    let representation: ProtocolMapperRepresentation = body.read()?;
    let keeps_config = representation.config.is_none();
    let given = representation.message(String::new);
    let or = |given: String, stored: String| if given.is_empty() { stored } else { given };
    let mapper = ProtocolMapper {
        id: stored.id,
        name: or(given.name, stored.name),
        protocol: given.protocol,
        protocol_mapper: or(given.protocol_mapper, stored.protocol_mapper),
        config: if keeps_config { stored.config } else { given.config },
    };
    let shown = show_protocol_mapper(&mapper);
    let request = UpdateProtocolMapperRequest {
        realm_id: owner.admin.realm_id(),
        owner: owner.owner(),
        admin_event: owner.admin.event("UPDATE", "PROTOCOL_MAPPER", &owner.path(&mapper.id), Some(shown)),
        protocol_mapper: Some(mapper),
    };
    owner.admin.services().roles.update_protocol_mapper(Request::new(request)).await?;
    Ok(no_content())
}

async fn delete(Writing(owner): Writing, Path(path): Path<MapperPath>) -> Answer {
    let mapper = owner.mapper(&path.mapper).await?;
    let shown = show_protocol_mapper(&mapper);
    let request = DeleteProtocolMapperRequest {
        realm_id: owner.admin.realm_id(),
        owner: owner.owner(),
        admin_event: owner.admin.event("DELETE", "PROTOCOL_MAPPER", &owner.path(&mapper.id), Some(shown)),
        id: mapper.id,
    };
    owner.admin.services().roles.delete_protocol_mapper(Request::new(request)).await?;
    Ok(no_content())
}
