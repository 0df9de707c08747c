//! The id of a session: Keycloak's `sid`, 24 characters of base64url.

use crate::Error;
use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// Bytes of the start time at the front.
const TIME: usize = 6;

/// A session's id: six bytes of start time in milliseconds (big endian), then twelve random ones.
///
/// Naming the start in the id lets a refresh know the session's maximum before it has read the session, so that the
/// session and the realm's index are changed in one round trip. An id is no credential: it proves nothing by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 18]);

impl SessionId {
    /// An id for a session that starts now.
    ///
    /// # Errors
    /// [`Error::Random`] when the system's generator fails.
    pub fn generate(started_ms: i64) -> Result<Self, Error> {
        let mut bytes = [0; 18];
        bytes[..TIME].copy_from_slice(&started_ms.to_be_bytes()[2..]);
        rand::fill(&mut bytes[TIME..]).map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// Reads an id as a token carries it; `None` for what can't be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 18];
        (text.len() == 24 && URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) == Ok(bytes.len()))
            .then_some(Self(bytes))
    }

    /// Reads an id as it is stored.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The id as it is stored: sessions that start later sort behind.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What stored ids of sessions that began up to `started_ms` sort before.
    pub(crate) fn bound_after(started_ms: i64) -> [u8; TIME] {
        let mut bytes = [0; TIME];
        bytes.copy_from_slice(&started_ms.saturating_add(1).to_be_bytes()[2..]);
        bytes
    }

    /// When the session started, milliseconds since the epoch.
    pub fn started_ms(&self) -> i64 {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.0[..TIME]);
        i64::from_be_bytes(bytes)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 24];
        let written = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).expect("18 bytes are 24 characters");
        f.write_str(std::str::from_utf8(&text[..written]).expect("base64url is ASCII"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_24_characters_and_names_its_start() {
        let id = SessionId::generate(1_795_000_000_123).unwrap();
        let text = id.to_string();
        assert_eq!(text.len(), 24);
        assert_eq!(SessionId::parse(&text), Some(id));
        assert_eq!(id.started_ms(), 1_795_000_000_123);
        assert_ne!(id, SessionId::generate(1_795_000_000_123).unwrap());
    }

    #[test]
    fn what_is_no_id_is_not_read() {
        for text in ["", "short", "1234567890123456789012345", "!!!!!!!!!!!!!!!!!!!!!!!!", "ααααααααββββ"]
        {
            assert_eq!(SessionId::parse(text), None, "{text}");
        }
    }
}
