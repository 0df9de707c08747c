//! A claim with a value by configuration.

use super::target::Target;
use super::{ClaimMapper, Claims, MapperConfig, Source};

#[derive(Debug)]
struct HardcodedClaim {
    target: Target,
    value: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(HardcodedClaim {
        target: Target::read(config)?,
        value: config.get("claim.value")?.to_owned(),
    }))
}

impl ClaimMapper for HardcodedClaim {
    fn map(&self, _source: &Source<'_>, claims: &mut Claims<'_>) {
        self.target.write(&self.value, claims);
    }
}
