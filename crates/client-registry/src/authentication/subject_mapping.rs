//! Which client a subject of an outside issuer is: what a client's attributes ask of an assertion.

use latchkey_api::registry::v1::Client;
use serde_json::{Map, Value};

use super::federated_jwt;

/// The alias of the identity provider.
const IDENTITY_PROVIDER: &str = "jwt.credential.issuer";
/// The subject, exactly.
const SUBJECT: &str = "jwt.credential.sub";
/// What the subject begins with, where there is no exact one. Not in Keycloak.
const PREFIX: &str = "jwt.credential.sub.prefix";
/// A JSON object: what other claims must be. Not in Keycloak.
pub(crate) const CLAIMS: &str = "jwt.credential.claims";

/// What a client asks of an assertion.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SubjectMapping {
    /// Its alias.
    pub(crate) identity_provider: String,
    pub(crate) subject: Option<String>,
    /// Empty for any.
    pub(crate) prefix: String,
    claims: Map<String, Value>,
}

/// How closely a mapping describes an assertion: the closest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Closeness {
    exact: bool,
    prefix: usize,
    claims: usize,
}

impl SubjectMapping {
    /// The mapping of a client that authenticates by assertions of an identity provider; `None` where it names none, or asks nothing
    /// of its subject and claims, or nothing that can be read: no assertion fits it then.
    pub(crate) fn of(client: &Client) -> Option<Self> {
        if client.public_client || client.client_authenticator_type != federated_jwt::TYPE {
            return None;
        }
        let text =
            |name: &str| client.attributes.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let claims = match text(CLAIMS) {
            Some(json) => wanted_claims(json)?,
            None => Map::new(),
        };
        let subject = text(SUBJECT).map(str::to_owned);
        let prefix = if subject.is_some() { None } else { text(PREFIX) }.unwrap_or_default().to_owned();
        if subject.is_none() && prefix.is_empty() && claims.is_empty() {
            return None;
        }
        Some(Self { identity_provider: text(IDENTITY_PROVIDER)?.to_owned(), subject, prefix, claims })
    }

    /// How closely an assertion's claims fit; `None` where they do not.
    pub(crate) fn fit(&self, claims: &Map<String, Value>) -> Option<Closeness> {
        let subject = claims.get("sub")?.as_str()?;
        let named = match &self.subject {
            Some(exact) => subject == exact,
            None => subject.starts_with(&self.prefix),
        };
        let closeness = Closeness {
            exact: self.subject.is_some(),
            prefix: self.prefix.len(),
            claims: leaves(&self.claims),
        };
        (named && holds_all(claims, &self.claims)).then_some(closeness)
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let texts = self.identity_provider.len() + self.subject.as_ref().map_or(0, String::len);
        size_of::<Self>() + texts + self.prefix.len() + 100 * leaves(&self.claims)
    }
}

/// The claims that an attribute asks for: a JSON object that is not empty.
pub(crate) fn wanted_claims(json: &str) -> Option<Map<String, Value>> {
    serde_json::from_str::<Map<String, Value>>(json).ok().filter(|wanted| !wanted.is_empty())
}

/// Whether every wanted member is there: an object as a part of the object, a value as the same value or, where the claim is a
/// list, as one of it.
fn holds_all(claims: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, wanted)| claims.get(name).is_some_and(|claim| holds(claim, wanted)))
}

fn holds(claim: &Value, wanted: &Value) -> bool {
    match (claim, wanted) {
        (Value::Object(claim), Value::Object(wanted)) => holds_all(claim, wanted),
        (Value::Array(items), Value::String(_) | Value::Number(_) | Value::Bool(_)) => items.contains(wanted),
        (claim, wanted) => claim == wanted,
    }
}

fn leaves(wanted: &Map<String, Value>) -> usize {
    wanted
        .values()
        .map(|value| match value {
            Value::Object(members) => leaves(members),
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mapping(attributes: Value) -> Option<SubjectMapping> {
        let mut client =
            Client { client_authenticator_type: "federated-jwt".to_owned(), ..Client::default() };
        client.attributes = serde_json::from_value(attributes).unwrap();
        SubjectMapping::of(&client)
    }

    fn fits(attributes: Value, claims: Value) -> bool {
        mapping(attributes).is_some_and(|mapping| mapping.fit(claims.as_object().unwrap()).is_some())
    }

    #[test]
    fn a_subject_is_taken_exactly_or_by_its_beginning() {
        let exact = || json!({ "jwt.credential.issuer": "c", "jwt.credential.sub": "a:b" });
        assert!(fits(exact(), json!({ "sub": "a:b" })));
        for other in ["a:bc", "a:", "A:B", ""] {
            assert!(!fits(exact(), json!({ "sub": other })), "{other}");
        }
        let prefix = || json!({ "jwt.credential.issuer": "c", "jwt.credential.sub.prefix": "a:" });
        assert!(fits(prefix(), json!({ "sub": "a:b" })) && !fits(prefix(), json!({ "sub": "b:a:" })));
        let both = json!({ "jwt.credential.issuer": "c", "jwt.credential.sub": "x", "jwt.credential.sub.prefix": "a:" });
        assert!(!fits(both, json!({ "sub": "a:b" })), "an exact subject is not widened by a prefix");
        assert!(!fits(exact(), json!({})) && !fits(exact(), json!({ "sub": 1 })));
    }

    #[test]
    fn claims_are_compared_as_parts_values_and_members() {
        let wanted = |claims: Value| json!({ "jwt.credential.issuer": "c", "jwt.credential.claims": claims.to_string() });
        let token = json!({
            "sub": "s", "repository": "acme/app", "groups": ["a", "b"],
            "kubernetes.io": { "namespace": "prod", "serviceaccount": { "name": "billing", "uid": "1" } },
        });
        for (claims, expected) in [
            (json!({ "repository": "acme/app" }), true),
            (json!({ "repository": "acme/ap" }), false),
            (json!({ "groups": "b" }), true),
            (json!({ "groups": "c" }), false),
            (json!({ "groups": ["a", "b"] }), true),
            (json!({ "groups": ["a"] }), false),
            (
                json!({ "kubernetes.io": { "namespace": "prod", "serviceaccount": { "name": "billing" } } }),
                true,
            ),
            (
                json!({ "kubernetes.io": { "namespace": "prod", "serviceaccount": { "name": "other" } } }),
                false,
            ),
            (json!({ "kubernetes.io": "prod" }), false),
            (json!({ "repository": "acme/app", "environment": "prod" }), false),
            (json!({ "repository": null }), false),
        ] {
            assert_eq!(fits(wanted(claims.clone()), token.clone()), expected, "{claims}");
        }
    }

    #[test]
    fn a_mapping_that_asks_nothing_fits_nothing() {
        for attributes in [
            json!({}),
            json!({ "jwt.credential.issuer": "c" }),
            json!({ "jwt.credential.sub": "s" }),
            json!({ "jwt.credential.issuer": "c", "jwt.credential.sub": "" }),
            json!({ "jwt.credential.issuer": "c", "jwt.credential.sub.prefix": "" }),
            json!({ "jwt.credential.issuer": "c", "jwt.credential.claims": "{}" }),
            json!({ "jwt.credential.issuer": "c", "jwt.credential.sub": "s", "jwt.credential.claims": "[]" }),
        ] {
            assert_eq!(mapping(attributes.clone()), None, "{attributes}");
        }
    }

    #[test]
    fn the_closest_mapping_is_the_one_that_says_most() {
        let closeness = |attributes: Value| {
            let mut attributes = attributes;
            attributes["jwt.credential.issuer"] = json!("c");
            let claims = json!({ "sub": "a:b", "x": 1 });
            mapping(attributes).unwrap().fit(claims.as_object().unwrap()).unwrap()
        };
        let ascending = [
            json!({ "jwt.credential.claims": r#"{"x":1}"# }),
            json!({ "jwt.credential.sub.prefix": "a" }),
            json!({ "jwt.credential.sub.prefix": "a:" }),
            json!({ "jwt.credential.sub.prefix": "a:", "jwt.credential.claims": r#"{"x":1}"# }),
            json!({ "jwt.credential.sub": "a:b" }),
            json!({ "jwt.credential.sub": "a:b", "jwt.credential.claims": r#"{"x":1}"# }),
        ];
        assert!(ascending.map(closeness).is_sorted_by(|less, more| less < more));
    }
}
