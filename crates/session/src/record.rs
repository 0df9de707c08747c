//! A session as it is stored: a short text head that a Redis script can read, then the rest as protobuf.
//!
//! The head is `alive|client|last access|expires|uses|spent|next|`: `alive` is 1 or 0, times are milliseconds, `next` is a
//! list with commas or `*` for any. What stands between the bars is escaped (see [`crate::escape`]).

use crate::{
    escape::{escape, unescape},
    family::{Family, Successors},
    session_id::SessionId,
};
use latchkey_api::session::v1::{Session, SessionKind};
use prost::Message;
use std::str::FromStr;

/// A stored session.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Whose it is.
    pub id: SessionId,
    /// The session as administrators see it, complete.
    pub session: Session,
    /// When it ends without a refresh: milliseconds since the epoch, at most the session's maximum.
    pub expires_ms: i64,
    /// Its refresh tokens.
    pub family: Family,
}

impl Record {
    /// The session's kind; what is no kind counts as online.
    pub fn kind(&self) -> SessionKind {
        match self.session.kind() {
            SessionKind::Offline => SessionKind::Offline,
            SessionKind::Online | SessionKind::Unspecified => SessionKind::Online,
        }
    }

    /// Whether the session lives at `now_ms`.
    pub fn is_live(&self, now_ms: i64) -> bool {
        self.family.alive && now_ms < self.expires_ms
    }

    /// As stored. The realm and the id are not in it: they are the key.
    pub fn encode(&self) -> Vec<u8> {
        let Session { client_id, user_id, username, ip_address, .. } = &self.session;
        let rest = Stored {
            kind: self.session.kind,
            client_id: client_id.clone(),
            user_id: user_id.clone(),
            username: username.clone(),
            ip_address: ip_address.clone(),
        };
        let mut out = Vec::with_capacity(128 + rest.encoded_len());
        out.extend_from_slice(if self.family.alive { b"1|" } else { b"0|" });
        out.extend_from_slice(escape(&self.session.client_uuid).as_bytes());
        out.push(b'|');
        for number in [self.session.last_access_ms, self.expires_ms, i64::from(self.family.uses)] {
            out.extend_from_slice(number.to_string().as_bytes());
            out.push(b'|');
        }
        out.extend_from_slice(escape(&self.family.spent).as_bytes());
        out.push(b'|');
        match &self.family.next {
            Successors::Any => out.push(b'*'),
            Successors::Known(known) => {
                for (index, jti) in known.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(escape(jti).as_bytes());
                }
            }
        }
        out.push(b'|');
        rest.encode(&mut out).expect("a vector grows");
        out
    }

    /// Reads what [`Record::encode`] or a script wrote; `None` for anything else.
    pub fn decode(realm_id: &str, id: SessionId, stored: &[u8]) -> Option<Self> {
        let mut parts = stored.splitn(8, |byte| *byte == b'|');
        let mut text = || std::str::from_utf8(parts.next()?).ok();
        let alive = text()? == "1";
        let client_uuid = unescape(text()?);
        let last_access_ms = number(text()?)?;
        let expires_ms = number(text()?)?;
        let uses = number(text()?)?;
        let spent = unescape(text()?);
        let next = match text()? {
            "*" => Successors::Any,
            list => Successors::Known(list.split(',').map(unescape).collect()),
        };
        let rest = Stored::decode(parts.next()?).ok()?;
        Some(Self {
            id,
            session: Session {
                id: id.to_string(),
                realm_id: realm_id.to_owned(),
                kind: rest.kind,
                client_uuid,
                client_id: rest.client_id,
                user_id: rest.user_id,
                username: rest.username,
                ip_address: rest.ip_address,
                started_ms: id.started_ms(),
                last_access_ms,
            },
            expires_ms,
            family: Family { alive, spent, uses, next },
        })
    }
}

/// What of a session never changes, and isn't in its key or head.
#[derive(Clone, PartialEq, Message)]
struct Stored {
    #[prost(enumeration = "SessionKind", tag = "3")]
    kind: i32,
    #[prost(string, tag = "5")]
    client_id: String,
    #[prost(string, tag = "6")]
    user_id: String,
    #[prost(string, tag = "7")]
    username: String,
    #[prost(string, tag = "8")]
    ip_address: String,
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(started_ms: i64) -> Record {
        let id = SessionId::generate(started_ms).unwrap();
        Record {
            id,
            session: Session {
                id: id.to_string(),
                realm_id: "realm".into(),
                kind: SessionKind::Online.into(),
                client_uuid: "client|uuid".into(),
                client_id: "orders".into(),
                user_id: "user".into(),
                username: "service-account-orders".into(),
                ip_address: "203.0.113.9".into(),
                started_ms,
                last_access_ms: started_ms + 5,
            },
            expires_ms: started_ms + 1_800_000,
            family: Family::new("first"),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut one = record(1_795_000_000_000);
        assert_eq!(Record::decode("realm", one.id, &one.encode()), Some(one.clone()));
        one.family = Family {
            alive: false,
            spent: "odd,|jti*".into(),
            uses: 3,
            next: Successors::Known(vec!["*".into(), "b,c".into(), "d".into()]),
        };
        assert_eq!(Record::decode("realm", one.id, &one.encode()), Some(one.clone()));
        one.family.next = Successors::Any;
        assert_eq!(Record::decode("realm", one.id, &one.encode()), Some(one));
    }

    #[test]
    fn what_is_no_record_is_not_read() {
        let id = SessionId::generate(1).unwrap();
        for stored in [&b""[..], b"1|", b"1|c|1|2|x||*|", b"1|c|1|2|0||*|\xff", b"\xff|c|1|2|0||*|"] {
            assert_eq!(Record::decode("realm", id, stored), None);
        }
    }
}
