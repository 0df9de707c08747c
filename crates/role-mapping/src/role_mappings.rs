//! Use cases of role mappings, and of the scope mappings of clients and client scopes.

use std::collections::HashSet;

use latchkey_api::common::v1::Operation;
use latchkey_api::roles::v1::*;
use latchkey_platform::database::Queries;
use serde_json::json;

use crate::changes::Entry;
use crate::error::Error;
use crate::load;
use crate::service::RoleMappingService;
use crate::store::role_mappings::Holder;
use crate::store::{client_scopes, clients, role_mappings, roles, users};

impl RoleMappingService {
    pub(crate) async fn change_role_mappings(
        &self,
        request: ChangeRoleMappingsRequest,
    ) -> Result<u64, Error> {
        let ChangeRoleMappingsRequest { realm_id, holder, add_role_ids, remove_role_ids, admin_event } =
            request;
        let holder = holder.unwrap_or_default();
        let holder = given(&holder)?;
        let mut tx = self.database.begin().await?;
        require(&mut tx, &realm_id, holder).await?;
        for ids in [&add_role_ids, &remove_role_ids] {
            if !roles::all_exist(&mut tx, &realm_id, ids).await? {
                return Err(Error::RoleNotFound);
            }
        }
        role_mappings::add(&mut tx, &realm_id, holder, &add_role_ids).await?;
        role_mappings::remove(&mut tx, &realm_id, holder, &remove_role_ids).await?;
        let (entity, payload) = match holder {
            Holder::User(_) => ("role_mapping", json!({})),
            Holder::Client(id) => ("scope_mapping", json!({ "client_uuid": id })),
            Holder::ClientScope(id) => ("scope_mapping", json!({ "client_scope_id": id })),
        };
        let (_, id) = holder.key();
        let entry = Entry::new(&realm_id, entity, Operation::Updated, id).with(payload).by(admin_event);
        self.writer.commit(tx, vec![entry]).await
    }

    pub(crate) async fn list_role_mappings(
        &self,
        request: ListRoleMappingsRequest,
    ) -> Result<ListRoleMappingsResponse, Error> {
        let ListRoleMappingsRequest { realm_id, holder, effective } = request;
        let holder = holder.unwrap_or_default();
        let holder = given(&holder)?;
        let mut db = self.database.clone();
        require(&mut db, &realm_id, holder).await?;
        let (kind, id) = holder.key();
        let direct = roles::held_by(&mut db, &realm_id, kind, id).await?;
        if !effective {
            return Ok(ListRoleMappingsResponse { roles: direct });
        }
        let graph = load::graph(&mut db, &realm_id).await?;
        let expanded = graph.expand_ids(direct.iter().map(|role| role.id.as_str()));
        let ids: HashSet<&str> = expanded.iter().map(|role| &*graph.role(role).id).collect();
        let mut roles = roles::list_all(&mut db, &realm_id).await?;
        roles.retain(|role| ids.contains(role.id.as_str()));
        Ok(ListRoleMappingsResponse { roles })
    }
}

fn given(holder: &RoleHolder) -> Result<Holder<'_>, Error> {
    Holder::of(holder).ok_or(Error::Invalid { what: "holder", reason: "must be one of three" })
}

async fn require(db: &mut impl Queries, realm_id: &str, holder: Holder<'_>) -> Result<(), Error> {
    match holder {
        Holder::User(id) => users::find_any(db, realm_id, id).await?.map(drop).ok_or(Error::UserNotFound),
        Holder::Client(id) => clients::find(db, realm_id, id).await?.map(drop).ok_or(Error::ClientNotFound),
        Holder::ClientScope(id) => {
            client_scopes::find(db, realm_id, id).await?.map(drop).ok_or(Error::ClientScopeNotFound)
        }
    }
}
