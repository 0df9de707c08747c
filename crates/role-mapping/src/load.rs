//! Reading the facts of a resolution out of the store.

use latchkey_api::roles::v1::{ProtocolMapper, User};
use latchkey_platform::database::Queries;

use crate::error::Error;
use crate::resolve::mapper::{Mapper, MapperConfig};
use crate::resolve::{AccountFacts, ClientFacts, RealmFacts, RoleGraph, ScopeFacts};
use crate::store::role_mappings::Holder;
use crate::store::{client_scopes, clients, role_mappings, roles, users};

/// Only these protocol mappers run; others are kept for tools that read them back.
const PROTOCOL: &str = "openid-connect";
const IN_TOKEN_SCOPE: &str = "include.in.token.scope";

/// What a whole realm shares; empty where nothing has been provisioned.
pub(crate) async fn realm(db: &mut impl Queries, realm_id: &str) -> Result<RealmFacts, Error> {
    let mut facts = RealmFacts { graph: graph(db, realm_id).await?, ..RealmFacts::default() };
    for scope in client_scopes::list(db, realm_id).await? {
        if scope.protocol != PROTOCOL {
            continue;
        }
        let shown = scope.attributes.get(IN_TOKEN_SCOPE).is_none_or(|value| value == "true");
        let mappers = mappers(&scope.protocol_mappers);
        let scope_mappings = Vec::new();
        facts.scopes.insert(
            scope.id,
            ScopeFacts { name: scope.name, in_token_scope: shown, mappers, scope_mappings },
        );
    }
    for row in role_mappings::of_client_scopes(db, realm_id).await? {
        if let Some(scope) = facts.scopes.get_mut(&row.text("holder_id")?) {
            scope.scope_mappings.push(row.text("role_id")?);
        }
    }
    Ok(facts)
}

/// The role graph of a realm.
pub(crate) async fn graph(db: &mut impl Queries, realm_id: &str) -> Result<RoleGraph, Error> {
    let mut graph = RoleGraph::default();
    for row in roles::graph_rows(db, realm_id).await? {
        let client = match row.text("client_uuid")? {
            uuid if uuid.is_empty() => None,
            uuid => Some(graph.add_client(&uuid, &row.optional_text("client_id")?.unwrap_or_default())),
        };
        graph.add_role(&row.text("id")?, &row.text("name")?, client);
    }
    for row in roles::all_composites(db, realm_id).await? {
        graph.add_composite(&row.text("role_id")?, &row.text("contains_id")?);
    }
    Ok(graph)
}

/// A client, published or not: who asks has it from the registry.
pub(crate) async fn client(
    db: &mut impl Queries,
    realm_id: &str,
    uuid: &str,
) -> Result<Option<ClientFacts>, Error> {
    let Some(client) = clients::find(db, realm_id, uuid).await? else { return Ok(None) };
    let assigned = client_scopes::assignments(db, realm_id, Some(uuid)).await?;
    let of_kind = |optional: bool| {
        let chosen = assigned.iter().filter(|named| named.assignment.optional == optional);
        chosen.map(|named| named.assignment.client_scope_id.clone()).collect()
    };
    Ok(Some(ClientFacts {
        default_scopes: of_kind(false),
        optional_scopes: of_kind(true),
        mappers: mappers(&client.protocol_mappers),
        scope_mappings: role_mappings::role_ids(db, realm_id, Holder::Client(uuid)).await?,
        service_account: users::service_account(db, realm_id, uuid).await?.map(|user| user.id),
        id: client.id,
        client_id: client.client_id,
        full_scope_allowed: client.full_scope_allowed,
    }))
}

/// An account, published or not.
pub(crate) async fn account(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<AccountFacts>, Error> {
    let Some(user) = users::find_any(db, realm_id, id).await? else { return Ok(None) };
    let roles = role_mappings::role_ids(db, realm_id, Holder::User(id)).await?;
    let User {
        username,
        email,
        first_name,
        last_name,
        enabled,
        email_verified,
        not_before_s,
        created_ms,
        ..
    } = user;
    let attributes = user.attributes.into_iter().map(|(name, list)| (name, list.values)).collect();
    Ok(Some(AccountFacts {
        id: user.id,
        username,
        email,
        first_name,
        last_name,
        enabled,
        email_verified,
        not_before_s,
        created_ms,
        attributes,
        roles,
    }))
}

fn mappers(stored: &[ProtocolMapper]) -> Vec<Mapper> {
    let read = |mapper: &ProtocolMapper| {
        Mapper::new(&mapper.protocol_mapper, &mapper.config.iter().collect::<MapperConfig<'_>>())
    };
    stored.iter().filter(|mapper| mapper.protocol == PROTOCOL).map(read).collect()
}
