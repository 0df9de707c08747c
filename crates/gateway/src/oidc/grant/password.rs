//! `grant_type=password`, RFC 6749 section 4.3: administrators sign in at `admin-cli`, and clients with direct access grants.

use super::{Grant, TokenRequest};
use crate::oidc::{
    error::Error,
    issue::{Issuance, TokenAnswer, TokenForm, issue, open_session},
    resolve::{access_token_request, has_scope, resolve, user_error},
};
use latchkey_api::{
    roles::v1::{ResolveRequest, User, VerifyPasswordRequest, resolve_request::Account},
    session::v1::SessionKind,
};
use tonic::Request;

/// A client attribute: no refresh tokens from the grants of users (`false`; on unless set).
const USE_REFRESH_TOKENS: &str = "use.refresh.tokens";

/// A token for the user who gives their password.
pub(crate) async fn password(request: &TokenRequest<'_>) -> Result<TokenAnswer, Error> {
    let TokenRequest { app, form, client, .. } = request;
    if !client.direct_access_grants_enabled {
        return Err(Error::DirectAccessOff);
    }
    let user = verified_user(request).await?;

    let scope = form.get("scope");
    let wanted = ResolveRequest {
        scope: scope.map(str::to_owned),
        id_token: scope.is_some_and(|scope| has_scope(scope, "openid")),
        ..access_token_request(client, Account::UserId(user.id))
    };
    let resolution = resolve(app, wanted).await?.map_err(|refusal| user_error(refusal, scope))?;

    let kind = if resolution.offline_access { SessionKind::Offline } else { SessionKind::Online };
    let mut session = open_session(request, kind, &resolution).await?;
    session.gives_refresh_token =
        client.attributes.get(USE_REFRESH_TOKENS).is_none_or(|value| value != "false");
    issue(
        request,
        Issuance { grant: Grant::Password, resolution, session: Some(session), form: TokenForm::Plain },
    )
    .await
}

/// The user, once their password is right and nothing keeps them from signing in.
async fn verified_user(request: &TokenRequest<'_>) -> Result<User, Error> {
    let TokenRequest { app, form, realm, .. } = request;
    let username = form.get_nonempty("username").ok_or(Error::MissingParameter("username"))?;
    let password = form.get_nonempty("password").ok_or(Error::UserCredentialsInvalid)?;
    let asked = VerifyPasswordRequest {
        realm_id: realm.id.clone(),
        username: username.to_owned(),
        password: password.to_owned(),
    };
    let answer = app.services.roles.verify_password(Request::new(asked)).await?.into_inner();
    let user = answer.user.ok_or(Error::UserCredentialsInvalid)?;
    if !user.enabled {
        return Err(Error::AccountDisabled);
    }
    if !user.required_actions.is_empty() {
        return Err(Error::AccountNotSetUp);
    }
    Ok(user)
}
