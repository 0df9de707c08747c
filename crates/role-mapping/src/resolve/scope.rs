//! Which client scopes are in use: the client's default ones always, its optional ones when they are asked for.

use super::ask::{Ask, Refusal};
use super::facts::{Facts, ScopeFacts};
use super::graph::RoleSet;

/// The scope that makes an OpenID Connect request; no client scope stands behind it.
const OPENID: &str = "openid";
/// The client scope, and the realm role, of offline tokens.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// The client scopes in use.
#[derive(Debug)]
pub(crate) struct GrantedScopes<'a> {
    pub(crate) scopes: Vec<&'a ScopeFacts>,
    pub(crate) openid: bool,
}

impl<'a> GrantedScopes<'a> {
    /// Decides from the `scope` parameter and, on refresh, from what was granted before. `held` is what the account holds.
    ///
    /// As Keycloak does: an unknown or unassigned scope refuses the request; one that was not granted before is dropped;
    /// one whose mapped roles the account holds none of is dropped; the client's default scopes of today always stay.
    pub(crate) fn decide(facts: Facts<'a>, ask: &Ask<'_>, held: &RoleSet) -> Result<Self, Refusal> {
        let scope_of = |id: &'a String| facts.realm.scopes.get(id);
        let default: Vec<_> = facts.client.default_scopes.iter().filter_map(scope_of).collect();
        let optional: Vec<_> = facts.client.optional_scopes.iter().filter_map(scope_of).collect();

        let asked: Vec<&str> = ask.scope.map(split).unwrap_or_default();
        let known =
            |name: &str| name == OPENID || default.iter().chain(&optional).any(|scope| scope.name == name);
        if !asked.iter().all(|name| known(name)) {
            return Err(Refusal::InvalidScope);
        }

        let granted: Option<Vec<&str>> = ask.granted_scope.map(split);
        let wanted = |name: &str| match (&granted, ask.scope) {
            (Some(granted), None) => granted.contains(&name),
            (Some(granted), Some(_)) => granted.contains(&name) && asked.contains(&name),
            (None, _) => asked.contains(&name),
        };
        let mut scopes = default;
        scopes.extend(optional.into_iter().filter(|scope| wanted(&scope.name)));
        scopes.retain(|scope| permitted(facts, scope, held));
        Ok(Self { scopes, openid: wanted(OPENID) })
    }

    /// The scopes that tokens and answers name.
    pub(crate) fn shown(&self) -> String {
        self.join(|scope| scope.in_token_scope)
    }

    /// All of them, as a refresh token remembers them.
    pub(crate) fn all(&self) -> String {
        self.join(|_| true)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.name == name)
    }

    fn join(&self, shown: impl Fn(&ScopeFacts) -> bool) -> String {
        let openid = self.openid.then_some(OPENID);
        let named = self.scopes.iter().filter(|scope| shown(scope)).map(|scope| scope.name.as_str());
        openid.into_iter().chain(named).collect::<Vec<_>>().join(" ")
    }
}

/// A scope with role scope mappings is for those only who hold one of the roles (composites expanded).
fn permitted(facts: Facts<'_>, scope: &ScopeFacts, held: &RoleSet) -> bool {
    scope.scope_mappings.is_empty()
        || facts.realm.graph.expand_ids(scope.scope_mappings.iter().map(String::as_str)).meets(held)
}

/// Splits as Keycloak does: at each blank, so that two blanks enclose an empty (and unknown) scope, but blanks at the end
/// do not count. An empty parameter is one empty scope.
fn split(parameter: &str) -> Vec<&str> {
    if parameter.is_empty() { vec![""] } else { parameter.trim_end_matches(' ').split(' ').collect() }
}
