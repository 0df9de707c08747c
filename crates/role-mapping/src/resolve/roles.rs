//! Which roles a token may carry, and what role mappers make of them.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::EffectiveRole;
use super::facts::Facts;
use super::graph::{RoleGraph, RoleSet};
use super::scope::{GrantedScopes, OFFLINE_ACCESS};

/// The roles that the account holds, composites expanded.
pub(crate) fn held(facts: Facts<'_>) -> RoleSet {
    facts.realm.graph.expand_ids(facts.account.roles.iter().map(String::as_str))
}

/// The intersection: what the account holds and the client's scope lets through. With Full Scope Allowed all it holds;
/// without it, the client's own roles, its scope mappings and those of the client scopes in use, composites expanded.
pub(crate) fn effective(facts: Facts<'_>, granted: &GrantedScopes<'_>, held: &RoleSet) -> RoleSet {
    if facts.client.full_scope_allowed {
        return held.clone();
    }
    let graph = &facts.realm.graph;
    let mapped = granted.scopes.iter().flat_map(|scope| &scope.scope_mappings);
    let mapped = facts.client.scope_mappings.iter().chain(mapped).filter_map(|id| graph.find(id));
    let own = graph.roles_of(&facts.client.id).iter().copied();
    held.clone().intersection(&graph.expand(own.chain(mapped)))
}

/// Whether the realm role that offline tokens need is among the roles.
pub(crate) fn offline_allowed(graph: &RoleGraph, effective: &RoleSet) -> bool {
    effective.iter().any(|role| {
        let role = graph.role(role);
        role.client.is_none() && &*role.name == OFFLINE_ACCESS
    })
}

/// The roles one by one, for authorisation: no mapper touches these.
pub(crate) fn list(graph: &RoleGraph, effective: &RoleSet) -> Vec<EffectiveRole> {
    let describe = |role| {
        let role = graph.role(role);
        let client = role.client.map(|client| graph.client(client));
        EffectiveRole {
            client_id: client.map(|c| c.client_id.to_string()).unwrap_or_default(),
            client_uuid: client.map(|c| c.uuid.to_string()).unwrap_or_default(),
            name: role.name.to_string(),
        }
    };
    effective.iter().map(describe).collect()
}

/// The roles by container and name, as mappers see them: role name mappers rename and move them, hardcoded role mappers
/// add to them, and then role and audience mappers show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShapedRoles {
    pub(crate) realm: BTreeSet<String>,
    /// By client_id.
    pub(crate) clients: BTreeMap<String, BTreeSet<String>>,
}

impl ShapedRoles {
    /// The effective roles before any mapper. Where `audience` names clients, only their client roles remain.
    pub(crate) fn new(graph: &RoleGraph, effective: &RoleSet, audience: &[String]) -> Self {
        let mut shaped = Self::default();
        for role in effective.iter() {
            let role = graph.role(role);
            let Some(client) = role.client else {
                shaped.realm.insert(role.name.to_string());
                continue;
            };
            let client_id = &*graph.client(client).client_id;
            if audience.is_empty() || audience.iter().any(|kept| kept == client_id) {
                shaped.clients.entry(client_id.to_owned()).or_default().insert(role.name.to_string());
            }
        }
        shaped
    }

    /// Adds a role by Keycloak's name for it.
    pub(crate) fn add(&mut self, role: &RoleName) {
        let names = match &role.client_id {
            Some(client_id) => self.clients.entry(client_id.clone()).or_default(),
            None => &mut self.realm,
        };
        names.insert(role.name.clone());
    }

    /// Takes a role away; false if it was not there.
    pub(crate) fn remove(&mut self, role: &RoleName) -> bool {
        match &role.client_id {
            Some(client_id) => self.clients.get_mut(client_id).is_some_and(|names| names.remove(&role.name)),
            None => self.realm.remove(&role.name),
        }
    }
}

/// A role as mapper configurations name it: `name` for a realm role, `client_id.name` for a client role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleName {
    pub(crate) client_id: Option<String>,
    pub(crate) name: String,
}

impl RoleName {
    /// The last dot divides; a client_id may hold dots itself.
    pub(crate) fn parse(text: &str) -> Self {
        match text.rsplit_once('.') {
            Some((client_id, name)) => Self { client_id: Some(client_id.to_owned()), name: name.to_owned() },
            None => Self { client_id: None, name: text.to_owned() },
        }
    }
}
