//! Members that are only stored and shown: the JSON object in `settings_json`.

use serde_json::{Map, Value};

/// Before the names of settings that no representation shows.
const HIDDEN: &str = "latchkey:";

/// Reads the stored object. What can't be read counts as empty: it holds nothing that a decision hangs on.
pub(crate) fn read(settings_json: &str) -> Map<String, Value> {
    serde_json::from_str(settings_json).unwrap_or_default()
}

/// Puts the members of `changes` that are in `stored` over what is there; `null` leaves a member as it is.
pub(crate) fn merge(settings_json: &mut String, changes: &Map<String, Value>, stored: &[&str]) {
    let mut settings = read(settings_json);
    for (name, value) in changes {
        if stored.contains(&name.as_str()) && !value.is_null() {
            settings.insert(name.clone(), value.clone());
        }
    }
    *settings_json = Value::Object(settings).to_string();
}

/// Puts what is shown of the stored object into a document.
pub(crate) fn show(settings_json: &str, document: &mut Map<String, Value>) {
    document.extend(read(settings_json).into_iter().filter(|(name, _)| !name.starts_with(HIDDEN)));
}

/// A setting that no representation shows.
pub(crate) fn hidden_setting(settings_json: &str, name: &str) -> Option<Value> {
    read(settings_json).remove(&format!("{HIDDEN}{name}"))
}

/// Sets a setting that no representation shows.
pub(crate) fn set_hidden_setting(settings_json: &mut String, name: &str, value: Value) {
    let mut settings = read(settings_json);
    settings.insert(format!("{HIDDEN}{name}"), value);
    *settings_json = Value::Object(settings).to_string();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_leaves_what_is_stored_and_hidden_ones_are_not_shown() {
        let mut settings = String::new();
        let first = json!({ "displayName": "a", "sslRequired": "none", "unknown": 1 });
        merge(&mut settings, first.as_object().unwrap(), &["displayName", "sslRequired"]);
        let second = json!({ "displayName": null, "sslRequired": "" });
        merge(&mut settings, second.as_object().unwrap(), &["displayName", "sslRequired"]);
        set_hidden_setting(&mut settings, "profile", json!({ "a": 1 }));
        let mut shown = Map::new();
        show(&settings, &mut shown);
        assert_eq!(Value::Object(shown), json!({ "displayName": "a", "sslRequired": "" }));
        assert_eq!(hidden_setting(&settings, "profile"), Some(json!({ "a": 1 })));
    }
}
