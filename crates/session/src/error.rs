//! What can go wrong in the session service.

use crate::session_id::SessionId;
use latchkey_api::error::{Kind, status};
use latchkey_platform::database;
use std::sync::Arc;
use tonic::Status;

/// A failure of the session service. Refusals (an ended session, a replayed token) are answers, not errors.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The request can't be understood.
    #[error("invalid request: {0}")]
    Invalid(&'static str),
    /// The store is neither an SQLite file nor a Redis.
    #[error("the session store must be sqlite:PATH or a redis:// or rediss:// URL")]
    Location,
    /// The Redis URL is malformed. It may hold a password and is not shown.
    #[error("the Redis URL is malformed")]
    Url(#[source] redis::RedisError),
    /// Redis can't be reached or isn't ready; it may be later.
    #[error("redis is unavailable")]
    Unavailable(#[source] redis::RedisError),
    /// Redis refuses a command.
    #[error("redis refused a command")]
    Redis(#[source] redis::RedisError),
    /// Redis doesn't know a script by its digest; remedied by sending its text.
    #[error("redis does not know the script")]
    ScriptUnknown,
    /// SQLite failed.
    #[error("the session database failed")]
    Database(#[source] Arc<database::Error>),
    /// A stored session can't be read.
    #[error("the record of session {0} can't be read")]
    Unreadable(SessionId),
    /// The system's random generator failed.
    #[error("no random bytes")]
    Random,
}

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
            Self::Database(error) if matches!(**error, database::Error::Unavailable(_)) => Kind::Unavailable,
            Self::Location
            | Self::Url(_)
            | Self::Redis(_)
            | Self::ScriptUnknown
            | Self::Database(_)
            | Self::Unreadable(_)
            | Self::Random => Kind::Internal,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        database::Error::from(error).into()
    }
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        match kind {
            Kind::Invalid => status(kind, "INVALID_REQUEST", error.to_string()),
            Kind::Unavailable => {
                tracing::warn!(error = &error as &dyn std::error::Error, "sessions are unavailable");
                status(kind, "SESSIONS_UNAVAILABLE", "sessions are unavailable")
            }
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "a session call failed");
                status(kind, "SESSION_STORE_FAILED", "the session store failed")
            }
        }
    }
}
