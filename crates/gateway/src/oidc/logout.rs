//! `POST /realms/{realm}/protocol/openid-connect/logout`: a client ends the session of its refresh token, out of band.

use super::{
    authenticate::{AuthenticatedClient, authenticate},
    binding::Confirmation,
    cors,
    error::{Caching, Error},
    form::Form,
    form_request::FormRequest,
    grant::refresh_token::is_refresh,
};
use crate::{App, address::base_url, login_events::LoginAttempt, request_context::RequestContext};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use latchkey_api::{
    issuer::v1::{VerifyRequest, verify_response::Outcome},
    session::v1::EndRequest,
};
use tonic::Request;

/// The session that was ended, for the event.
struct Ended {
    user_id: String,
    session_id: String,
}

/// Ends a session. One that has ended before is ended again: 204.
pub(crate) async fn logout(State(app): State<App>, request: FormRequest) -> Response {
    let FormRequest { context, realm_name, headers, body, .. } = request;
    let form = body.form();
    let caller = match authenticate(&app, &context, &realm_name, &headers, &form).await {
        Ok(caller) => caller,
        Err(refused) => return refused.error.response(context.id(), Caching::Unsaid),
    };
    let ended = ended(&app, &context, &caller, &form).await;
    if caller.realm.events_enabled {
        let mut attempt = LoginAttempt::new(&context, &caller.client.client_id);
        let event = match &ended {
            Ok(session) => {
                attempt.user_id = session.user_id.clone();
                attempt.session_id = session.session_id.clone();
                "LOGOUT"
            }
            Err(error) => {
                attempt.error = error.event_error();
                "LOGOUT_ERROR"
            }
        };
        app.login_events.record(&caller.realm, event, attempt);
    }
    let response = match ended {
        Ok(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        Err(error) => error.response(context.id(), Caching::Unsaid),
    };
    match cors::origin(&headers) {
        Some(origin) if cors::is_allowed(origin, &caller.client) => cors::expose(response, origin),
        _ => response,
    }
}

async fn ended(
    app: &App,
    context: &RequestContext,
    caller: &AuthenticatedClient,
    form: &Form<'_>,
) -> Result<Ended, Error> {
    if form.has_duplicates() {
        return Err(Error::DuplicatedParameter);
    }
    let token = form.get("refresh_token").ok_or(Error::RefreshTokenMissing)?;
    let (realm, client) = (&caller.realm, &caller.client);
    // An expired token still says which session to end.
    let asked = VerifyRequest { realm_id: realm.id.clone(), token: token.to_owned(), allow_expired: true };
    let answer = app.services.issuer.verify(Request::new(asked)).await?.into_inner();
    let token = match answer.outcome {
        Some(Outcome::Verified(token))
            if is_refresh(&token) && token.issuer == base_url::issuer(&app.config, context, realm) =>
        {
            token
        }
        Some(_) => return Err(Error::RefreshTokenInvalid),
        None => return Err(Error::IncompleteAnswer("an outcome of verification")),
    };
    if token.azp != client.client_id {
        return Err(Error::RefreshTokenOfAnotherClient);
    }
    if !Confirmation::of(&token.claims)?.fits_certificate(client, context) {
        return Err(Error::CertificateOfAnother);
    }
    let asked = EndRequest { realm_id: realm.id.clone(), session_id: token.session_id.clone() };
    app.services.sessions.end(Request::new(asked)).await?;
    Ok(Ended { user_id: token.subject, session_id: token.session_id })
}
