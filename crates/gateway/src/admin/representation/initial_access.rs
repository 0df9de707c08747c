//! ClientInitialAccessCreatePresentation and ClientInitialAccessPresentation.

use super::{Representation, lenient};
use crate::admin::error::Error;
use latchkey_api::registry::v1::InitialAccess;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An initial access token that is to be made.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct InitialAccessRepresentation {
    /// Seconds; absent or 0: it does not expire.
    #[serde(deserialize_with = "lenient::number")]
    expiration: Option<i64>,
    /// How many clients it may register; 1 unless said otherwise.
    #[serde(deserialize_with = "lenient::number")]
    count: Option<i64>,
    /// The web origins from which it may be used.
    pub(crate) web_origins: Option<Vec<String>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for InitialAccessRepresentation {
    const NAME: &'static str = "ClientInitialAccessCreatePresentation";

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl InitialAccessRepresentation {
    /// How many seconds it lives (0 for ever), and how many clients it may register.
    ///
    /// # Errors
    /// [`Error::InvalidInitialAccess`] where one is negative, [`Error::MismatchedJson`] where it is no number of 32 bits.
    pub(crate) fn limits(&self) -> Result<(i64, i32), Error> {
        let number = |given: Option<i64>, absent| {
            i32::try_from(given.unwrap_or(absent)).map_err(|_| Error::MismatchedJson)
        };
        let (expiration, count) = (number(self.expiration, 0)?, number(self.count, 1)?);
        if expiration < 0 {
            return Err(Error::InvalidInitialAccess {
                what: "expiration",
                reason: "The expiration time interval cannot be less than 0",
            });
        }
        if count < 0 {
            return Err(Error::InvalidInitialAccess {
                what: "count",
                reason: "The count cannot be less than 0",
            });
        }
        Ok((i64::from(expiration), count))
    }

    /// What was asked for, for the event.
    pub(crate) fn show(&self) -> Value {
        json!({ "expiration": self.expiration, "count": self.count })
    }
}

/// As Keycloak shows it, without the token itself. `timestamp` is in seconds.
pub(crate) fn show_initial_access(access: &InitialAccess) -> Value {
    json!({
        "id": access.id,
        "timestamp": access.created_ms / 1000,
        "expiration": access.expiration_s,
        "count": access.count,
        "remainingCount": access.remaining,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(document: Value) -> Result<(i64, i32), Error> {
        super::super::parse::<InitialAccessRepresentation>(document.to_string().as_bytes())?.limits()
    }

    #[test]
    fn one_client_without_expiry_unless_said_otherwise_and_nothing_negative() {
        assert_eq!(limits(json!({})).unwrap(), (0, 1));
        assert_eq!(limits(json!({ "count": "5", "expiration": 60 })).unwrap(), (60, 5));
        for (document, reason) in [
            (json!({ "expiration": -1 }), "The expiration time interval cannot be less than 0"),
            (json!({ "count": -1 }), "The count cannot be less than 0"),
        ] {
            assert_eq!(limits(document).unwrap_err().to_string(), reason);
        }
        assert!(matches!(limits(json!({ "count": 1_i64 << 40 })), Err(Error::MismatchedJson)));
        assert!(matches!(limits(json!({ "counts": 1 })), Err(Error::UnknownField { .. })));
    }
}
