//! What can go wrong in role-mapping. A resolution that is refused is none of these: it is an answer.

use latchkey_api::error::{Kind, status};
use latchkey_platform::database;
use tonic::Status;

/// An error of role-mapping.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing has been provisioned for the realm.
    #[error("no such realm")]
    RealmNotFound,
    /// The realm has no such client.
    #[error("no such client")]
    ClientNotFound,
    /// A role that was named does not exist.
    #[error("no such role")]
    RoleNotFound,
    /// The realm has no such client scope.
    #[error("no such client scope")]
    ClientScopeNotFound,
    /// The client or client scope has no such protocol mapper.
    #[error("no such protocol mapper")]
    ProtocolMapperNotFound,
    /// The realm has no such user.
    #[error("no such user")]
    UserNotFound,
    /// The client has no service account.
    #[error("the client has no service account")]
    ServiceAccountNotFound,
    /// The user has no such account at an identity provider.
    #[error("the user has no such link")]
    FederatedIdentityNotFound,
    /// The user has a link to the identity provider.
    #[error("the user has a link to this identity provider")]
    FederatedIdentityExists,
    /// The container has a role of the name.
    #[error("a role of this name exists")]
    RoleExists,
    /// The realm has a client scope of the name, or has it in the other list.
    #[error("a client scope of this name exists")]
    ClientScopeExists,
    /// The owner has a protocol mapper of the name.
    #[error("a protocol mapper of this name exists")]
    ProtocolMapperExists,
    /// The realm has a user of the username.
    #[error("a user of this username exists")]
    UsernameExists,
    /// The realm has a user of the email address.
    #[error("a user of this email exists")]
    EmailExists,
    /// The id is taken.
    #[error("the id is taken")]
    IdExists,
    /// The realm's default role cannot be deleted.
    #[error("the realm's default role cannot be removed")]
    DefaultRole,
    /// No protocol mapper of this kind can be made.
    #[error("no protocol mapper of kind {0} is known")]
    ProtocolMapperUnknown(String),
    /// A service account has no password.
    #[error("a service account has no password")]
    ServiceAccountPassword,
    /// A member of the request cannot be accepted.
    #[error("{what} {reason}")]
    Invalid {
        /// The member.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
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
    /// A password could not be hashed, or a stored hash is not one.
    #[error("a password hash cannot be computed")]
    PasswordHash,
    /// The change log was to be waited for, of a service that is not followed.
    #[error("{0} is not followed")]
    NotFollowed(String),
    /// The service is being shut down.
    #[error("the service is shutting down")]
    Interrupted,
    /// The client-registry, which was asked whether a realm or client is published, failed.
    #[error("the client-registry failed: {}", .0.message())]
    Registry(Status),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Error {
    /// What a caller can do about it, and the stable reason.
    fn kind(&self) -> (Kind, &'static str) {
        match self {
            Self::RealmNotFound => (Kind::NotFound, "REALM_NOT_FOUND"),
            Self::ClientNotFound => (Kind::NotFound, "CLIENT_NOT_FOUND"),
            Self::RoleNotFound => (Kind::NotFound, "ROLE_NOT_FOUND"),
            Self::ClientScopeNotFound => (Kind::NotFound, "CLIENT_SCOPE_NOT_FOUND"),
            Self::ProtocolMapperNotFound => (Kind::NotFound, "PROTOCOL_MAPPER_NOT_FOUND"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::ServiceAccountNotFound => (Kind::NotFound, "SERVICE_ACCOUNT_NOT_FOUND"),
            Self::FederatedIdentityNotFound => (Kind::NotFound, "FEDERATED_IDENTITY_NOT_FOUND"),
            Self::FederatedIdentityExists => (Kind::Conflict, "FEDERATED_IDENTITY_EXISTS"),
            Self::RoleExists => (Kind::Conflict, "ROLE_EXISTS"),
            Self::ClientScopeExists => (Kind::Conflict, "CLIENT_SCOPE_EXISTS"),
            Self::ProtocolMapperExists => (Kind::Conflict, "PROTOCOL_MAPPER_EXISTS"),
            Self::UsernameExists => (Kind::Conflict, "USERNAME_EXISTS"),
            Self::EmailExists => (Kind::Conflict, "EMAIL_EXISTS"),
            Self::IdExists => (Kind::Conflict, "ID_EXISTS"),
            Self::DefaultRole => (Kind::Invalid, "DEFAULT_ROLE"),
            Self::ProtocolMapperUnknown(_) => (Kind::Invalid, "PROTOCOL_MAPPER_UNKNOWN"),
            Self::ServiceAccountPassword => (Kind::Invalid, "SERVICE_ACCOUNT_PASSWORD"),
            Self::Invalid { .. } | Self::NotFollowed(_) => (Kind::Invalid, ""),
            Self::Database(database::Error::Unavailable(_)) => (Kind::Unavailable, "DATABASE_UNAVAILABLE"),
            Self::Interrupted | Self::Registry(_) => (Kind::Unavailable, "UNAVAILABLE"),
            Self::Unreadable { .. } | Self::PasswordHash | Self::Database(_) => (Kind::Internal, ""),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (kind, reason) = error.kind();
        match kind {
            Kind::Internal | Kind::Unavailable => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(error = %error, cause, "role-mapping failed");
                // The cause is for our log: it may show statements.
                status(kind, reason, if kind == Kind::Internal { "internal error" } else { "unavailable" })
            }
            _ => status(kind, reason, error.to_string()),
        }
    }
}
