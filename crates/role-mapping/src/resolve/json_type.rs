//! The JSON type that a mapper gives its claim: Keycloak's `jsonType.label`.

use serde_json::Value;

/// How a mapper's text becomes JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum JsonType {
    #[default]
    String,
    /// `long` and `int`: a whole number.
    Integer,
    Boolean,
    /// The text is JSON itself.
    Json,
}

impl JsonType {
    /// Reads a `jsonType.label`; absent and unknown ones leave text as it is.
    pub(crate) fn parse(label: Option<&str>) -> Self {
        match label {
            Some("long" | "int") => Self::Integer,
            Some("boolean") => Self::Boolean,
            Some("JSON") => Self::Json,
            _ => Self::String,
        }
    }

    /// `None` where the text is not of the type: such a claim is left out (Keycloak fails the whole request).
    pub(crate) fn convert(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(Value::from(text)),
            Self::Integer => text.trim().parse::<i64>().ok().map(Value::from),
            Self::Boolean => Some(Value::from(text.eq_ignore_ascii_case("true"))),
            Self::Json => serde_json::from_str(text).ok().filter(|value: &Value| !value.is_null()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_becomes_the_type_or_nothing() {
        let cases = [
            (Some("String"), "42", Some(json!("42"))),
            (None, "x", Some(json!("x"))),
            (Some("long"), "42", Some(json!(42))),
            (Some("int"), "-7", Some(json!(-7))),
            (Some("long"), "many", None),
            (Some("boolean"), "TRUE", Some(json!(true))),
            (Some("boolean"), "yes", Some(json!(false))),
            (Some("JSON"), r#"{"a":[1,2]}"#, Some(json!({"a": [1, 2]}))),
            (Some("JSON"), "{", None),
        ];
        for (label, text, expected) in cases {
            assert_eq!(JsonType::parse(label).convert(text), expected, "{label:?} {text}");
        }
    }
}
