//! Errors of the Admin REST API, and the one place where they become answers. Statuses, texts and shapes are Keycloak's.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use latchkey_api::error::reason;
use serde_json::{Value, json};
use tonic::Code as GrpcCode;

/// Why an admin request is not answered as it hoped. Its `Display` is the text of the answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No token, or one that counts no more: bad, expired, revoked, of a disabled client or account.
    #[error("HTTP 401 Unauthorized")]
    Unauthorized,
    /// A good token whose roles do not allow it.
    #[error("HTTP 403 Forbidden")]
    Forbidden,
    /// Also for a number in the query that is none.
    #[error("HTTP 404 Not Found")]
    PathNotFound,
    #[error("HTTP 400 Bad Request")]
    BadRequest,
    #[error("HTTP 405 Method Not Allowed")]
    MethodNotAllowed,
    #[error("HTTP 413 Content Too Large")]
    BodyTooLarge,
    #[error("The content-type header value did not match the value in @Consumes")]
    UnsupportedMediaType,

    #[error("Realm not found.")]
    RealmNotFound,
    #[error("Could not find client")]
    ClientNotFound,
    /// A client that a role-mapping path names.
    #[error("Client not found")]
    MappedClientNotFound,
    #[error("User not found")]
    UserNotFound,
    #[error("Could not find role")]
    RoleNotFound,
    #[error("Could not find role with id")]
    RoleIdNotFound,
    /// One that is to become part of another.
    #[error("Could not find composite role")]
    CompositeRoleNotFound,
    /// A role in the body of a mapping.
    #[error("Role not found")]
    MappedRoleNotFound,
    #[error("Could not find client scope")]
    ClientScopeNotFound,
    /// A client scope in a list of default or optional ones.
    #[error("Client scope not found")]
    AssignedClientScopeNotFound,
    #[error("Could not find component")]
    ComponentNotFound,
    #[error("Model not found")]
    MapperNotFound,
    #[error("ProtocolMapper provider not found")]
    MapperProviderNotFound,
    /// Three s, as Keycloak spells it.
    #[error("Sesssion not found")]
    SessionNotFound,
    /// A user's link to an identity provider.
    #[error("Link not found")]
    LinkNotFound,
    #[error("Only support jks or pkcs12 format.")]
    KeyStoreFormat,
    /// Without which password a key store cannot be made.
    #[error("Need to specify a {0} password for jks generation and download")]
    KeyStorePassword(&'static str),
    #[error("Client does not have a rotated secret")]
    RotatedSecretNotFound,
    /// Among those that were replaced.
    #[error("Client secret not found")]
    ReplacedSecretNotFound,
    /// Neither the realm's name nor a client.
    #[error("Role Container not found")]
    RoleContainerNotFound,
    #[error("Unknown Provider")]
    UnknownProvider,
    #[error("No userId provided")]
    NoUserId,
    #[error("No user found")]
    NoUserFound,

    #[error("Service account not enabled for the client '{0}'")]
    ServiceAccountOff(String),
    #[error("Could not delete client")]
    BuiltInClient,
    #[error("role has no name")]
    RoleNameMissing,
    #[error("Attributes [{0}] not allowed for search")]
    SearchAttribute(String),
    #[error("Invalid value for '{0}', expected format is yyyy-MM-dd or an Epoch timestamp")]
    InvalidDate(&'static str),
    #[error("Empty Space not allowed.")]
    AliasSpace,
    #[error("Character '{0}' not allowed.")]
    AliasCharacter(char),
    #[error("Invalid provider type or no such provider")]
    ComponentProviderUnknown,

    #[error("Realm {0} already exists")]
    RealmExists(String),
    #[error("Realm with same name exists")]
    RealmNameTaken,
    #[error("Client {0} already exists")]
    ClientExists(String),
    #[error("Role with name {0} already exists")]
    RoleExists(String),
    #[error("Client Scope {0} already exists")]
    ClientScopeExists(String),
    #[error("Protocol mapper exists with same name")]
    MapperExists,
    #[error("User exists with same username")]
    UsernameExists,
    #[error("User exists with same email")]
    EmailExists,
    /// Something that a partial import brings is there, and must not be.
    #[error("{0}")]
    AlreadyExists(String),
    #[error("Can not import client roles for nonexistent client named {0}")]
    RolesOfUnknownClient(String),
    /// Two things of an imported realm have one name.
    #[error("Conflict detected. See logs for details")]
    ImportConflict,
    #[error("User is already linked with provider")]
    LinkExists,
    #[error("Identity Provider {0} already exists")]
    IdentityProviderExists(String),
    /// Another thing has the name or id that an update wants.
    #[error("Duplicate resource error")]
    Duplicate,

    /// Text that is not JSON.
    #[error("Cannot parse the JSON")]
    InvalidJson,
    /// JSON of another shape than the representation's.
    #[error("Cannot parse the JSON")]
    MismatchedJson,
    #[error(
        "Invalid json representation for {representation}. Unrecognized field \"{field}\" at line {line} column {column}."
    )]
    UnknownField { representation: &'static str, field: String, line: usize, column: usize },
    /// Keycloak reads the body of a new realm by another way, which tells no more.
    #[error("unable to read contents from stream")]
    UnreadableRealm,
    #[error("Realm name cannot be empty")]
    RealmNameMissing,
    #[error("Character '{0}' not allowed.")]
    RealmNameCharacter(char),
    /// The same in an update, which has another shape.
    #[error("Character '{0}' not allowed.")]
    NewRealmNameCharacter(char),
    /// A client's URL or protocol is refused.
    #[error("{0}")]
    InvalidClient(String),
    /// An initial access token can't have such a limit.
    #[error("{reason}")]
    InvalidInitialAccess { what: &'static str, reason: &'static str },
    /// A message for the administrator, in the shape of `errorMessage`.
    #[error("{0}")]
    Invalid(String),
    /// A user's fields against the user profile.
    #[error("the user does not fit the user profile")]
    UserProfile(Vec<FieldFault>),

    /// A service refused or could not be reached.
    #[error(transparent)]
    Service(tonic::Status),
    /// A service answered something that the contract does not allow.
    #[error("a service answered without {0}")]
    IncompleteAnswer(&'static str),
    /// Others changed the same thing again and again.
    #[error("{0} is being changed by others")]
    Contended(&'static str),
}

/// One field of a user that the profile refuses.
#[derive(Debug)]
pub(crate) struct FieldFault {
    pub(crate) field: &'static str,
    pub(crate) message: &'static str,
    pub(crate) params: Vec<Value>,
}

impl FieldFault {
    fn json(&self) -> Value {
        json!({ "field": self.field, "errorMessage": self.message, "params": self.params })
    }
}

/// What a handler answers.
pub(crate) type Answer = Result<Response, Error>;

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        match reason(&status).as_deref() {
            Some("REALM_NOT_FOUND") => Self::RealmNotFound,
            Some("CLIENT_NOT_FOUND") => Self::ClientNotFound,
            Some("SECRET_NOT_FOUND") => Self::ReplacedSecretNotFound,
            Some("ROLE_NOT_FOUND") => Self::RoleNotFound,
            Some("CLIENT_SCOPE_NOT_FOUND") => Self::ClientScopeNotFound,
            Some("PROTOCOL_MAPPER_NOT_FOUND") => Self::MapperNotFound,
            Some("IDENTITY_PROVIDER_NOT_FOUND") => Self::PathNotFound,
            Some("FEDERATED_IDENTITY_NOT_FOUND") => Self::LinkNotFound,
            Some("FEDERATED_IDENTITY_EXISTS") => Self::LinkExists,
            Some("IDENTITY_PROVIDER_INVALID") => Self::Invalid(status.message().to_owned()),
            Some("USER_NOT_FOUND" | "SERVICE_ACCOUNT_NOT_FOUND") => Self::UserNotFound,
            Some("KEY_PROVIDER_NOT_FOUND") => Self::ComponentNotFound,
            Some("REALM_EXISTS") => Self::RealmNameTaken,
            Some("CLIENT_EXISTS" | "ID_EXISTS" | "ROLE_EXISTS" | "CLIENT_SCOPE_EXISTS") => Self::Duplicate,
            Some("PROTOCOL_MAPPER_EXISTS") => Self::MapperExists,
            Some("USERNAME_EXISTS") => Self::UsernameExists,
            Some("EMAIL_EXISTS") => Self::EmailExists,
            Some("PROTOCOL_MAPPER_UNKNOWN") => Self::MapperProviderNotFound,
            Some("SERVICE_ACCOUNT_PASSWORD") => {
                Self::Invalid("Can't set a password for a service account".to_owned())
            }
            Some("KEY_PROVIDER_UNKNOWN") => Self::ComponentProviderUnknown,
            Some("KEY_PROVIDER_INVALID") => Self::Invalid(status.message().to_owned()),
            _ if status.code() == GrpcCode::InvalidArgument => Self::Invalid(status.message().to_owned()),
            _ => Self::Service(status),
        }
    }
}

impl Error {
    /// The same while a whole realm is imported: Keycloak tells no more of what is there twice.
    pub(crate) fn of_import(self) -> Self {
        match self {
            Self::Duplicate | Self::MapperExists | Self::UsernameExists | Self::EmailExists => {
                Self::ImportConflict
            }
            other => other,
        }
    }

    fn status(&self) -> StatusCode {
        use StatusCode as S;
        match self {
            Self::Unauthorized => S::UNAUTHORIZED,
            Self::Forbidden => S::FORBIDDEN,
            Self::MethodNotAllowed => S::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => S::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => S::UNSUPPORTED_MEDIA_TYPE,
            Self::PathNotFound
            | Self::RealmNotFound
            | Self::ClientNotFound
            | Self::MappedClientNotFound
            | Self::UserNotFound
            | Self::RoleNotFound
            | Self::RoleIdNotFound
            | Self::CompositeRoleNotFound
            | Self::MappedRoleNotFound
            | Self::ClientScopeNotFound
            | Self::AssignedClientScopeNotFound
            | Self::ComponentNotFound
            | Self::MapperNotFound
            | Self::MapperProviderNotFound
            | Self::SessionNotFound
            | Self::LinkNotFound
            | Self::RotatedSecretNotFound
            | Self::ReplacedSecretNotFound
            | Self::RoleContainerNotFound
            | Self::UnknownProvider
            | Self::NoUserId
            | Self::NoUserFound => S::NOT_FOUND,
            Self::RealmExists(_)
            | Self::RealmNameTaken
            | Self::ClientExists(_)
            | Self::RoleExists(_)
            | Self::ClientScopeExists(_)
            | Self::MapperExists
            | Self::UsernameExists
            | Self::EmailExists
            | Self::AlreadyExists(_)
            | Self::ImportConflict
            | Self::LinkExists
            | Self::IdentityProviderExists(_)
            | Self::Duplicate => S::CONFLICT,
            Self::RolesOfUnknownClient(_) => S::PRECONDITION_FAILED,
            Self::KeyStoreFormat => S::NOT_ACCEPTABLE,
            Self::BadRequest
            | Self::ServiceAccountOff(_)
            | Self::BuiltInClient
            | Self::RoleNameMissing
            | Self::KeyStorePassword(_)
            | Self::SearchAttribute(_)
            | Self::InvalidDate(_)
            | Self::AliasSpace
            | Self::AliasCharacter(_)
            | Self::ComponentProviderUnknown
            | Self::InvalidJson
            | Self::MismatchedJson
            | Self::UnknownField { .. }
            | Self::UnreadableRealm
            | Self::RealmNameMissing
            | Self::RealmNameCharacter(_)
            | Self::NewRealmNameCharacter(_)
            | Self::InvalidClient(_)
            | Self::InvalidInitialAccess { .. }
            | Self::Invalid(_)
            | Self::UserProfile(_) => S::BAD_REQUEST,
            Self::Service(status) => match status.code() {
                GrpcCode::Unavailable | GrpcCode::DeadlineExceeded | GrpcCode::ResourceExhausted => {
                    S::SERVICE_UNAVAILABLE
                }
                _ => S::INTERNAL_SERVER_ERROR,
            },
            Self::Contended(_) => S::SERVICE_UNAVAILABLE,
            Self::IncompleteAnswer(_) => S::INTERNAL_SERVER_ERROR,
        }
    }

    fn body(&self) -> Value {
        let described = |code: &str| json!({ "error": code, "error_description": self.to_string() });
        match self {
            Self::RealmExists(_)
            | Self::RealmNameTaken
            | Self::ClientExists(_)
            | Self::RoleExists(_)
            | Self::ClientScopeExists(_)
            | Self::MapperExists
            | Self::UsernameExists
            | Self::EmailExists
            | Self::AlreadyExists(_)
            | Self::RolesOfUnknownClient(_)
            | Self::ImportConflict
            | Self::LinkExists
            | Self::IdentityProviderExists(_)
            | Self::UnreadableRealm
            | Self::RealmNameMissing
            | Self::RealmNameCharacter(_)
            | Self::Invalid(_) => json!({ "errorMessage": self.to_string() }),
            Self::UserProfile(faults) => match faults.as_slice() {
                [fault] => fault.json(),
                faults => json!({ "errors": faults.iter().map(FieldFault::json).collect::<Vec<_>>() }),
            },
            Self::Duplicate => described("conflict"),
            Self::KeyStorePassword(_) => described("password-missing"),
            Self::InvalidJson => described("invalid_request"),
            Self::MismatchedJson => described("unknown_error"),
            Self::InvalidClient(_) => described("invalid_input"),
            Self::InvalidInitialAccess { what, .. } => described(&format!("Invalid value for {what}")),
            Self::Service(_) | Self::IncompleteAnswer(_) | Self::Contended(_) => {
                if self.status() == StatusCode::SERVICE_UNAVAILABLE {
                    json!({
                        "error": "temporarily_unavailable",
                        "error_description": "The server cannot do this now, try again later",
                    })
                } else {
                    json!({
                        "error": "unknown_error",
                        "error_description": "For more on this error consult the server log.",
                    })
                }
            }
            _ => json!({ "error": self.to_string() }),
        }
    }
}

impl IntoResponse for Error {
    /// The answer. An error of ours is logged here, once.
    fn into_response(self) -> Response {
        let status = self.status();
        match status {
            StatusCode::SERVICE_UNAVAILABLE => tracing::warn!(cause = %self, "a service is away"),
            status if status.is_server_error() => tracing::error!(cause = %self, "an admin request failed"),
            _ => tracing::debug!(status = status.as_u16(), cause = %self, "an admin request was refused"),
        }
        let mut response = Response::new(Body::from(self.body().to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_keycloaks_shapes() {
        for (error, status, body) in [
            (Error::RealmNotFound, 404, r#"{"error":"Realm not found."}"#),
            (Error::RoleExists("r".to_owned()), 409, r#"{"errorMessage":"Role with name r already exists"}"#),
            (Error::Duplicate, 409, r#"{"error":"conflict","error_description":"Duplicate resource error"}"#),
            (
                Error::MismatchedJson,
                400,
                r#"{"error":"unknown_error","error_description":"Cannot parse the JSON"}"#,
            ),
            (
                Error::UserProfile(vec![FieldFault {
                    field: "username",
                    message: "error-invalid-length",
                    params: vec![json!("username"), json!(255), json!(3)],
                }]),
                400,
                r#"{"errorMessage":"error-invalid-length","field":"username","params":["username",255,3]}"#,
            ),
        ] {
            assert_eq!(error.status().as_u16(), status);
            assert_eq!(error.body(), serde_json::from_str::<Value>(body).unwrap());
        }
    }

    #[test]
    fn a_fault_of_ours_tells_nothing_about_itself() {
        let error = Error::from(tonic::Status::internal("select * from clients failed at 10.1.2.3"));
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.body().to_string().contains("select"));
        let away = Error::from(tonic::Status::unavailable("10.1.2.3")).into_response();
        assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(away.headers().contains_key(header::RETRY_AFTER));
    }
}
