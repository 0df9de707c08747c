//! The id by which a request is found in logs, traces and admin events.

use axum::http::HeaderValue;
use http::HeaderName;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header that carries it, in and out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

// Longer ones, or ones with other letters, are replaced: they end in log lines.
const MAX_LENGTH: usize = 64;

/// A request's id: the one that came with it, or a new one of 16 hexadecimal digits.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().expect("request ids are visible ASCII")
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Makes ids that differ within a process by counting, and between processes by a random start.
#[derive(Debug)]
pub(crate) struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self { next: AtomicU64::new(u64::from_le_bytes(latchkey_platform::random::bytes())) }
    }

    /// The id for a request that came with `given`.
    pub(crate) fn choose(&self, given: Option<&HeaderValue>) -> RequestId {
        match given {
            Some(value) if is_harmless(value.as_bytes()) => RequestId(value.clone()),
            _ => RequestId(self.fresh()),
        }
    }

    fn fresh(&self) -> HeaderValue {
        // An odd multiplier visits every value once and spreads neighbours.
        let number = self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut digits = [0; 16];
        for (index, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (60 - 4 * index)) as usize & 0xF];
        }
        HeaderValue::from_bytes(&digits).expect("hexadecimal digits are a header value")
    }
}

fn is_harmless(value: &[u8]) -> bool {
    !value.is_empty()
        && value.len() <= MAX_LENGTH
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_id_is_kept_and_another_replaced() {
        let ids = RequestIds::new();
        let choose =
            |value: &'static str| ids.choose(Some(&HeaderValue::from_static(value))).as_str().to_owned();
        assert_eq!(choose("abc-123"), "abc-123");
        for bad in ["", "a b", "a\"b", "<script>"] {
            assert_eq!(choose(bad).len(), 16);
        }
        assert_ne!(ids.choose(None).as_str(), ids.choose(None).as_str());
    }
}
