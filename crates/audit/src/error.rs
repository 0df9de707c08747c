//! What can go wrong in the audit service.

use latchkey_api::error::{Kind, status};
use latchkey_platform::database;
use tonic::Status;

/// A failure of the audit service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request can't be understood.
    #[error("invalid request: {0}")]
    Invalid(&'static str),
    /// The database failed.
    #[error("the audit database failed")]
    Database(#[from] database::Error),
    /// A stored event can't be read.
    #[error("column event_json of table {table} can't be read")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// An event can't be written as JSON.
    #[error("an event can't be written")]
    Unwritable(#[source] serde_json::Error),
    /// A change log wasn't followed that far in time.
    #[error("the change log of {0} was not followed that far in time")]
    NotCaughtUp(String),
}

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
            Self::Database(database::Error::Unavailable(_)) => Kind::Unavailable,
            Self::NotCaughtUp(_) => Kind::Timeout,
            Self::Database(_) | Self::Unreadable { .. } | Self::Unwritable(_) => Kind::Internal,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        match kind {
            Kind::Invalid => status(kind, "INVALID_REQUEST", error.to_string()),
            Kind::Timeout => status(kind, "NOT_CAUGHT_UP", error.to_string()),
            Kind::Unavailable => {
                tracing::warn!(error = &error as &dyn std::error::Error, "events are unavailable");
                status(kind, "AUDIT_UNAVAILABLE", "events are unavailable")
            }
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "an audit call failed");
                status(kind, "AUDIT_FAILED", "the audit database failed")
            }
        }
    }
}
