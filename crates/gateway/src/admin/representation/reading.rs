//! From bytes to representations, with the faults that Keycloak tells apart.

use crate::admin::error::Error;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Something that a body may hold.
pub(crate) trait Representation: DeserializeOwned {
    /// Keycloak's name of it, for messages.
    const NAME: &'static str;
    /// Members that are known beside the typed ones.
    const MORE: &'static [&'static str] = &[];
    /// Whether an unknown member is an error.
    const STRICT: bool = true;
    /// The members that are not typed.
    fn more(&self) -> &Map<String, Value>;

    /// Whether a member that is not typed is known.
    fn knows(name: &str) -> bool {
        Self::MORE.contains(&name)
    }
}

/// Reads one representation.
pub(crate) fn parse<T: Representation>(body: &[u8]) -> Result<T, Error> {
    let document = serde_json::from_slice(body).map_err(|_| Error::InvalidJson)?;
    parse_value(document, body)
}

/// Reads a list of representations.
pub(crate) fn parse_list<T: Representation>(body: &[u8]) -> Result<Vec<T>, Error> {
    match serde_json::from_slice(body).map_err(|_| Error::InvalidJson)? {
        Value::Array(items) => items.into_iter().map(|item| parse_value(item, body)).collect(),
        _ => Err(Error::MismatchedJson),
    }
}

/// Reads a representation from a document; `body` is the text it comes from, to tell where a fault stands.
pub(crate) fn parse_value<T: Representation>(document: Value, body: &[u8]) -> Result<T, Error> {
    if !document.is_object() || holds_nul(&document) {
        return Err(Error::MismatchedJson);
    }
    let representation: T = serde_json::from_value(document).map_err(|_| Error::MismatchedJson)?;
    if T::STRICT
        && let Some(field) = representation.more().keys().find(|name| !T::knows(name))
    {
        let (line, column) = position(body, field);
        return Err(Error::UnknownField { representation: T::NAME, field: field.clone(), line, column });
    }
    Ok(representation)
}

/// PostgreSQL stores no NUL in text.
fn holds_nul(document: &Value) -> bool {
    match document {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

/// Line and column (from 1) behind the first mention of a member's name.
fn position(body: &[u8], field: &str) -> (usize, usize) {
    let text = String::from_utf8_lossy(body);
    let quoted = Value::from(field).to_string();
    let end = text.find(&quoted).map_or(0, |start| start + quoted.len());
    let before = &text[..end];
    let column = before.rfind('\n').map_or(end, |newline| end - newline - 1);
    (before.matches('\n').count() + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::representation::*;
    use proptest::prelude::*;

    #[test]
    fn faults_are_told_apart() {
        let read = |text: &str| parse::<ClientRepresentation>(text.as_bytes()).map(|_| ());
        assert!(matches!(read("{"), Err(Error::InvalidJson)));
        assert!(matches!(read(""), Err(Error::InvalidJson)));
        assert!(matches!(read("[]"), Err(Error::MismatchedJson)));
        assert!(matches!(read(r#"{"enabled":"maybe"}"#), Err(Error::MismatchedJson)));
        assert!(matches!(read(r#"{"name":"a\u0000b"}"#), Err(Error::MismatchedJson)));
        assert!(read(r#"{"enabled":"true","notBefore":"5","access":{}}"#).is_ok());
        let unknown = read("{\n \"clientId\":\"c\", \"nonsense\":1}").unwrap_err().to_string();
        assert_eq!(
            unknown,
            "Invalid json representation for ClientRepresentation. Unrecognized field \"nonsense\" at line 2 column 28."
        );
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            let name = prop_oneof![
                prop::sample::select(vec![
                    "id",
                    "name",
                    "enabled",
                    "attributes",
                    "clientId",
                    "realm",
                    "config",
                    "protocolMappers",
                    "redirectUris",
                    "username",
                    "credentials",
                    "providerType",
                    "notBefore",
                    "users",
                ])
                .prop_map(str::to_owned),
                ".{0,8}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(document in json()) {
            let body = document.to_string();
            let _ = parse::<ClientRepresentation>(body.as_bytes());
            let _ = parse::<RealmRepresentation>(body.as_bytes());
            let _ = parse::<RoleRepresentation>(body.as_bytes());
            let _ = parse::<UserRepresentation>(body.as_bytes());
            let _ = parse::<ComponentRepresentation>(body.as_bytes());
            let _ = parse::<ClientScopeRepresentation>(body.as_bytes());
            let _ = parse_list::<ProtocolMapperRepresentation>(body.as_bytes());
            let _ = parse::<IdentityProviderRepresentation>(body.as_bytes());
            let _ = parse::<FederatedIdentityRepresentation>(body.as_bytes());
            let _ = parse::<TestedAssertion>(body.as_bytes());
        }

        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse::<RealmRepresentation>(&body);
            let _ = parse_list::<RoleRepresentation>(&body);
        }
    }
}
