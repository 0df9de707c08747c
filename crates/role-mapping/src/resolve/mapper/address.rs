//! `address`: OpenID Connect Core section 5.1.1, from the account's attributes. An account without any has an empty one.

use serde_json::{Map, Value};

use super::{ClaimMapper, Claims, MapperConfig, Source};

/// The member of the claim, the setting that names the attribute, and the attribute where the setting is absent.
const PARTS: [(&str, &str, &str); 6] = [
    ("formatted", "user.attribute.formatted", "formatted"),
    ("street_address", "user.attribute.street", "street"),
    ("locality", "user.attribute.locality", "locality"),
    ("region", "user.attribute.region", "region"),
    ("postal_code", "user.attribute.postal_code", "postal_code"),
    ("country", "user.attribute.country", "country"),
];

#[derive(Debug)]
struct Address {
    attributes: [String; PARTS.len()],
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    let attributes = PARTS.map(|(_, setting, default)| config.text(setting).unwrap_or(default).to_owned());
    Some(Box::new(Address { attributes }))
}

impl ClaimMapper for Address {
    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        let held = &source.facts.account.attributes;
        let part = |attribute: &String| held.get(attribute)?.first().map(|value| Value::from(value.as_str()));
        let parts = PARTS.iter().zip(&self.attributes);
        let address: Map<String, Value> = parts
            .filter_map(|((member, ..), attribute)| Some(((*member).to_owned(), part(attribute)?)))
            .collect();
        claims.set_fixed("address", Value::Object(address));
    }
}
