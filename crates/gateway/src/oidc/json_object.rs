//! Writes a flat JSON object straight into one buffer: the answers on the token's way.

/// An object under construction.
pub(crate) struct JsonObject(String);

impl JsonObject {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    /// A member whose value needs no escaping: tokens, uuids, constants. Names never need any.
    pub(crate) fn plain(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push('"');
        self.0.push_str(value);
        self.0.push('"');
    }

    /// A member of any text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if value.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
            return self.plain(name, value);
        }
        self.raw(name, &serde_json::Value::from(value).to_string());
    }

    pub(crate) fn number(&mut self, name: &str, value: i64) {
        self.name(name);
        self.0.push_str(itoa(value, &mut [0; 20]));
    }

    /// A member that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

/// Decimal digits without the machinery of `format!`.
fn itoa(value: i64, buffer: &mut [u8; 20]) -> &str {
    let mut left = value.unsigned_abs();
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    std::str::from_utf8(&buffer[start..]).expect("digits are UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), number in any::<i64>()) {
            let mut object = JsonObject::with_capacity(16);
            object.text("text", &text);
            object.number("number", number);
            object.raw("raw", "[1]");
            let read: serde_json::Value = serde_json::from_str(&object.finish()).unwrap();
            prop_assert_eq!(read, serde_json::json!({ "text": text, "number": number, "raw": [1] }));
        }
    }
}
