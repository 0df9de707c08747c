//! `POST /realms/{realm}/protocol/openid-connect/token`, RFC 6749 section 3.2.
//!
//! The order of the checks is Keycloak's: the realm exists and is enabled, `grant_type` is there and known, the client is who it
//! says, no parameter is repeated, then what the grant asks for.

use super::{
    authenticate::{AuthenticatedClient, Refused, authenticate},
    binding::CertificateBinding,
    cors,
    dpop::{self, ProvenRequest},
    error::{Caching, Error},
    form::Form,
    form_request::FormRequest,
    grant::{Grant, TokenRequest},
    issue::TokenAnswer,
    realm,
    resolve::is_true,
};
use crate::{App, login_events::LoginAttempt, request_context::RequestContext};
use axum::{
    extract::State,
    http::{HeaderMap, Method},
    response::Response,
};
use latchkey_api::session::v1::SessionKind;

/// Answers a token request.
pub(crate) async fn token(State(app): State<App>, request: FormRequest) -> Response {
    let FormRequest { context, realm_name, uri, headers, body } = request;
    let form = body.form();
    let failed = |error: Error| error.response(context.id(), Caching::NoStore);

    let grant = match named_grant(&form) {
        Ok(grant) => grant,
        Err(error) => return failed(realm::find_enabled(&app, &realm_name).await.err().unwrap_or(error)),
    };
    let origin = cors::origin(&headers);
    let caller = match authenticate(&app, &context, &realm_name, &headers, &form).await {
        Ok(caller) => caller,
        Err(refused) => {
            record_refusal(&app, &context, grant, &form, &refused);
            let response = failed(refused.error);
            return match origin {
                Some(origin) if cors::is_listed(origin, &refused.web_origins) => {
                    cors::expose(response, origin)
                }
                _ => response,
            };
        }
    };
    if origin.is_some_and(|origin| !cors::is_allowed(origin, &caller.client)) {
        return failed(Error::InvalidOrigin);
    }

    let counted = match app.limits.count_token(&caller.realm, &caller.client) {
        Ok(counted) => counted,
        Err(limited) => return failed(limited.into()),
    };
    let mut answered = answer(&app, &context, grant, &form, (&headers, uri.path()), &caller).await;
    if answered.is_err() {
        counted.give_back();
    }
    record(&app, &context, grant, &form, &caller, &answered);
    let response = match &mut answered {
        Ok(answer) => answer.response(),
        Err(error) => error.response(context.id(), Caching::NoStore),
    };
    match origin {
        Some(origin) => cors::expose(response, origin),
        None => response,
    }
}

fn named_grant(form: &Form<'_>) -> Result<Grant, Error> {
    let name = form.get("grant_type").ok_or(Error::GrantTypeMissing)?;
    Grant::from_name(name).ok_or(Error::GrantTypeUnknown)
}

async fn answer(
    app: &App,
    context: &RequestContext,
    grant: Grant,
    form: &Form<'_>,
    (headers, path): (&HeaderMap, &str),
    caller: &AuthenticatedClient,
) -> Result<TokenAnswer, Error> {
    if form.has_duplicates() {
        return Err(Error::DuplicatedParameter);
    }
    let proven = ProvenRequest {
        app,
        context,
        realm_id: &caller.realm.id,
        headers,
        method: Method::POST,
        path,
        access_token: None,
        nonce: is_true(&caller.client, dpop::nonce::REQUIRED),
    };
    let binding = dpop::binding(&proven).await?;
    if binding.is_none() && is_true(&caller.client, dpop::BOUND_TOKENS_ONLY) {
        return Err(dpop::Fault::Missing.into());
    }
    let (realm, client) = (&caller.realm, &caller.client);
    let certificate = CertificateBinding::of(client, context);
    let request = TokenRequest { app, context, form, realm, client, binding, certificate };
    grant.run(&request).await
}

/// Tells the audit of a grant that was given or refused, where the realm keeps events.
fn record(
    app: &App,
    context: &RequestContext,
    grant: Grant,
    form: &Form<'_>,
    caller: &AuthenticatedClient,
    answered: &Result<TokenAnswer, Error>,
) {
    if !caller.realm.events_enabled {
        return;
    }
    let (given, refused) = grant.event_types();
    let mut attempt = LoginAttempt::new(context, &caller.client.client_id);
    attempt.detail("grant_type", form.get("grant_type").unwrap_or_default());
    match answered {
        Ok(answer) => {
            attempt.user_id = answer.user_id.clone();
            attempt.detail("token_id", &answer.jti);
            attempt.detail("scope", &answer.scope);
            attempt.detail("client_auth_method", &caller.method);
            attempt.detail("username", &answer.username);
            if let Some(session) = &answer.session {
                attempt.session_id = session.id.clone();
                let offline = session.kind == SessionKind::Offline;
                attempt.detail("refresh_token_type", if offline { "Offline" } else { "Refresh" });
                let refresh_id = if grant == Grant::RefreshToken {
                    "updated_refresh_token_id"
                } else {
                    "refresh_token_id"
                };
                attempt.detail(refresh_id, &session.refresh_jti);
            }
            app.login_events.record(&caller.realm, given, attempt);
        }
        Err(error) => {
            attempt.error = error.event_error();
            app.login_events.record(&caller.realm, refused, attempt);
        }
    }
}

/// Tells the audit of a client that was not authenticated.
fn record_refusal(app: &App, context: &RequestContext, grant: Grant, form: &Form<'_>, refused: &Refused) {
    // Who is only told to wait (with no realm named) would fill the events.
    let Some(realm) = refused.realm.as_ref().filter(|realm| realm.events_enabled) else { return };
    let mut attempt = LoginAttempt::new(context, &refused.client_id);
    attempt.detail("grant_type", form.get("grant_type").unwrap_or_default());
    attempt.error = refused.error.event_error();
    app.login_events.record(realm, grant.event_types().1, attempt);
}
