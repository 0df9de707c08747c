//! `name`: given and family name; absent without either.

use super::{ClaimMapper, Claims, MapperConfig, Source};

#[derive(Debug)]
struct FullName;

pub(super) fn read(_config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(FullName))
}

impl ClaimMapper for FullName {
    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        let account = source.facts.account;
        let parts = [account.first_name.as_str(), account.last_name.as_str()];
        let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        if !name.is_empty() {
            claims.set_fixed("name", name);
        }
    }
}
