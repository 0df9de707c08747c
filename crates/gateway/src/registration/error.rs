//! Errors of client registration, and the one place where they become answers (RFC 7591 section 3.2.2, RFC 6750 section 3.1).
//! Statuses, codes and descriptions are Keycloak's.

use crate::{
    admin,
    oidc::{self, error::Caching},
};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use latchkey_api::error::reason;
use serde_json::{Value, json};

/// Why a registration request is not answered as it hoped. Its `Display` is the answer's `error_description`.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("Client registration provider not found")]
    ProviderNotFound,

    /// Not a token of this realm, expired, revoked, or of a disabled client or account.
    #[error("Failed decode token")]
    TokenInvalid,
    #[error("Invalid type of token")]
    TokenTypeInvalid,
    #[error("Initial Access Token not found")]
    InitialAccessNotFound,
    #[error("No remaining count on initial access token")]
    InitialAccessUsedUp,
    #[error("Expired initial access token")]
    InitialAccessExpired,
    /// An initial access token makes clients, it does not open them.
    #[error("Not initial access token allowed")]
    InitialAccessNotAllowed,
    /// No token, or a registration access token that is not the client's.
    #[error("Not authorized to view client. Not valid token or client credentials provided.")]
    MayNotView,
    #[error("Not authorized to update client. Maybe missing token or bad token type.")]
    MayNotUpdate,

    /// An access token without the role.
    #[error("Forbidden")]
    RoleMissing,
    #[error("Policy '{policy}' rejected request to client-registration service. Details: {details}.")]
    Policy { policy: &'static str, details: &'static str },

    #[error("Client not found")]
    ClientNotFound,
    #[error("Wrong client protocol.")]
    WrongProtocol,

    #[error("Client Identifier in use")]
    ClientIdInUse,
    #[error("Client Identifier modified")]
    ClientIdModified,
    /// With the provider openid-connect the server names the client.
    #[error("Client Identifier included")]
    ClientIdIncluded,
    /// Metadata that ask for what there is not, or contradict themselves.
    #[error("Client metadata invalid")]
    MetadataInvalid,
    #[error("{0}")]
    RedirectUriInvalid(String),
    #[error("{0}")]
    ClientInvalid(String),

    /// Whatever the realm's endpoints answer everywhere.
    #[error(transparent)]
    Realm(oidc::error::Error),
    /// Whatever the Admin REST API answers to the same.
    #[error(transparent)]
    Admin(admin::error::Error),
}

impl From<oidc::error::Error> for Error {
    fn from(error: oidc::error::Error) -> Self {
        Self::Realm(error)
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        match reason(&status).as_deref() {
            Some("INITIAL_ACCESS_NOT_FOUND") => Self::InitialAccessNotFound,
            Some("INITIAL_ACCESS_USED_UP") => Self::InitialAccessUsedUp,
            Some("INITIAL_ACCESS_EXPIRED") => Self::InitialAccessExpired,
            Some("REGISTRATION_TOKEN_INVALID") => Self::MayNotUpdate,
            _ => admin::error::Error::from(status).into(),
        }
    }
}

impl From<admin::error::Error> for Error {
    fn from(error: admin::error::Error) -> Self {
        use admin::error::Error as Admin;
        match error {
            Admin::ClientExists(_) | Admin::Duplicate | Admin::UsernameExists => Self::ClientIdInUse,
            Admin::InvalidClient(text) if text.starts_with("A redirect URI") => {
                Self::RedirectUriInvalid(text)
            }
            Admin::InvalidClient(text) => Self::ClientInvalid(text),
            Admin::Service(status) if reason(&status).is_some_and(|reason| is_of_registration(&reason)) => {
                status.into()
            }
            other => Self::Admin(other),
        }
    }
}

fn is_of_registration(reason: &str) -> bool {
    reason.starts_with("INITIAL_ACCESS_") || reason == "REGISTRATION_TOKEN_INVALID"
}

impl Error {
    /// The word for it in an event; `None` where Keycloak records nothing.
    pub(super) fn event(&self) -> Option<&'static str> {
        match self.kind()? {
            (StatusCode::UNAUTHORIZED, _) => Some("invalid_token"),
            (StatusCode::FORBIDDEN, _) => Some("not_allowed"),
            (StatusCode::NOT_FOUND, Some(_)) => Some("client_not_found"),
            _ => None,
        }
    }

    /// Status and code; `None` for an error that has an answer of its own.
    fn kind(&self) -> Option<(StatusCode, Option<&'static str>)> {
        use StatusCode as S;
        Some(match self {
            Self::ProviderNotFound => (S::NOT_FOUND, None),
            Self::TokenInvalid
            | Self::TokenTypeInvalid
            | Self::InitialAccessNotFound
            | Self::InitialAccessUsedUp
            | Self::InitialAccessExpired
            | Self::InitialAccessNotAllowed
            | Self::MayNotView
            | Self::MayNotUpdate => (S::UNAUTHORIZED, Some("invalid_token")),
            Self::RoleMissing | Self::Policy { .. } => (S::FORBIDDEN, Some("insufficient_scope")),
            Self::ClientNotFound => (S::NOT_FOUND, Some("invalid_request")),
            Self::WrongProtocol => (S::BAD_REQUEST, Some("invalid_client")),
            Self::ClientIdInUse
            | Self::ClientIdModified
            | Self::ClientIdIncluded
            | Self::MetadataInvalid
            | Self::ClientInvalid(_) => (S::BAD_REQUEST, Some("invalid_client_metadata")),
            Self::RedirectUriInvalid(_) => (S::BAD_REQUEST, Some("invalid_redirect_uri")),
            Self::Realm(_) | Self::Admin(_) => return None,
        })
    }

    fn body(&self, code: Option<&str>) -> Value {
        match code {
            Some(code) => json!({ "error": code, "error_description": self.to_string() }),
            None => json!({ "error": self.to_string() }),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let (status, code) = match (self, kind) {
            (Self::Realm(error), _) => return error.response("", Caching::Unsaid),
            (Self::Admin(error), _) => return error.into_response(),
            (error, Some((status, code))) => {
                tracing::debug!(status = status.as_u16(), cause = %error, "a registration was refused");
                (status, error.body(code))
            }
            (_, None) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        let mut response = Response::new(Body::from(code.to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_api::error::{Kind, status};

    #[test]
    fn what_a_service_refuses_is_told_in_keycloaks_words() {
        for (kind, reason, text) in [
            (Kind::NotFound, "INITIAL_ACCESS_NOT_FOUND", "Initial Access Token not found"),
            (Kind::Precondition, "INITIAL_ACCESS_USED_UP", "No remaining count on initial access token"),
            (Kind::Precondition, "INITIAL_ACCESS_EXPIRED", "Expired initial access token"),
        ] {
            let through_admin = Error::from(admin::error::Error::from(status(kind, reason, "x")));
            assert_eq!(through_admin.to_string(), text);
            assert_eq!(through_admin.event(), Some("invalid_token"));
            assert_eq!(through_admin.into_response().status(), StatusCode::UNAUTHORIZED);
        }
    }

    #[test]
    fn redirect_uris_have_a_code_of_their_own() {
        let refused = |text: &str| Error::from(admin::error::Error::InvalidClient(text.to_owned()));
        let code = |error: &Error| error.kind().unwrap().1.unwrap();
        assert_eq!(code(&refused("A redirect URI uses an illegal scheme")), "invalid_redirect_uri");
        assert_eq!(code(&refused("Root URL uses an illegal scheme")), "invalid_client_metadata");
    }
}
