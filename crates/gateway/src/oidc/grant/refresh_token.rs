//! `grant_type=refresh_token`, RFC 6749 section 6: the next tokens of a session.

use super::{Grant, TokenRequest};
use crate::{
    address::base_url,
    oidc::{
        binding::Confirmation,
        compatibility, dpop,
        error::Error,
        issue::{Issuance, OpenedSession, TokenAnswer, TokenForm, issue, new_refresh_jti},
        resolve::{access_token_request, has_scope, request_notes, resolve, user_error},
        resource::narrowed_audience,
        session_lifetime::session_bounds,
    },
};
use latchkey_api::{
    issuer::v1::{VerifiedToken, VerifyRequest, verify_response},
    roles::v1::{ResolveRequest, resolve_request::Account},
    session::v1::{CheckRequest, RotateRequest, Session, SessionKind, rotate_response},
};
use tonic::Request;

/// New tokens for the session of a refresh token; the roles are those that the account has now.
pub(crate) async fn refresh_token(request: &TokenRequest<'_>) -> Result<TokenAnswer, Error> {
    let TokenRequest { app, context, form, realm, client, .. } = request;
    let token = form.get("refresh_token").ok_or(Error::RefreshTokenMissing)?;
    let token = verify(request, token).await?;
    if token.azp != client.client_id {
        return Err(Error::RefreshTokenOfAnotherClient);
    }
    if token.issued_at_s < realm.not_before_s.max(client.not_before_s) {
        return Err(Error::StaleToken);
    }
    let bound = Confirmation::of(&token.claims)?;
    if bound.jkt.as_ref().is_some_and(|jkt| request.binding.as_ref().is_none_or(|proven| proven.jkt != *jkt))
    {
        return Err(dpop::Fault::AnotherKey.into());
    }
    if !bound.fits_certificate(client, context) {
        return Err(Error::CertificateOfAnother);
    }

    // Tokens of `admin-cli` name no subject: their session does.
    let user_id = match token.subject.as_str() {
        "" => session(request, &token).await?.user_id,
        subject => subject.to_owned(),
    };
    let scope = form.get("scope");
    let classic = compatibility::is_classic(realm) && client.service_accounts_enabled;
    let openid = has_scope(scope.unwrap_or(&token.scope), "openid") && has_scope(&token.scope, "openid");
    let wanted = ResolveRequest {
        scope: scope.map(str::to_owned),
        granted_scope: Some(token.scope.clone()),
        notes: if client.service_accounts_enabled {
            request_notes(client, context)
        } else {
            Default::default()
        },
        audience: narrowed_audience(client, form)?,
        id_token: classic || openid,
        ..access_token_request(client, Account::UserId(user_id.clone()))
    };
    // The token is spent only after all that can refuse it has agreed.
    let mut resolution = match resolve(app, wanted).await? {
        Ok(resolution) => resolution,
        Err(refusal) => {
            session(request, &token).await?;
            return Err(user_error(refusal, scope));
        }
    };
    if resolution.account.as_ref().is_some_and(|account| token.issued_at_s < account.not_before_s) {
        session(request, &token).await?;
        return Err(Error::StaleToken);
    }

    resolution.granted_scope = united(&token.scope, &resolution.granted_scope);
    let session = rotate(request, &token, user_id).await?;
    issue(
        request,
        Issuance {
            grant: Grant::RefreshToken,
            resolution,
            session: Some(session),
            form: TokenForm::plain_or_classic(classic),
        },
    )
    .await
}

/// All scopes of both. RFC 6749 section 6: a refresh that asks for less takes nothing from the refresh tokens that follow.
fn united(granted: &str, today: &str) -> String {
    let mut all = granted.to_owned();
    for scope in today.split_whitespace().filter(|scope| !has_scope(granted, scope)) {
        all.push(' ');
        all.push_str(scope);
    }
    all
}

/// The claims of a refresh token that this realm has issued and that has not expired.
async fn verify(request: &TokenRequest<'_>, token: &str) -> Result<VerifiedToken, Error> {
    let TokenRequest { app, context, realm, .. } = request;
    let asked = VerifyRequest { realm_id: realm.id.clone(), token: token.to_owned(), allow_expired: false };
    let answer = app.services.issuer.verify(Request::new(asked)).await?.into_inner();
    match answer.outcome {
        Some(verify_response::Outcome::Verified(token))
            if is_refresh(&token) && token.issuer == base_url::issuer(&app.config, context, realm) =>
        {
            Ok(token)
        }
        Some(verify_response::Outcome::Fault(fault)) if fault == verify_response::Fault::NotActive as i32 => {
            Err(Error::TokenNotActive)
        }
        Some(_) => Err(Error::RefreshTokenInvalid),
        None => Err(Error::IncompleteAnswer("an outcome of verification")),
    }
}

/// Whether a token is a refresh token, of an online or offline session.
pub(crate) fn is_refresh(token: &VerifiedToken) -> bool {
    matches!(token.token_type.as_str(), "Refresh" | "Offline")
}

/// The session of a refresh token, which must be alive.
async fn session(request: &TokenRequest<'_>, token: &VerifiedToken) -> Result<Session, Error> {
    let asked = CheckRequest {
        realm_id: request.realm.id.clone(),
        session_id: token.session_id.clone(),
        client_uuid: request.client.id.clone(),
        jti: String::new(),
    };
    let answer = request.app.services.sessions.check(Request::new(asked)).await?.into_inner();
    answer.session.filter(|_| answer.session_active).ok_or(Error::SessionNotActive)
}

/// Spends the refresh token for the next one of its family.
async fn rotate(
    request: &TokenRequest<'_>,
    token: &VerifiedToken,
    user_id: String,
) -> Result<OpenedSession, Error> {
    let TokenRequest { app, realm, client, .. } = request;
    let kind = if token.token_type == "Offline" { SessionKind::Offline } else { SessionKind::Online };
    let bounds = session_bounds(realm, client, kind);
    let refresh_jti = new_refresh_jti();
    let asked = RotateRequest {
        realm_id: realm.id.clone(),
        session_id: token.session_id.clone(),
        client_uuid: client.id.clone(),
        refresh_jti: token.jti.clone(),
        issued_at_s: token.issued_at_s,
        next_refresh_jti: refresh_jti.clone(),
        revoke_on_use: realm.revoke_refresh_token,
        max_reuse: realm.refresh_token_max_reuse,
        idle_s: bounds.idle_s,
        max_s: bounds.max_s,
        user_id,
    };
    let answer = app.services.sessions.rotate(Request::new(asked)).await?.into_inner();
    use rotate_response::{Outcome, Refusal};
    match answer.outcome {
        Some(Outcome::Rotated(rotated)) => Ok(OpenedSession {
            id: token.session_id.clone(),
            kind,
            refresh_jti,
            refresh_expires_in_s: rotated.refresh_expires_in_s,
            session_expires_in_s: rotated.session_expires_in_s,
            gives_refresh_token: true,
        }),
        Some(Outcome::Refusal(refusal)) => Err(match Refusal::try_from(refusal) {
            Ok(Refusal::SessionNotActive) => Error::SessionNotActive,
            Ok(Refusal::ReuseExceeded) => Error::ReuseExceeded,
            Ok(Refusal::FamilyEnded) => Error::FamilyEnded,
            Ok(Refusal::Stale) => Error::StaleToken,
            Ok(Refusal::Unspecified) | Err(_) => Error::IncompleteAnswer("the reason of a refusal"),
        }),
        None => Err(Error::IncompleteAnswer("an outcome of rotation")),
    }
}
