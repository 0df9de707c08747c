//! Scalars as Keycloak reads them: a number or a boolean may come as text, and text as a number or a boolean.

use serde::{Deserialize as _, Deserializer, de::Error as _};
use serde_json::Value;
use std::collections::BTreeMap;

/// A boolean; `null` is absent.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        Value::String(text) => match text.trim() {
            "" => Ok(None),
            "true" | "True" | "TRUE" => Ok(Some(true)),
            "false" | "False" | "FALSE" => Ok(Some(false)),
            _ => Err(D::Error::custom("not a boolean")),
        },
        Value::Number(number) => Ok(Some(number.as_f64() != Some(0.0))),
        _ => Err(D::Error::custom("not a boolean")),
    }
}

/// A whole number; `null` is absent.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let fault = || D::Error::custom("not a whole number");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_i64().ok_or_else(fault).map(Some),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| fault()),
        _ => Err(fault()),
    }
}

/// Text; `null` is absent.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    scalar(Value::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("not text"))
}

/// Text by name; `null` values stay known as such.
pub(crate) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, Option<String>>>, D::Error> {
    let Some(members) = Option::<BTreeMap<String, Value>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    members
        .into_iter()
        .map(|(name, value)| Some((name, scalar(value)?)))
        .collect::<Option<BTreeMap<_, _>>>()
        .map(Some)
        .ok_or_else(|| D::Error::custom("not text"))
}

/// Lists of text by name; a single text counts as a list of one, `null` as an empty one.
pub(crate) fn text_lists<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, Vec<String>>>, D::Error> {
    let Some(members) = Option::<BTreeMap<String, Value>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    members
        .into_iter()
        .map(|(name, value)| {
            let items = match value {
                Value::Array(items) => items,
                Value::Null => Vec::new(),
                single => vec![single],
            };
            let items: Option<Vec<Option<String>>> = items.into_iter().map(scalar).collect();
            Some((name, items?.into_iter().flatten().collect()))
        })
        .collect::<Option<BTreeMap<_, _>>>()
        .map(Some)
        .ok_or_else(|| D::Error::custom("not a list of text"))
}

/// `None` for what is no scalar, `Some(None)` for `null`.
fn scalar(value: Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text)),
        Value::Bool(_) | Value::Number(_) => Some(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => None,
    }
}
