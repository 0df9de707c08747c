//! A property of the account: what every account has, flags included.

use super::target::Target;
use super::{ClaimMapper, Claims, MapperConfig, Source};
use crate::resolve::AccountFacts;

#[derive(Debug)]
struct UserProperty {
    target: Target,
    property: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    let property = config.text("user.attribute")?.to_owned();
    Some(Box::new(UserProperty { target: Target::read(config)?, property }))
}

impl ClaimMapper for UserProperty {
    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        if let Some(value) = value(source.facts.account, &self.property) {
            self.target.write(&value, claims);
        }
    }
}

fn value(account: &AccountFacts, property: &str) -> Option<String> {
    let text = match property {
        "id" => account.id.clone(),
        "username" => account.username.clone(),
        "email" => account.email.clone(),
        "firstName" => account.first_name.clone(),
        "lastName" => account.last_name.clone(),
        "emailVerified" => account.email_verified.to_string(),
        "enabled" => account.enabled.to_string(),
        "createdTimestamp" => account.created_ms.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}
