//! JSON from outside.

use std::fmt::{self, Formatter};
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// What must be a JSON object. A struct alone would be read from an array of its fields too, which no standard calls a header, claims or
/// a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<T>(
    /// What it is read as.
    pub T,
);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Header {
        alg: String,
        crit: Option<Vec<u8>>,
    }

    #[test]
    fn an_array_is_no_object() {
        let read = |json: &str| serde_json::from_str::<Object<Header>>(json);
        let header = Header { alg: "ES256".to_owned(), crit: Some(vec![1]) };
        assert_eq!(read(r#"{"alg":"ES256","crit":[1],"kid":"k"}"#).unwrap(), Object(header));
        for json in [r#"["ES256",[1]]"#, "[]", "null", r#""ES256""#, "{}", r#"{"alg":"a","alg":"b"}"#] {
            assert!(read(json).is_err(), "{json}");
        }
        assert!(serde_json::from_str::<Header>(r#"["ES256",[1]]"#).is_ok(), "which is why this is here");
    }
}
