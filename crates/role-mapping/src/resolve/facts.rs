//! The facts that a resolution is drawn from, as the store holds them.

use std::collections::{BTreeMap, HashMap};

use super::graph::RoleGraph;
use super::mapper::Mapper;

/// What a whole realm shares: its roles and its client scopes.
#[derive(Debug, Default)]
pub struct RealmFacts {
    /// Every role of the realm and of its clients.
    pub graph: RoleGraph,
    /// Its client scopes by id.
    pub scopes: HashMap<String, ScopeFacts>,
}

/// A client scope.
#[derive(Debug)]
pub struct ScopeFacts {
    /// The name by which it is asked for.
    pub name: String,
    /// Whether tokens and answers name it: the attribute `include.in.token.scope`, true unless set otherwise.
    pub in_token_scope: bool,
    /// Its protocol mappers, ready to run.
    pub mappers: Vec<Mapper>,
    /// The ids of the roles that it lets through.
    pub scope_mappings: Vec<String>,
}

/// What role-mapping knows of a client.
#[derive(Debug)]
pub struct ClientFacts {
    /// The UUID.
    pub id: String,
    /// The public name.
    pub client_id: String,
    /// Whether all roles of the account pass.
    pub full_scope_allowed: bool,
    /// Ids of the client scopes that are always in use.
    pub default_scopes: Vec<String>,
    /// Ids of the client scopes that may be asked for.
    pub optional_scopes: Vec<String>,
    /// Its own protocol mappers, ready to run.
    pub mappers: Vec<Mapper>,
    /// The ids of the roles that it lets through, beside its own.
    pub scope_mappings: Vec<String>,
    /// The id of its service account; `None` without one that is published.
    pub service_account: Option<String>,
}

/// A user or service account.
#[derive(Clone, Debug, Default)]
pub struct AccountFacts {
    /// The id: `sub` in tokens.
    pub id: String,
    /// The name, lower case.
    pub username: String,
    /// Empty for none, as are the names.
    pub email: String,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// A disabled account gets no token.
    pub enabled: bool,
    /// Whether the email address is known to be the account's.
    pub email_verified: bool,
    /// Seconds since the epoch; tokens issued before it are stale. 0 for none.
    pub not_before_s: i64,
    /// When it was made, milliseconds since the epoch.
    pub created_ms: i64,
    /// Custom attributes, each with its values.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// The ids of the roles that it holds directly.
    pub roles: Vec<String>,
}

/// All facts of one resolution.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The realm's.
    pub realm: &'a RealmFacts,
    /// The client's that the token is for.
    pub client: &'a ClientFacts,
    /// The account's that the token speaks for.
    pub account: &'a AccountFacts,
}

impl RealmFacts {
    /// Roughly how many bytes it takes: the weight in a cache.
    pub fn weight(&self) -> usize {
        let scopes: usize = self
            .scopes
            .values()
            .map(|s| 200 + s.name.len() + mappers_weight(&s.mappers) + 60 * s.scope_mappings.len())
            .sum();
        200 + self.graph.weight() + scopes
    }
}

impl ClientFacts {
    /// Roughly how many bytes it takes: the weight in a cache.
    pub fn weight(&self) -> usize {
        let ids = self.default_scopes.len() + self.optional_scopes.len() + self.scope_mappings.len();
        300 + 60 * ids + mappers_weight(&self.mappers)
    }
}

impl AccountFacts {
    /// Roughly how many bytes it takes: the weight in a cache.
    pub fn weight(&self) -> usize {
        let attributes: usize = self
            .attributes
            .iter()
            .map(|(name, values)| 60 + name.len() + values.iter().map(|v| 24 + v.len()).sum::<usize>())
            .sum();
        400 + attributes + 60 * self.roles.len()
    }
}

fn mappers_weight(mappers: &[Mapper]) -> usize {
    mappers.iter().map(Mapper::weight).sum()
}
