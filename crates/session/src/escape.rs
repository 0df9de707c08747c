//! Text from outside inside a key or a stored head: whatever would end a hash tag, a field or a list is percent-escaped.

use std::borrow::Cow;
use std::fmt::Write;

fn is_special(c: char) -> bool {
    matches!(c, '%' | '{' | '}' | ':' | '|' | ',' | '*') || c.is_control()
}

/// Escapes the few special characters. Ids are UUIDs as a rule, and then nothing is copied.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_special(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                write!(out, "%{byte:02X}").expect("a string grows");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Undoes [`escape`].
pub(crate) fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".*") {
            let escaped = escape(&text);
            let special = escaped.contains(['{', '}', ':', '|', ',', '*', '\n']);
            prop_assert!(!special);
            prop_assert_eq!(unescape(&escaped), text);
        }
    }
}
