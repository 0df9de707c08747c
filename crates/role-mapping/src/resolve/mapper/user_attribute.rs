//! An attribute of the account: a custom one, or one of those that every account has.

use super::target::Target;
use super::{ClaimMapper, Claims, MapperConfig, Source};
use crate::resolve::AccountFacts;

#[derive(Debug)]
struct UserAttribute {
    target: Target,
    attribute: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    let attribute = config.text("user.attribute")?.to_owned();
    Some(Box::new(UserAttribute { target: Target::read(config)?, attribute }))
}

impl ClaimMapper for UserAttribute {
    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        self.target.write_all(&values(source.facts.account, &self.attribute), claims);
    }
}

fn values<'a>(account: &'a AccountFacts, attribute: &str) -> Vec<&'a str> {
    let built_in = match attribute {
        "username" => &account.username,
        "email" => &account.email,
        "firstName" => &account.first_name,
        "lastName" => &account.last_name,
        custom => {
            return account.attributes.get(custom).into_iter().flatten().map(String::as_str).collect();
        }
    };
    if built_in.is_empty() { Vec::new() } else { vec![built_in] }
}
