//! The one decision of this service: *what may this account carry to this client?*
//!
//! [`resolve`] is a pure function from [`Facts`] and an [`Ask`] to an [`Answer`]. Its steps stand in files of their own and
//! hand on plain values, so that each can tell its reasons: the scopes in use ([`scope`]), the roles within them
//! ([`roles`]), the claims that mappers make of it ([`mapper`]).
//!
//! To add a protocol mapper: a module in `mapper/` that implements `ClaimMapper`, and its name in `mapper::kind`.

mod ask;
mod claim_path;
mod claims;
mod facts;
mod graph;
mod json_type;
mod late;
pub mod mapper;
mod roles;
mod scope;

pub use ask::{Answer, Ask, ClaimSet, EffectiveRole, LateClaim, Notes, Refusal, Wanted};
pub use facts::{AccountFacts, ClientFacts, Facts, RealmFacts, ScopeFacts};
pub use graph::{ClientIndex, RoleContainer, RoleGraph, RoleIndex, RoleNode, RoleSet};

#[cfg(test)]
mod tests;

use claims::{Claims, Destination};
use mapper::{Mapper, Source};
use roles::ShapedRoles;
use scope::{GrantedScopes, OFFLINE_ACCESS};

/// Decides what an account may carry to a client.
///
/// # Errors
/// [`Refusal::InvalidScope`] for a scope that the client does not have; [`Refusal::AudienceNotAvailable`] for a requested
/// audience that the access token does not reach.
pub fn resolve(facts: Facts<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let graph = &facts.realm.graph;
    let held = roles::held(facts);
    let granted = GrantedScopes::decide(facts, ask, &held)?;
    let effective = roles::effective(facts, &granted, &held);

    let mappers = in_order(facts, &granted);
    let mut shaped = ShapedRoles::new(graph, &effective, ask.audience);
    for mapper in &mappers {
        mapper.shape_roles(&mut shaped);
    }
    let source = Source { facts, ask, roles: &shaped };

    let wanted = ask.destinations;
    let access_token = match (wanted.access_token, wanted.lightweight) {
        (false, _) => None,
        (true, false) => Some(Destination::AccessToken),
        (true, true) => Some(Destination::LightweightAccessToken),
    };
    let claims = |destination| source.claims(&mappers, destination);
    Ok(Answer {
        scope: granted.shown(),
        granted_scope: granted.all(),
        openid: granted.openid,
        offline_access: granted.has(OFFLINE_ACCESS) && roles::offline_allowed(graph, &effective),
        access_token: access_token.map(claims).transpose()?.map(Claims::finish),
        id_token: wanted.id_token.then(|| claims(Destination::IdToken)).transpose()?.map(Claims::finish),
        userinfo: wanted.userinfo.then(|| claims(Destination::Userinfo)).transpose()?.map(Claims::finish),
        introspection: wanted
            .introspection
            .then(|| claims(Destination::Introspection))
            .transpose()?
            .map(Claims::finish),
        roles: if wanted.roles { roles::list(graph, &effective) } else { Vec::new() },
    })
}

/// The mappers of the scopes in use and of the client itself, in the order in which they run. Of two that write the same
/// claim the later one wins: the client's over those of scopes.
fn in_order<'a>(facts: Facts<'a>, granted: &GrantedScopes<'a>) -> Vec<&'a Mapper> {
    let of_scopes = granted.scopes.iter().flat_map(|scope| &scope.mappers);
    let mut mappers: Vec<&Mapper> = of_scopes.chain(&facts.client.mappers).collect();
    mappers.sort_by_key(|mapper| mapper.turn());
    mappers
}

impl<'a> Source<'a> {
    fn claims(&self, mappers: &[&Mapper], destination: Destination) -> Result<Claims<'a>, Refusal> {
        let mut claims = Claims::new(destination, self.ask.notes);
        match destination {
            // A token without a session names its account always: that is how it is found again.
            Destination::AccessToken | Destination::LightweightAccessToken if self.ask.session => {}
            Destination::Introspection => {}
            _ => claims.set_fixed("sub", self.facts.account.id.as_str()),
        }
        // OpenID Connect Core section 2: the audience of an ID token is its client.
        if destination == Destination::IdToken {
            claims.add_audience(&self.facts.client.client_id);
        }
        for mapper in mappers {
            mapper.map(self, destination, &mut claims);
        }
        if matches!(destination, Destination::AccessToken | Destination::LightweightAccessToken)
            && !self.ask.audience.is_empty()
        {
            if let Some(missing) = self.ask.audience.iter().find(|asked| !claims.audience().contains(asked)) {
                return Err(Refusal::AudienceNotAvailable(missing.clone()));
            }
            claims.keep_audience(self.ask.audience);
        }
        Ok(claims)
    }
}
