//! The grants, one story per file.

pub(crate) mod client_credentials;
mod delegation;
pub(crate) mod jwt_bearer;
pub(crate) mod password;
pub(crate) mod refresh_token;
pub(crate) mod token_exchange;

use super::{binding::CertificateBinding, dpop::Binding, error::Error, form::Form, issue::TokenAnswer};
use crate::{App, request_context::RequestContext};
use latchkey_api::registry::v1::{Client, Realm};

/// A token request whose client is authenticated and whose form is sound: what every grant starts from.
pub(crate) struct TokenRequest<'a> {
    pub(crate) app: &'a App,
    pub(crate) context: &'a RequestContext,
    pub(crate) form: &'a Form<'a>,
    pub(crate) realm: &'a Realm,
    pub(crate) client: &'a Client,
    /// The key that the request has proven to hold (DPoP): what is given is bound to it.
    pub(crate) binding: Option<Binding>,
    /// The certificate that what is given is bound to, where the client asks for that.
    pub(crate) certificate: CertificateBinding<'a>,
}

/// The grants that have a name here. Keycloak knows more than Latchkey gives: those are refused in Keycloak's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 6749 section 6.
    RefreshToken,
    /// RFC 6749 section 4.3.
    Password,
    /// RFC 8693.
    TokenExchange,
    /// RFC 7523 section 2.1.
    JwtBearer,
    /// RFC 6749 section 4.1: no client can have a code.
    AuthorizationCode,
    /// RFC 8628.
    DeviceCode,
    /// OpenID Connect CIBA.
    Ciba,
    /// UMA 2.0.
    UmaTicket,
}

impl Grant {
    /// The grant that a `grant_type` names; the case of letters counts.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "client_credentials" => Self::ClientCredentials,
            "refresh_token" => Self::RefreshToken,
            "password" => Self::Password,
            "urn:ietf:params:oauth:grant-type:token-exchange" => Self::TokenExchange,
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => Self::JwtBearer,
            "authorization_code" => Self::AuthorizationCode,
            "urn:ietf:params:oauth:grant-type:device_code" => Self::DeviceCode,
            "urn:openid:params:grant-type:ciba" => Self::Ciba,
            "urn:ietf:params:oauth:grant-type:uma-ticket" => Self::UmaTicket,
            _ => return None,
        })
    }

    pub(crate) async fn run(self, request: &TokenRequest<'_>) -> Result<TokenAnswer, Error> {
        match self {
            Self::ClientCredentials => client_credentials::client_credentials(request).await,
            Self::RefreshToken => refresh_token::refresh_token(request).await,
            Self::Password => password::password(request).await,
            Self::TokenExchange => token_exchange::token_exchange(request).await,
            Self::JwtBearer => jwt_bearer::jwt_bearer(request).await,
            Self::AuthorizationCode => Err(match request.form.get("code") {
                Some(_) => Error::CodeInvalid,
                None => Error::MissingParameter("code"),
            }),
            Self::DeviceCode => {
                Err(Error::GrantNotAllowed("Client not allowed OAuth 2.0 Device Authorization Grant"))
            }
            Self::Ciba => Err(Error::GrantNotAllowed("Client not allowed OIDC CIBA Grant")),
            Self::UmaTicket => Err(Error::GrantNotAllowed("Client does not support permissions")),
        }
    }

    /// Keycloak's type of the login event, and of a failed one.
    pub(crate) fn event_types(self) -> (&'static str, &'static str) {
        match self {
            Self::ClientCredentials => ("CLIENT_LOGIN", "CLIENT_LOGIN_ERROR"),
            Self::RefreshToken => ("REFRESH_TOKEN", "REFRESH_TOKEN_ERROR"),
            Self::Password | Self::JwtBearer => ("LOGIN", "LOGIN_ERROR"),
            Self::TokenExchange => ("TOKEN_EXCHANGE", "TOKEN_EXCHANGE_ERROR"),
            Self::AuthorizationCode | Self::DeviceCode | Self::Ciba => {
                ("CODE_TO_TOKEN", "CODE_TO_TOKEN_ERROR")
            }
            Self::UmaTicket => ("PERMISSION_TOKEN", "PERMISSION_TOKEN_ERROR"),
        }
    }

    /// The letters that stand for it in the jti of an access token.
    pub(crate) fn jti_letters(self) -> &'static str {
        match self {
            Self::RefreshToken => "rt",
            Self::Password => "ro",
            Self::TokenExchange => "te",
            Self::JwtBearer => "ag",
            _ => "cc",
        }
    }
}
