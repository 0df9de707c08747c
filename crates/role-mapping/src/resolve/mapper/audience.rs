//! An audience by configuration: a client of the realm, or any text.

use super::{ClaimMapper, Claims, Destinations, MapperConfig, Source};

#[derive(Debug)]
struct Audience {
    name: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    let name = config.text("included.client.audience").or_else(|| config.text("included.custom.audience"))?;
    Some(Box::new(Audience { name: name.to_owned() }))
}

impl ClaimMapper for Audience {
    fn destinations(&self) -> Destinations {
        Destinations::tokens()
    }

    fn map(&self, _source: &Source<'_>, claims: &mut Claims<'_>) {
        claims.add_audience(&self.name);
    }
}
