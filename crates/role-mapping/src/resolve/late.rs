//! Completing claims with the session notes of a request.

use super::ask::{ClaimSet, LateClaim};
use super::json_type::JsonType;

impl ClaimSet {
    /// The claims as a JSON object, with the values of those that wait for a note. A note that is not given, or is not of
    /// its claim's type, leaves its claim out.
    pub fn complete<'n>(&self, note: impl Fn(&str) -> Option<&'n str>) -> Vec<u8> {
        let extra: usize = self.late.iter().map(|late| late.name.len() + 48).sum();
        let mut json = Vec::with_capacity(self.json.len() + extra);
        json.extend_from_slice(self.json.as_bytes());
        for late in &self.late {
            if let Some(text) = note(&late.note) {
                late.append(text, &mut json);
            }
        }
        json
    }
}

impl LateClaim {
    /// Puts the claim before the closing brace of an object.
    fn append(&self, text: &str, json: &mut Vec<u8>) {
        let start = json.len();
        let brace = json.pop();
        debug_assert_eq!(brace, Some(b'}'), "claims are an object");
        if json.last() != Some(&b'{') {
            json.push(b',');
        }
        let written = write_text(json, &self.name) && {
            json.push(b':');
            match self.json_type {
                JsonType::String => write_text(json, text),
                other => {
                    other.convert(text).is_some_and(|value| serde_json::to_writer(&mut *json, &value).is_ok())
                }
            }
        };
        if !written {
            json.truncate(start - 1);
        }
        json.push(b'}');
    }
}

fn write_text(json: &mut Vec<u8>, text: &str) -> bool {
    serde_json::to_writer(json, text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn notes_are_filled_in_by_type_or_left_out() {
        let late = |name: &str, json_type| LateClaim { name: name.into(), note: name.into(), json_type };
        let mut claims = ClaimSet {
            json: "{}".into(),
            late: vec![
                late("bad", JsonType::Integer),
                late("clientHost", JsonType::String),
                late("auth_time", JsonType::Integer),
                late("missing", JsonType::String),
            ],
            entangled: false,
        };
        let note = |name: &str| match name {
            "bad" => Some("soon"),
            "clientHost" => Some("a\"b\u{1}"),
            "auth_time" => Some("17"),
            _ => None,
        };
        let read = |json: Vec<u8>| -> serde_json::Value { serde_json::from_slice(&json).expect("JSON") };
        assert_eq!(read(claims.complete(note)), json!({"clientHost": "a\"b\u{1}", "auth_time": 17}));
        claims.json = r#"{"acr":"1"}"#.into();
        assert_eq!(
            read(claims.complete(note)),
            json!({"acr": "1", "clientHost": "a\"b\u{1}", "auth_time": 17})
        );
        assert_eq!(claims.complete(|_| None), br#"{"acr":"1"}"#);
    }
}
