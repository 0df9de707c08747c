//! What can go wrong in client-registry. A client that is not authenticated is none of these: a refusal is an answer.

use std::path::PathBuf;

use latchkey_api::error::{Kind, status};
use latchkey_platform::{database, vault};
use tonic::Status;

/// An error of client-registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such realm.
    #[error("no such realm")]
    RealmNotFound,
    /// The realm has no such client.
    #[error("no such client")]
    ClientNotFound,
    /// The realm has no such identity provider.
    #[error("no such identity provider")]
    IdentityProviderNotFound,
    /// The client has no such secret.
    #[error("the client has no such secret")]
    SecretNotFound,
    /// The secret is only recognised, and cannot be shown.
    #[error("the secret is kept as a hash only")]
    SecretUnreadable,
    /// The realm has no such initial access token.
    #[error("no such initial access token")]
    InitialAccessNotFound,
    /// An initial access token has registered as many clients as it may.
    #[error("the initial access token is used up")]
    InitialAccessUsedUp,
    /// An initial access token has expired.
    #[error("the initial access token has expired")]
    InitialAccessExpired,
    /// A registration access token is not, or no longer, the one of the client.
    #[error("the registration access token is not the client's")]
    RegistrationTokenInvalid,
    /// A realm cannot be had like this. The words are for the administrator.
    #[error("{0}")]
    RealmInvalid(String),
    /// A realm of the name exists.
    #[error("a realm of this name exists")]
    RealmExists,
    /// The realm has a client of the client_id.
    #[error("a client of this client_id exists")]
    ClientExists,
    /// The realm has an identity provider of the alias.
    #[error("an identity provider of this alias exists")]
    IdentityProviderExists,
    /// An identity provider cannot be had like this. The words are for the administrator, and Keycloak's where it has some.
    #[error("{0}")]
    IdentityProviderInvalid(String),
    /// The id is taken.
    #[error("the id is taken")]
    IdExists,
    /// Somebody else changed it since it was read.
    #[error("it was changed since it was read")]
    VersionMismatch,
    /// A member of the request cannot be accepted.
    #[error("{what} {reason}")]
    Invalid {
        /// The member.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A key or its certificate could not be made.
    #[error("a key cannot be made")]
    Cryptography,
    /// A stored document cannot be read.
    #[error("row {id} of {table} cannot be read")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row's id.
        id: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A stored secret is not text.
    #[error("a stored secret of client {id} is not text")]
    SecretNotText {
        /// The client (uuid).
        id: String,
    },
    /// The certificates of key servers cannot be read.
    #[error("the certificates in {} cannot be read: {cause}", file.display())]
    KeyServerCertificates {
        /// The file that the settings name.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// What the settings say of outside authenticators cannot be used.
    #[error("the settings of authenticators cannot be used:\n  {}", .0.join("\n  "))]
    AuthenticatorSettings(Vec<String>),
    /// The outside authenticator that has to decide gives no answer.
    #[error("the client's authenticator is away")]
    AuthenticatorAway,
    /// The service is being shut down.
    #[error("the service is shutting down")]
    Interrupted,
    /// A secret could not be sealed or opened.
    #[error("a secret cannot be sealed or opened")]
    Vault(#[source] vault::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl From<vault::Error> for Error {
    fn from(error: vault::Error) -> Self {
        match error {
            vault::Error::Database(error) => Self::Database(error),
            other => Self::Vault(other),
        }
    }
}

impl Error {
    /// What a caller can do about it, and the stable reason.
    fn kind(&self) -> (Kind, &'static str) {
        match self {
            Self::RealmNotFound => (Kind::NotFound, "REALM_NOT_FOUND"),
            Self::ClientNotFound => (Kind::NotFound, "CLIENT_NOT_FOUND"),
            Self::IdentityProviderNotFound => (Kind::NotFound, "IDENTITY_PROVIDER_NOT_FOUND"),
            Self::SecretNotFound => (Kind::NotFound, "SECRET_NOT_FOUND"),
            Self::SecretUnreadable => (Kind::Precondition, "SECRET_UNREADABLE"),
            Self::InitialAccessNotFound => (Kind::NotFound, "INITIAL_ACCESS_NOT_FOUND"),
            Self::InitialAccessUsedUp => (Kind::Precondition, "INITIAL_ACCESS_USED_UP"),
            Self::InitialAccessExpired => (Kind::Precondition, "INITIAL_ACCESS_EXPIRED"),
            Self::RegistrationTokenInvalid => (Kind::Unauthenticated, "REGISTRATION_TOKEN_INVALID"),
            Self::RealmInvalid(_) => (Kind::Invalid, "REALM_INVALID"),
            Self::RealmExists => (Kind::Conflict, "REALM_EXISTS"),
            Self::ClientExists => (Kind::Conflict, "CLIENT_EXISTS"),
            Self::IdentityProviderExists => (Kind::Conflict, "IDENTITY_PROVIDER_EXISTS"),
            Self::IdentityProviderInvalid(_) => (Kind::Invalid, "IDENTITY_PROVIDER_INVALID"),
            Self::IdExists => (Kind::Conflict, "ID_EXISTS"),
            Self::VersionMismatch => (Kind::Aborted, "VERSION_MISMATCH"),
            Self::Invalid { .. } => (Kind::Invalid, ""),
            Self::Database(database::Error::Unavailable(_)) => (Kind::Unavailable, "DATABASE_UNAVAILABLE"),
            Self::AuthenticatorAway => (Kind::Unavailable, "AUTHENTICATOR_AWAY"),
            Self::Interrupted => (Kind::Unavailable, "UNAVAILABLE"),
            Self::Unreadable { .. }
            | Self::SecretNotText { .. }
            | Self::KeyServerCertificates { .. }
            | Self::AuthenticatorSettings(_)
            | Self::Cryptography
            | Self::Vault(_)
            | Self::Database(_) => (Kind::Internal, ""),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (kind, reason) = error.kind();
        match kind {
            // Why, is in the log already.
            Kind::Unavailable if matches!(error, Error::AuthenticatorAway) => {
                status(kind, reason, error.to_string())
            }
            Kind::Internal | Kind::Unavailable => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(error = %error, cause, "client-registry failed");
                // The cause is for our log: it may show statements.
                status(kind, reason, if kind == Kind::Internal { "internal error" } else { "unavailable" })
            }
            _ => status(kind, reason, error.to_string()),
        }
    }
}
