//! What can go wrong in token-issuer. A token that does not verify is none of these: it is an answer.

use latchkey_api::error::{Kind, status};
use latchkey_platform::{certificate, database, vault};
use tonic::Status;

/// An error of token-issuer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing has been provisioned for the realm.
    #[error("no such realm")]
    RealmNotFound,
    /// The realm has no such key provider.
    #[error("no such key provider")]
    KeyProviderNotFound,
    /// The id of a new key provider is taken.
    #[error("the id is taken")]
    IdExists,
    /// Nothing can sign with the algorithm.
    #[error("no active key for the algorithm {0}")]
    NoActiveKey(String),
    /// No key provider of this kind can be made.
    #[error("no key provider of kind {0} is known")]
    KeyProviderUnknown(String),
    /// A key provider's settings are wrong; the text is Keycloak's `errorMessage`.
    #[error("{0}")]
    KeyProviderInvalid(String),
    /// Somebody else kept changing the key provider.
    #[error("the key provider was changed meanwhile")]
    KeyProviderChanged,
    /// A member of the request cannot be accepted.
    #[error("{what} {reason}")]
    Invalid {
        /// The member.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A stored document cannot be read.
    #[error("row {id} of key_providers cannot be read")]
    Unreadable {
        /// The row's id.
        id: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A stored key cannot be used.
    #[error("the key of key provider {0} cannot be used")]
    UnusableKey(String),
    /// The cryptographic library could not make a key or sign.
    #[error("the cryptographic library failed")]
    Cryptography,
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
    /// The change log was to be waited for, of a service that is not followed.
    #[error("{0} is not followed")]
    NotFollowed(String),
    /// The service is being shut down.
    #[error("the service is shutting down")]
    Interrupted,
    /// The client-registry, which was asked whether a realm is published, failed.
    #[error("the client-registry failed: {}", .0.message())]
    Registry(Status),
    /// A secret cannot be sealed or opened.
    #[error(transparent)]
    Vault(vault::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Error {
    /// What a caller can do about it, and the stable reason.
    fn kind(&self) -> (Kind, &'static str) {
        match self {
            Self::RealmNotFound => (Kind::NotFound, "REALM_NOT_FOUND"),
            Self::KeyProviderNotFound => (Kind::NotFound, "KEY_PROVIDER_NOT_FOUND"),
            Self::IdExists => (Kind::Conflict, "ID_EXISTS"),
            Self::NoActiveKey(_) => (Kind::Precondition, "NO_ACTIVE_KEY"),
            Self::KeyProviderUnknown(_) => (Kind::Invalid, "KEY_PROVIDER_UNKNOWN"),
            Self::KeyProviderInvalid(_) => (Kind::Invalid, "KEY_PROVIDER_INVALID"),
            Self::KeyProviderChanged => (Kind::Aborted, "KEY_PROVIDER_CHANGED"),
            Self::Invalid { .. } | Self::NotFollowed(_) => (Kind::Invalid, ""),
            Self::Database(database::Error::Unavailable(_)) => (Kind::Unavailable, "DATABASE_UNAVAILABLE"),
            Self::Interrupted | Self::Registry(_) => (Kind::Unavailable, "UNAVAILABLE"),
            Self::Unreadable { .. }
            | Self::UnusableKey(_)
            | Self::Cryptography
            | Self::Certificate(_)
            | Self::Vault(_)
            | Self::Database(_) => (Kind::Internal, ""),
        }
    }
}

impl From<vault::Error> for Error {
    fn from(error: vault::Error) -> Self {
        match error {
            vault::Error::Database(error) => Self::Database(error),
            error => Self::Vault(error),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (kind, reason) = error.kind();
        match kind {
            Kind::Internal | Kind::Unavailable => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(error = %error, cause, "token-issuer failed");
                // The cause is for our log: it may show statements.
                status(kind, reason, if kind == Kind::Internal { "internal error" } else { "unavailable" })
            }
            _ => status(kind, reason, error.to_string()),
        }
    }
}
