//! Audiences by roles: every client whose roles the token carries, except the token's own client.

use super::{ClaimMapper, Claims, Destinations, MapperConfig, Source, Turn};

#[derive(Debug)]
struct AudienceResolve;

pub(super) fn read(_config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(AudienceResolve))
}

impl ClaimMapper for AudienceResolve {
    fn turn(&self) -> Turn {
        Turn::AudienceResolve
    }

    fn destinations(&self) -> Destinations {
        Destinations::tokens()
    }

    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        for (client_id, roles) in &source.roles.clients {
            if !roles.is_empty() && *client_id != source.facts.client.client_id {
                claims.add_audience(client_id);
            }
        }
    }
}
