//! `grant_type=client_credentials`, RFC 6749 section 4.4: a client gets a token for its own service account.

use super::{Grant, TokenRequest};
use crate::oidc::{
    compatibility,
    error::Error,
    issue::{Issuance, OpenedSession, TokenAnswer, TokenForm, issue, open_session},
    resolve::{access_token_request, has_scope, is_true, request_notes, resolve, service_account_error},
    resource::narrowed_audience,
};
use latchkey_api::{
    roles::v1::{ResolveRequest, resolve_request::Account},
    session::v1::SessionKind,
};

/// A client attribute: this grant gives a refresh token, and so makes a session.
const USE_REFRESH_TOKEN: &str = "client_credentials.use_refresh_token";

/// A token for the client's service account.
pub(crate) async fn client_credentials(request: &TokenRequest<'_>) -> Result<TokenAnswer, Error> {
    let TokenRequest { app, context, form, realm, client, .. } = request;
    if client.public_client {
        return Err(Error::PublicClient);
    }
    if !client.service_accounts_enabled {
        return Err(Error::ServiceAccountOff);
    }

    let classic = compatibility::is_classic(realm);
    let scope = form.get("scope");
    let wanted = ResolveRequest {
        scope: scope.map(str::to_owned),
        notes: request_notes(client, context),
        audience: narrowed_audience(client, form)?,
        id_token: classic || scope.is_some_and(|scope| has_scope(scope, "openid")),
        ..access_token_request(client, Account::ServiceAccount(true))
    };
    let resolution = resolve(app, wanted).await?.map_err(|refusal| service_account_error(refusal, scope))?;

    let session = if classic || is_true(client, USE_REFRESH_TOKEN) {
        let kind = if resolution.offline_access { SessionKind::Offline } else { SessionKind::Online };
        open_session(request, kind, &resolution).await.map(Some)?
    } else {
        None::<OpenedSession>
    };
    issue(
        request,
        Issuance {
            grant: Grant::ClientCredentials,
            resolution,
            session,
            form: TokenForm::plain_or_classic(classic),
        },
    )
    .await
}
