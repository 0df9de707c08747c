//! `allowed-origins`: the web origins of the client; absent without any.

use super::{ClaimMapper, Claims, Destinations, MapperConfig, Source};

#[derive(Debug)]
struct AllowedOrigins;

pub(super) fn read(_config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(AllowedOrigins))
}

impl ClaimMapper for AllowedOrigins {
    fn destinations(&self) -> Destinations {
        Destinations::access()
    }

    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        if !source.ask.web_origins.is_empty() {
            claims.set_fixed("allowed-origins", source.ask.web_origins);
        }
    }
}
