//! `POST /realms/{realm}/protocol/openid-connect/revoke`, RFC 7009. Revoking a refresh token ends its session, revoking an access
//! token ends that token alone. Hints are ignored, as the RFC allows.

use super::{
    authenticate::{AuthenticatedClient, authenticate},
    cors,
    error::{Caching, Error},
    form::Form,
    form_request::FormRequest,
    grant::refresh_token::is_refresh,
    live_token::{Lapsed, check, verify},
};
use crate::{App, address::base_url, login_events::LoginAttempt, request_context::RequestContext};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use latchkey_api::session::v1::{EndRequest, RevokeTokenRequest};
use tonic::Request;

/// The answer for a token that is unknown or dead already; its status is 200 (RFC 7009 section 2.2).
const INVALID_TOKEN: &str = r#"{"error":"invalid_token","error_description":"Invalid token"}"#;

/// What became of the token.
enum Revocation {
    Done,
    NothingToRevoke,
}

/// Revokes a token.
pub(crate) async fn revoke(State(app): State<App>, request: FormRequest) -> Response {
    let FormRequest { context, realm_name, headers, body, .. } = request;
    let form = body.form();
    let caller = match authenticate(&app, &context, &realm_name, &headers, &form).await {
        Ok(caller) => caller,
        Err(refused) => return refused.error.response(context.id(), Caching::Unsaid),
    };
    let revoked = revoked(&app, &context, &caller, &form).await;
    if caller.realm.events_enabled {
        let mut attempt = LoginAttempt::new(&context, &caller.client.client_id);
        attempt.detail("client_auth_method", &caller.method);
        let event = match &revoked {
            Ok(Revocation::Done) => "REVOKE_GRANT",
            Ok(Revocation::NothingToRevoke) => {
                attempt.error = "invalid_token";
                "REVOKE_GRANT_ERROR"
            }
            Err(error) => {
                attempt.error = error.event_error();
                "REVOKE_GRANT_ERROR"
            }
        };
        app.login_events.record(&caller.realm, event, attempt);
    }
    let response = match revoked {
        Ok(Revocation::Done) => Response::new(Body::empty()),
        Ok(Revocation::NothingToRevoke) => {
            let mut response = Response::new(Body::from(INVALID_TOKEN));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(error) => error.response(context.id(), Caching::Unsaid),
    };
    match cors::origin(&headers) {
        Some(origin) if cors::is_allowed(origin, &caller.client) => cors::expose(response, origin),
        _ => response,
    }
}

async fn revoked(
    app: &App,
    context: &RequestContext,
    caller: &AuthenticatedClient,
    form: &Form<'_>,
) -> Result<Revocation, Error> {
    if form.has_duplicates() {
        return Err(Error::DuplicatedParameter);
    }
    let token = form.get("token").ok_or(Error::TokenToRevokeMissing)?;
    let (realm, client) = (&caller.realm, &caller.client);
    let issuer = base_url::issuer(&app.config, context, realm);
    let token = match verify(app, realm, &issuer, token).await {
        Ok(token) => token,
        Err(Lapsed::Failed(error)) => return Err(error),
        Err(_) => return Ok(Revocation::NothingToRevoke),
    };
    if token.azp != client.client_id {
        return Err(Error::TokenOfAnotherClient);
    }
    if !is_refresh(&token) && !matches!(token.token_type.as_str(), "Bearer" | "DPoP") {
        return Err(Error::TokenTypeNotRevocable);
    }
    let token = match check(app, realm, token).await {
        Ok(live) => live.token,
        Err(Lapsed::Failed(error)) => return Err(error),
        Err(_) => return Ok(Revocation::NothingToRevoke),
    };
    if is_refresh(&token) {
        let asked = EndRequest { realm_id: realm.id.clone(), session_id: token.session_id };
        app.services.sessions.end(Request::new(asked)).await?;
    } else {
        let asked = RevokeTokenRequest {
            realm_id: realm.id.clone(),
            jti: token.jti,
            expires_at_s: token.expires_at_s,
        };
        app.services.sessions.revoke_token(Request::new(asked)).await?;
    }
    Ok(Revocation::Done)
}
