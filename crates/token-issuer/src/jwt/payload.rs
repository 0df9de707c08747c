//! Reading the claims of a token that the realm has signed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The claims that callers need. One that is not of its type is as if it were not there. Where a name comes twice, the first
/// counts: that is the issuer's own.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    pub(crate) token_type: Option<String>,
    pub(crate) jti: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) azp: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) issued_at_s: Option<i64>,
    pub(crate) expires_at_s: Option<i64>,
    pub(crate) not_before_s: Option<i64>,
}

/// A text, a number, or something else.
enum Scalar {
    Text(String),
    Number(i64),
    Other,
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Claims)
    }
}

struct Claims;

impl<'de> Visitor<'de> for Claims {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
        let mut payload = Payload::default();
        while let Some(name) = map.next_key::<Name<'de>>()? {
            let (text, number) = match &*name.0 {
                "typ" => (Some(&mut payload.token_type), None),
                "jti" => (Some(&mut payload.jti), None),
                "iss" => (Some(&mut payload.issuer), None),
                "azp" => (Some(&mut payload.azp), None),
                "sub" => (Some(&mut payload.subject), None),
                "sid" => (Some(&mut payload.session_id), None),
                "scope" => (Some(&mut payload.scope), None),
                "iat" => (None, Some(&mut payload.issued_at_s)),
                "exp" => (None, Some(&mut payload.expires_at_s)),
                "nbf" => (None, Some(&mut payload.not_before_s)),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            match (map.next_value::<Scalar>()?, text, number) {
                (Scalar::Text(value), Some(claim), _) if claim.is_none() => *claim = Some(value),
                (Scalar::Number(value), _, Some(claim)) if claim.is_none() => *claim = Some(value),
                _ => {}
            }
        }
        Ok(payload)
    }
}

/// A name, which is only copied when it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyScalar)
    }
}

struct AnyScalar;

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    /// RFC 7519 section 2: a NumericDate may have a fraction.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, and fractions of a second don't count"
    )]
    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as i64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts_and_other_types_are_passed_over() {
        let json =
            r#"{"exp":10.9,"iss":"a","iss":"b","sub":{"x":[1]},"azp":null,"scope":["s"],"x":{},"iat":"7"}"#;
        let payload: Payload = serde_json::from_str(json).unwrap();
        assert_eq!((payload.expires_at_s, payload.issuer.as_deref()), (Some(10), Some("a")));
        assert!(payload.subject.is_none() && payload.azp.is_none() && payload.scope.is_none());
        assert!(payload.issued_at_s.is_none());
        assert!(serde_json::from_str::<Payload>("[]").is_err());
    }
}
