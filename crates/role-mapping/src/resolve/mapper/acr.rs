//! `acr`: how strongly the account was authenticated. Service accounts have always the level 1.

use super::{ClaimMapper, Claims, Destinations, MapperConfig, Source};

#[derive(Debug)]
struct Acr;

pub(super) fn read(_config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(Acr))
}

impl ClaimMapper for Acr {
    fn destinations(&self) -> Destinations {
        Destinations::tokens()
    }

    fn map(&self, _source: &Source<'_>, claims: &mut Claims<'_>) {
        claims.set_fixed("acr", "1");
    }
}
