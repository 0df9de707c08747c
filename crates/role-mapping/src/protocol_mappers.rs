//! Use cases of protocol mappers. They are stored with their owner, a client or a client scope.

use latchkey_api::common::v1::{AdminEvent, Operation};
use latchkey_api::roles::v1::*;
use latchkey_platform::database::{Queries, Transaction};
use latchkey_platform::random;
use serde_json::json;

use crate::changes::Entry;
use crate::error::Error;
use crate::resolve::mapper::is_known;
use crate::service::RoleMappingService;
use crate::store::clients::StoredClient;
use crate::store::{client_scopes, clients};

const ACCESS_TOKEN_CLAIM: &str = "access.token.claim";
const INTROSPECTION_TOKEN_CLAIM: &str = "introspection.token.claim";

/// Who has protocol mappers, with the whole of its row.
enum Owner {
    Client(StoredClient),
    ClientScope(ClientScope),
}

impl Owner {
    /// Reads the owner; in a transaction nobody else changes it until the end.
    async fn find(
        db: &mut impl Queries,
        realm_id: &str,
        owner: &MapperOwner,
        lock: bool,
    ) -> Result<Self, Error> {
        if owner.client_uuid.is_empty() {
            let id = &owner.client_scope_id;
            let found = match lock {
                true => client_scopes::find_locked(db, realm_id, id).await?,
                false => client_scopes::find(db, realm_id, id).await?,
            };
            return found.map(Self::ClientScope).ok_or(Error::ClientScopeNotFound);
        }
        let id = &owner.client_uuid;
        let found = match lock {
            true => clients::find_locked(db, realm_id, id).await?,
            false => clients::find(db, realm_id, id).await?,
        };
        found.map(Self::Client).ok_or(Error::ClientNotFound)
    }

    fn mappers(&mut self) -> &mut Vec<ProtocolMapper> {
        match self {
            Self::Client(client) => &mut client.protocol_mappers,
            Self::ClientScope(scope) => &mut scope.protocol_mappers,
        }
    }

    async fn store(&self, tx: &mut Transaction) -> Result<(), Error> {
        match self {
            Self::Client(client) => clients::update(tx, client).await,
            Self::ClientScope(scope) => client_scopes::update(tx, scope).await,
        }
    }

    fn entry(&self, operation: Operation, mapper_id: &str) -> Entry {
        let (realm_id, payload) = match self {
            Self::Client(client) => (&client.realm_id, json!({ "client_uuid": client.id })),
            Self::ClientScope(scope) => (&scope.realm_id, json!({ "client_scope_id": scope.id })),
        };
        Entry::new(realm_id, "protocol_mapper", operation, mapper_id).with(payload)
    }
}

impl RoleMappingService {
    pub(crate) async fn create_protocol_mappers(
        &self,
        request: CreateProtocolMappersRequest,
    ) -> Result<(CreateProtocolMappersResponse, u64), Error> {
        let mut tx = self.database.begin().await?;
        let mut owner = Owner::find(&mut tx, &request.realm_id, &given(request.owner)?, true).await?;
        let made = complete(request.protocol_mappers, owner.mappers())?;
        owner.mappers().extend(made.iter().cloned());
        let id = made.first().map(|mapper| mapper.id.clone()).unwrap_or_default();
        let revision = self.store(tx, &owner, Operation::Created, &id, request.admin_event).await?;
        Ok((CreateProtocolMappersResponse { protocol_mappers: made }, revision))
    }

    pub(crate) async fn list_protocol_mappers(
        &self,
        request: ListProtocolMappersRequest,
    ) -> Result<ListProtocolMappersResponse, Error> {
        let mut db = self.database.clone();
        let mut owner = Owner::find(&mut db, &request.realm_id, &given(request.owner)?, false).await?;
        Ok(ListProtocolMappersResponse { protocol_mappers: std::mem::take(owner.mappers()) })
    }

    pub(crate) async fn update_protocol_mapper(
        &self,
        request: UpdateProtocolMapperRequest,
    ) -> Result<u64, Error> {
        let mapper = request
            .protocol_mapper
            .ok_or(Error::Invalid { what: "protocol_mapper", reason: "is missing" })?;
        let id = mapper.id.clone();
        let mut tx = self.database.begin().await?;
        let mut owner = Owner::find(&mut tx, &request.realm_id, &given(request.owner)?, true).await?;
        let place =
            owner.mappers().iter().position(|known| known.id == id).ok_or(Error::ProtocolMapperNotFound)?;
        owner.mappers().remove(place);
        let mut changed = complete(vec![mapper], owner.mappers())?;
        if let Some(changed) = changed.pop() {
            owner.mappers().insert(place, changed);
        }
        self.store(tx, &owner, Operation::Updated, &id, request.admin_event).await
    }

    pub(crate) async fn delete_protocol_mapper(
        &self,
        request: DeleteProtocolMapperRequest,
    ) -> Result<u64, Error> {
        let mut tx = self.database.begin().await?;
        let mut owner = Owner::find(&mut tx, &request.realm_id, &given(request.owner)?, true).await?;
        let before = owner.mappers().len();
        owner.mappers().retain(|known| known.id != request.id);
        if owner.mappers().len() == before {
            return Err(Error::ProtocolMapperNotFound);
        }
        self.store(tx, &owner, Operation::Deleted, &request.id, request.admin_event).await
    }

    async fn store(
        &self,
        mut tx: Transaction,
        owner: &Owner,
        operation: Operation,
        mapper_id: &str,
        admin_event: Option<AdminEvent>,
    ) -> Result<u64, Error> {
        owner.store(&mut tx).await?;
        self.writer.commit(tx, vec![owner.entry(operation, mapper_id).by(admin_event)]).await
    }
}

fn given(owner: Option<MapperOwner>) -> Result<MapperOwner, Error> {
    owner.ok_or(Error::Invalid { what: "owner", reason: "is missing" })
}

/// Checks mappers that are about to join `others`, and completes them: an id, a protocol, and Keycloak's rule that a mapper
/// which only speaks of access tokens means introspection likewise.
pub(crate) fn complete(
    mappers: Vec<ProtocolMapper>,
    others: &[ProtocolMapper],
) -> Result<Vec<ProtocolMapper>, Error> {
    let mut done: Vec<ProtocolMapper> = Vec::with_capacity(mappers.len());
    for mut mapper in mappers {
        if !is_known(&mapper.protocol_mapper) {
            return Err(Error::ProtocolMapperUnknown(mapper.protocol_mapper));
        }
        if mapper.id.is_empty() {
            mapper.id = random::uuid();
        }
        if mapper.protocol.is_empty() {
            crate::builtin::OPENID_CONNECT.clone_into(&mut mapper.protocol);
        }
        for known in others.iter().chain(&done) {
            if known.name == mapper.name && known.protocol == mapper.protocol {
                return Err(Error::ProtocolMapperExists);
            }
            if known.id == mapper.id {
                return Err(Error::IdExists);
            }
        }
        if let Some(access) = mapper.config.get(ACCESS_TOKEN_CLAIM).cloned() {
            mapper.config.entry(INTROSPECTION_TOKEN_CLAIM.to_owned()).or_insert(access);
        }
        done.push(mapper);
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapper(name: &str, kind: &str, config: &[(&str, &str)]) -> ProtocolMapper {
        ProtocolMapper {
            name: name.to_owned(),
            protocol_mapper: kind.to_owned(),
            config: config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..ProtocolMapper::default()
        }
    }

    #[test]
    fn introspection_follows_the_access_token_unless_it_is_set() {
        let made = complete(
            vec![
                mapper("a", "oidc-sub-mapper", &[(ACCESS_TOKEN_CLAIM, "true")]),
                mapper(
                    "b",
                    "oidc-sub-mapper",
                    &[(ACCESS_TOKEN_CLAIM, "true"), (INTROSPECTION_TOKEN_CLAIM, "false")],
                ),
                mapper("c", "oidc-sub-mapper", &[]),
            ],
            &[],
        )
        .expect("they are good");
        let introspection: Vec<_> =
            made.iter().map(|m| m.config.get(INTROSPECTION_TOKEN_CLAIM).cloned()).collect();
        assert_eq!(introspection, [Some("true".into()), Some("false".into()), None]);
        assert!(made.iter().all(|m| !m.id.is_empty() && m.protocol == "openid-connect"));
    }

    #[test]
    fn unknown_kinds_and_equal_names_are_refused() {
        let unknown = complete(vec![mapper("a", "oidc-nothing-mapper", &[])], &[]);
        assert!(matches!(unknown, Err(Error::ProtocolMapperUnknown(kind)) if kind == "oidc-nothing-mapper"));
        let twice = vec![mapper("a", "oidc-sub-mapper", &[]), mapper("a", "oidc-acr-mapper", &[])];
        assert!(matches!(complete(twice, &[]), Err(Error::ProtocolMapperExists)));
        let inert = complete(
            vec![mapper("a", "saml-role-list-mapper", &[]), mapper("b", "oidc-group-membership-mapper", &[])],
            &[],
        );
        assert!(inert.is_ok());
    }
}
