//! Protocol mappers: what makes claims of roles, attributes and settings. One module each, behind [`ClaimMapper`].
//!
//! Their names, settings and order are Keycloak's. A configuration that makes no sense gives a mapper that does nothing: a
//! token is never refused for it.

mod acr;
mod address;
mod allowed_origins;
mod audience;
mod audience_resolve;
mod client_role;
mod config;
mod full_name;
mod hardcoded_claim;
mod hardcoded_role;
mod inert;
mod kind;
mod pairwise_sub;
mod realm_role;
mod role_name;
mod session_note;
mod sub;
mod target;
mod user_attribute;
mod user_property;

use std::fmt;

pub use config::MapperConfig;
pub use kind::is_known;

use super::ask::Ask;
use super::claims::{Claims, Destination};
use super::facts::Facts;
use super::roles::ShapedRoles;
use config::Destinations;

/// When a mapper runs: Keycloak's priorities of mappers, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    Claim,
    RoleName,
    HardcodedRole,
    AudienceResolve,
    Role,
}

/// What one kind of protocol mapper does.
pub(crate) trait ClaimMapper: fmt::Debug + Send + Sync {
    /// When it runs.
    fn turn(&self) -> Turn {
        Turn::Claim
    }

    /// Where it can write at all, before its settings choose among these.
    fn destinations(&self) -> Destinations {
        Destinations::all()
    }

    /// Changes the roles that role and audience mappers see afterwards, for all destinations.
    fn shape_roles(&self, _roles: &mut ShapedRoles) {}

    /// Writes its claims to one destination.
    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>);
}

/// What mappers draw from.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) roles: &'a ShapedRoles,
}

/// A protocol mapper whose configuration has been read.
#[derive(Debug)]
pub struct Mapper {
    kind: Box<dyn ClaimMapper>,
    destinations: Destinations,
    weight: usize,
}

impl Mapper {
    /// Reads a mapper of a provider (`oidc-hardcoded-claim-mapper`, ...). One of an unknown kind does nothing.
    pub fn new(provider: &str, config: &MapperConfig<'_>) -> Self {
        let kind = kind::read(provider, config);
        let destinations = config.destinations().within(kind.destinations());
        Self { kind, destinations, weight: 120 + 2 * config.weight() }
    }

    pub(crate) fn turn(&self) -> Turn {
        self.kind.turn()
    }

    pub(crate) fn shape_roles(&self, roles: &mut ShapedRoles) {
        self.kind.shape_roles(roles);
    }

    pub(crate) fn map(&self, source: &Source<'_>, destination: Destination, claims: &mut Claims<'_>) {
        if self.destinations.contains(destination) {
            self.kind.map(source, claims);
        }
    }

    /// Roughly how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }
}
