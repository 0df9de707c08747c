//! Randomness from the system's generator.

use aws_lc_rs::rand;

/// Letters and digits.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random bytes.
///
/// # Panics
/// When the system's generator fails, which it does not once the system has started.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's generator works");
    bytes
}

/// A random UUID (version 4) as text. It comes from a generator of this thread, which the system's seeds: an id is made for every
/// token, and need not cost a call into the cryptographic library.
#[must_use]
pub fn uuid() -> String {
    prefixed_uuid("")
}

/// The same behind a prefix.
#[must_use]
pub fn prefixed_uuid(prefix: &str) -> String {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    let uuid = uuid::Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
    let mut text = String::with_capacity(prefix.len() + uuid.len());
    text.push_str(prefix);
    text.push_str(uuid);
    text
}

/// Random letters and digits, each as likely as any other: 5.95 bits a character.
#[must_use]
pub fn alphanumeric(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<64>() {
            // 248 is the largest multiple of 62 below 256: above it some characters would be likelier.
            if byte < 248 && text.len() < length {
                text.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphanumeric_text_has_the_length_asked_for_and_only_letters_and_digits() {
        let text = alphanumeric(86);
        assert_eq!(text.len(), 86);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(text, alphanumeric(86));
    }

    #[test]
    fn uuids_are_of_version_4() {
        assert_eq!(uuid::Uuid::parse_str(&uuid()).unwrap().get_version_num(), 4);
    }
}
