//! `sub`: the id of the account.

use super::{ClaimMapper, Claims, Destinations, MapperConfig, Source};

#[derive(Debug)]
struct Sub;

pub(super) fn read(_config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(Sub))
}

impl ClaimMapper for Sub {
    fn destinations(&self) -> Destinations {
        Destinations::access()
    }

    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        claims.set_fixed("sub", source.facts.account.id.as_str());
    }
}
