//! Errors of the OIDC endpoints, and the one place where they become answers (RFC 6749 section 5.2).
//!
//! Statuses, codes and descriptions are Keycloak's, which answers some cases otherwise than the RFC asks for: where they
//! differ, Keycloak is followed. The cause of an error of ours stays in the log.

mod code;

use super::{binding, dpop, json_object::JsonObject};
use crate::limits::Limited;
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use code::Code;
use latchkey_api::registry::v1::{Refusal, refusal};
use tonic::Code as GrpcCode;

/// RFC 9449 section 8.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Why an OIDC request is not answered as it hoped. Its `Display` is the answer's `error_description`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("Realm does not exist")]
    RealmNotFound,
    #[error("Realm not enabled")]
    RealmDisabled,
    #[error("HTTP 404 Not Found")]
    PathNotFound,
    #[error("HTTP 405 Method Not Allowed")]
    MethodNotAllowed,
    #[error("HTTP 406 Not Acceptable")]
    NotAcceptable,
    #[error("HTTP 413 Content Too Large")]
    BodyTooLarge,
    /// Over a limit of the realm or the client, or locked out after wrong secrets.
    #[error("Too many requests, try again later")]
    TooManyRequests {
        /// Seconds.
        retry_after_s: u64,
    },
    /// The body broke off, or a multipart form is not one.
    #[error("Cannot read the form")]
    UnreadableForm,
    /// CORS: the client does not name this origin among its web origins.
    #[error("Invalid origin")]
    InvalidOrigin,

    #[error("Missing form parameter: grant_type")]
    GrantTypeMissing,
    #[error("Unsupported grant_type")]
    GrantTypeUnknown,
    #[error("duplicated parameter")]
    DuplicatedParameter,
    #[error("Missing parameter: {0}")]
    MissingParameter(&'static str),

    /// No client was named, an unknown one, or a disabled one.
    #[error("Invalid client or Invalid client credentials")]
    ClientUnknown,
    /// A known client with a wrong, empty or missing secret.
    #[error("Invalid client or Invalid client credentials")]
    ClientCredentialsInvalid,
    /// The introspection endpoint's words for the same.
    #[error("Client authentication failed.")]
    CallerCredentialsInvalid,
    /// A stray `%` in a Basic header.
    #[error("Unexpected error when authenticating client")]
    BasicEscapeInvalid,
    #[error("Bearer-only not allowed")]
    BearerOnly,
    #[error("Parameter client_assertion_type is missing")]
    AssertionTypeMissing,
    #[error("Missing client_id parameter")]
    ClientIdMissing,
    /// A client assertion is at fault, in Keycloak's words.
    #[error("{0}")]
    AssertionInvalid(String),
    /// An assertion that is a grant is at fault, in Keycloak's words.
    #[error("{0}")]
    GrantAssertionInvalid(String),
    /// An assertion's MAC is not of the client's secret, in Keycloak's words.
    #[error("{0}")]
    AssertionMacInvalid(String),

    #[error("Client not enabled to retrieve service account")]
    ServiceAccountOff,
    #[error("The associated service account for the client does not exist")]
    ServiceAccountMissing,
    #[error("User '{0}' disabled")]
    ServiceAccountDisabled(String),
    #[error("Public client not allowed to retrieve service account")]
    PublicClient,
    #[error("Client not allowed for direct access grants")]
    DirectAccessOff,
    /// A grant that Keycloak knows and Latchkey gives to no client.
    #[error("{0}")]
    GrantNotAllowed(&'static str),
    #[error("Code not valid")]
    CodeInvalid,
    /// With the whole parameter as it was sent.
    #[error("Invalid scopes: {0}")]
    InvalidScope(String),
    #[error("Requested audience not available: {0}")]
    AudienceNotAvailable(String),
    /// RFC 8707 section 2: a resource that the client may not name, or that its token is not for.
    #[error("Requested resource not available: {0}")]
    InvalidTarget(String),

    #[error("Standard token exchange is not enabled for the requested client")]
    TokenExchangeOff,
    #[error("Public client is not allowed to exchange token")]
    PublicClientExchange,
    #[error("Parameter 'subject_token' required for standard token exchange")]
    SubjectTokenMissing,
    #[error("Parameter 'subject_token' supports access tokens only")]
    SubjectTokenType,
    #[error("Invalid token")]
    SubjectTokenInvalid,
    #[error("Parameter 'actor_token' required where 'actor_token_type' is given")]
    ActorTokenMissing,
    #[error("Parameter 'actor_token_type' required where 'actor_token' is given")]
    ActorTokenTypeMissing,
    #[error("Parameter 'actor_token' supports access tokens only")]
    ActorTokenType,
    #[error("Invalid actor token")]
    ActorTokenInvalid,
    /// The subject token's `may_act` names somebody else.
    #[error("The actor may not act for the subject")]
    ActorNotAllowed,
    #[error("Too many have acted for the subject")]
    DelegationTooLong,
    #[error("Client is not within the token audience")]
    NotInAudience,
    #[error("requested_token_type unsupported")]
    RequestedTokenType,
    #[error("Refresh token not valid as requested_token_type because creating a new session is needed")]
    RefreshNeedsSession,
    #[error("Audience not found")]
    AudienceNotFound,

    /// A DPoP proof proves nothing.
    #[error(transparent)]
    Dpop(#[from] dpop::Fault),

    /// A proof needs a nonce: this one.
    #[error("Authorization server requires nonce in DPoP proof")]
    DpopNonce(String),

    /// What a client gets is to be encrypted, and cannot be.
    #[error("The answer cannot be encrypted: {0}")]
    Encryption(&'static str),

    /// Tokens are to be bound to a certificate, and there is none.
    #[error("Client Certification missing for MTLS HoK Token Binding")]
    CertificateMissing,
    /// A token is used without the certificate that it is bound to.
    #[error("{}", binding::ANOTHER_CERTIFICATE)]
    CertificateOfAnother,

    #[error("Invalid user credentials")]
    UserCredentialsInvalid,
    #[error("Account disabled")]
    AccountDisabled,
    #[error("Account is not fully set up")]
    AccountNotSetUp,

    #[error("No refresh token")]
    RefreshTokenMissing,
    #[error("Invalid refresh token")]
    RefreshTokenInvalid,
    #[error("Invalid refresh token. Token client and authorized client don't match")]
    RefreshTokenOfAnotherClient,
    #[error("Token is not active")]
    TokenNotActive,
    #[error("Session not active")]
    SessionNotActive,
    #[error("Stale token")]
    StaleToken,
    #[error("Maximum allowed refresh token reuse exceeded")]
    ReuseExceeded,
    #[error("Session doesn't have required client")]
    FamilyEnded,
    #[error("User disabled")]
    UserDisabled,

    /// Introspection without a token.
    #[error("Token not provided.")]
    TokenToIntrospectMissing,
    #[error("Unsupported token type.")]
    TokenTypeHintUnknown,
    /// A public client asks for introspection.
    #[error("Client not allowed.")]
    CallerNotAllowed,
    /// Revocation without a token.
    #[error("Token not provided")]
    TokenToRevokeMissing,
    #[error("Unmatching clients")]
    TokenOfAnotherClient,
    #[error("Unsupported token type")]
    TokenTypeNotRevocable,

    /// A service refused or could not be reached.
    #[error(transparent)]
    Service(#[from] tonic::Status),
    /// A service answered something that the contract does not allow.
    #[error("a service answered without {0}")]
    IncompleteAnswer(&'static str),
}

/// Whether an endpoint's errors forbid caching in so many words: the token endpoint's do, the others' say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    NoStore,
    Unsaid,
}

impl From<Limited> for Error {
    fn from(Limited { retry_after_s }: Limited) -> Self {
        Self::TooManyRequests { retry_after_s }
    }
}

impl Error {
    /// Status and code; no code where the body has only an `error`, which then is the description.
    fn kind(&self) -> (StatusCode, Option<Code>) {
        use Code::{
            AccessDenied, InvalidClient, InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget,
            TemporarilyUnavailable, UnauthorizedClient, UnknownError, UnsupportedGrantType,
            UnsupportedTokenType, UseDpopNonce,
        };
        use StatusCode as S;
        match self {
            Self::RealmNotFound | Self::PathNotFound => (S::NOT_FOUND, None),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, None),
            Self::NotAcceptable => (S::NOT_ACCEPTABLE, None),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, None),
            Self::InvalidOrigin => (S::FORBIDDEN, None),
            Self::TooManyRequests { .. } => (S::TOO_MANY_REQUESTS, Some(TemporarilyUnavailable)),
            Self::RealmDisabled
            | Self::PublicClientExchange
            | Self::NotInAudience
            | Self::ActorNotAllowed => (S::FORBIDDEN, Some(AccessDenied)),

            Self::UnreadableForm
            | Self::GrantTypeMissing
            | Self::DuplicatedParameter
            | Self::MissingParameter(_)
            | Self::AudienceNotAvailable(_)
            | Self::TokenExchangeOff
            | Self::SubjectTokenMissing
            | Self::SubjectTokenType
            | Self::SubjectTokenInvalid
            | Self::ActorTokenMissing
            | Self::ActorTokenTypeMissing
            | Self::ActorTokenType
            | Self::ActorTokenInvalid
            | Self::DelegationTooLong
            | Self::RequestedTokenType
            | Self::RefreshNeedsSession
            | Self::Dpop(_)
            | Self::Encryption(_)
            | Self::CertificateMissing
            | Self::RefreshTokenMissing
            | Self::TokenToIntrospectMissing
            | Self::TokenTypeHintUnknown
            | Self::TokenToRevokeMissing
            | Self::TokenOfAnotherClient => (S::BAD_REQUEST, Some(InvalidRequest)),
            Self::DpopNonce(_) => (S::BAD_REQUEST, Some(UseDpopNonce)),
            Self::GrantTypeUnknown => (S::BAD_REQUEST, Some(UnsupportedGrantType)),
            Self::TokenTypeNotRevocable => (S::BAD_REQUEST, Some(UnsupportedTokenType)),
            Self::InvalidScope(_) => (S::BAD_REQUEST, Some(InvalidScope)),
            Self::InvalidTarget(_) => (S::BAD_REQUEST, Some(InvalidTarget)),
            Self::CallerNotAllowed => (S::FORBIDDEN, Some(InvalidRequest)),
            Self::ServiceAccountDisabled(_) | Self::ServiceAccountMissing => {
                (S::UNAUTHORIZED, Some(InvalidRequest))
            }

            Self::ClientUnknown | Self::CallerCredentialsInvalid => (S::UNAUTHORIZED, Some(InvalidClient)),
            Self::AudienceNotFound
            | Self::BearerOnly
            | Self::AssertionTypeMissing
            | Self::ClientIdMissing
            | Self::AssertionInvalid(_) => (S::BAD_REQUEST, Some(InvalidClient)),
            Self::ClientCredentialsInvalid
            | Self::ServiceAccountOff
            | Self::PublicClient
            | Self::CertificateOfAnother => (S::UNAUTHORIZED, Some(UnauthorizedClient)),
            Self::BasicEscapeInvalid | Self::AssertionMacInvalid(_) | Self::DirectAccessOff => {
                (S::BAD_REQUEST, Some(UnauthorizedClient))
            }

            Self::GrantNotAllowed(_)
            | Self::GrantAssertionInvalid(_)
            | Self::CodeInvalid
            | Self::UserCredentialsInvalid
            | Self::AccountDisabled
            | Self::AccountNotSetUp
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenOfAnotherClient
            | Self::TokenNotActive
            | Self::SessionNotActive
            | Self::StaleToken
            | Self::ReuseExceeded
            | Self::FamilyEnded
            | Self::UserDisabled => (S::BAD_REQUEST, Some(InvalidGrant)),

            Self::Service(status) => match status.code() {
                GrpcCode::Unavailable | GrpcCode::DeadlineExceeded | GrpcCode::ResourceExhausted => {
                    (S::SERVICE_UNAVAILABLE, Some(TemporarilyUnavailable))
                }
                _ => (S::INTERNAL_SERVER_ERROR, Some(UnknownError)),
            },
            Self::IncompleteAnswer(_) => (S::INTERNAL_SERVER_ERROR, Some(UnknownError)),
        }
    }

    /// The answer. An error of ours is logged here, once, with the request's id.
    pub(crate) fn response(&self, request_id: &str, caching: Caching) -> Response {
        let (status, code) = self.kind();
        match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                tracing::warn!(request.id = request_id, cause = %self, "a service is away")
            }
            status if status.is_server_error() => {
                tracing::error!(request.id = request_id, cause = %self, "a request failed");
            }
            _ => {
                tracing::debug!(request.id = request_id, status = status.as_u16(), cause = %self, "a request was refused")
            }
        }

        let mut body = JsonObject::with_capacity(128);
        match code {
            None => body.text("error", &self.to_string()),
            Some(code) => {
                body.plain("error", code.as_str());
                match code {
                    Code::UnknownError => {
                        body.plain("error_description", "For more on this error consult the server log.");
                    }
                    Code::TemporarilyUnavailable if status == StatusCode::SERVICE_UNAVAILABLE => {
                        body.plain("error_description", "The server cannot do this now, try again later");
                    }
                    _ => body.text("error_description", &self.to_string()),
                }
            }
        }
        let mut response = Response::new(Body::from(body.finish()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Self::TooManyRequests { retry_after_s } = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
        }
        if let Self::DpopNonce(nonce) = self
            && let Ok(nonce) = HeaderValue::from_str(nonce)
        {
            headers.insert(DPOP_NONCE, nonce);
        }
        if caching == Caching::NoStore && code.is_some() {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        }
        response
    }

    /// What the registry's refusal to authenticate a client means here.
    pub(crate) fn from_refusal(refusal: &Refusal) -> Self {
        use refusal::Reason;
        let detail = || refusal.detail.clone();
        match refusal.reason() {
            Reason::Unspecified => Self::IncompleteAnswer("the reason of a refusal"),
            Reason::RealmNotFound => Self::RealmNotFound,
            Reason::RealmDisabled => Self::RealmDisabled,
            Reason::ClientNotGiven | Reason::ClientNotFound | Reason::ClientDisabled => Self::ClientUnknown,
            Reason::InvalidCredentials if refusal.detail.is_empty() => Self::ClientCredentialsInvalid,
            Reason::InvalidCredentials => Self::AssertionMacInvalid(detail()),
            Reason::BearerOnly => Self::BearerOnly,
            Reason::AssertionTypeMissing => Self::AssertionTypeMissing,
            Reason::InvalidAssertion => Self::AssertionInvalid(detail()),
            Reason::ClientIdMissing => Self::ClientIdMissing,
        }
    }

    /// The `error` of Keycloak's login event for it.
    pub(crate) fn event_error(&self) -> &'static str {
        match self {
            Self::RealmDisabled => "realm_disabled",
            Self::ClientUnknown => "client_not_found",
            Self::ClientCredentialsInvalid
            | Self::CallerCredentialsInvalid
            | Self::BasicEscapeInvalid
            | Self::AssertionTypeMissing
            | Self::ClientIdMissing
            | Self::AssertionInvalid(_)
            | Self::AssertionMacInvalid(_) => "invalid_client_credentials",
            Self::BearerOnly | Self::ServiceAccountOff | Self::PublicClient | Self::CallerNotAllowed => {
                "invalid_client"
            }
            Self::DirectAccessOff
            | Self::GrantNotAllowed(_)
            | Self::PublicClientExchange
            | Self::CertificateOfAnother
            | Self::ActorNotAllowed
            | Self::NotInAudience => "not_allowed",
            Self::AudienceNotFound => "audience_not_found",
            Self::Dpop(_) | Self::DpopNonce(_) => "invalid_dpop_proof",
            Self::UserCredentialsInvalid => "invalid_user_credentials",
            Self::ServiceAccountDisabled(_) | Self::UserDisabled | Self::AccountDisabled => "user_disabled",
            Self::ServiceAccountMissing => "user_not_found",
            Self::AccountNotSetUp => "resolve_required_actions",
            Self::CodeInvalid => "invalid_code",
            Self::RefreshTokenMissing
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenOfAnotherClient
            | Self::TokenNotActive
            | Self::SessionNotActive
            | Self::StaleToken
            | Self::ReuseExceeded
            | Self::FamilyEnded
            | Self::TokenToRevokeMissing
            | Self::TokenOfAnotherClient
            | Self::SubjectTokenInvalid
            | Self::ActorTokenInvalid
            | Self::TokenToIntrospectMissing => "invalid_token",
            _ => "invalid_request",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_have_keycloaks_shape() {
        for (error, status, body) in [
            (Error::RealmNotFound, 404, r#"{"error":"Realm does not exist"}"#),
            (
                Error::InvalidScope("a \"b\"".to_owned()),
                400,
                r#"{"error":"invalid_scope","error_description":"Invalid scopes: a \"b\""}"#,
            ),
            (
                Error::Service(tonic::Status::internal("select * from secrets")),
                500,
                r#"{"error":"unknown_error","error_description":"For more on this error consult the server log."}"#,
            ),
        ] {
            let response = error.response("1", Caching::NoStore);
            assert_eq!(response.status().as_u16(), status);
            let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
            assert_eq!(bytes, body);
        }
    }

    #[test]
    fn too_many_requests_are_told_when_to_come_again() {
        let response = Error::TooManyRequests { retry_after_s: 7 }.response("1", Caching::NoStore);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
    }

    #[test]
    fn a_service_that_is_away_is_a_503_with_retry_after() {
        let response = Error::Service(tonic::Status::unavailable("redis")).response("1", Caching::NoStore);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }
}
