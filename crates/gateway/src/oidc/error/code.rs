//! The codes of errors.

/// The `error` of an answer. RFC 6749 section 5.2 and the RFCs beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// "The request is missing a required parameter, includes an unsupported parameter value, repeats a parameter, ..."
    InvalidRequest,
    /// "Client authentication failed (e.g., unknown client, no client authentication included, ...)."
    InvalidClient,
    /// "The provided authorization grant or refresh token is invalid, expired, revoked, ... or was issued to another client."
    InvalidGrant,
    /// "The authenticated client is not authorized to use this authorization grant type."
    UnauthorizedClient,
    /// "The authorization grant type is not supported by the authorization server."
    UnsupportedGrantType,
    /// "The requested scope is invalid, unknown, malformed, or exceeds the scope granted."
    InvalidScope,
    /// RFC 8707 section 2: "The requested resource is invalid, missing, unknown, or malformed."
    InvalidTarget,
    /// RFC 9449 section 8: the proof is to be made again, with the nonce of the answer's header.
    UseDpopNonce,
    /// RFC 6749 section 4.1.2.1: "The resource owner or authorization server denied the request."
    AccessDenied,
    /// RFC 7009 section 2.2.1.
    UnsupportedTokenType,
    /// RFC 6749 section 4.1.2.1: an overload or maintenance; here with status 503 and `Retry-After`.
    TemporarilyUnavailable,
    /// Keycloak's word for a fault of its own.
    UnknownError,
}

impl Code {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnknownError => "unknown_error",
        }
    }
}
