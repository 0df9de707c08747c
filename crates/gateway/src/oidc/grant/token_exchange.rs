//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange`, RFC 8693 by Keycloak's rules (standard token exchange): a client in
//! a token's audience trades it for one of its own, for the same account.

use super::{Grant, TokenRequest, delegation};
use crate::{
    address::base_url,
    oidc::{
        error::Error,
        issue::{Issuance, TokenAnswer, TokenForm, issue},
        live_token::{self, Lapsed, LiveToken, check, verify},
        resolve::{access_token_request, is_true, resolve},
    },
};
use latchkey_api::{
    issuer::v1::VerifiedToken,
    registry::v1::FindClientRequest,
    roles::v1::{ResolveRequest, resolve_refusal::Reason},
};
use serde::Deserialize;
use tonic::{Code, Request};

/// An attribute of the requester: it may exchange tokens.
const ENABLED: &str = "standard.token.exchange.enabled";

pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
pub(crate) const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// An attribute of the requester: `SAME_SESSION` lets it ask for refresh tokens.
const REFRESH_TOKENS: &str = "standard.token.exchange.enableRefreshRequestedTokenType";

/// A token of the requester's own for the account of the subject token.
pub(crate) async fn token_exchange(request: &TokenRequest<'_>) -> Result<TokenAnswer, Error> {
    let TokenRequest { app, context, form, realm, client, .. } = request;
    if !is_true(client, ENABLED) {
        return Err(Error::TokenExchangeOff);
    }
    if client.public_client {
        return Err(Error::PublicClientExchange);
    }
    let subject_token = form.get_nonempty("subject_token").ok_or(Error::SubjectTokenMissing)?;
    if form.get("subject_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(Error::SubjectTokenType);
    }

    let issuer = base_url::issuer(&app.config, context, realm);
    let subject = live_access_token(request, &issuer, subject_token).await.map_err(invalid_subject)?;
    require_audience(request, &subject)?;
    let form_of_token = match form.get_nonempty("requested_token_type") {
        None | Some(ACCESS_TOKEN) => TokenForm::Exchanged,
        Some(ID_TOKEN) => TokenForm::ExchangedForIdToken,
        Some(REFRESH_TOKEN)
            if client.attributes.get(REFRESH_TOKENS).is_some_and(|value| value == "SAME_SESSION") =>
        {
            return Err(match subject.session {
                None => Error::RefreshNeedsSession,
                Some(_) => Error::RequestedTokenType,
            });
        }
        Some(_) => return Err(Error::RequestedTokenType),
    };
    let audience: Vec<String> = form.all("audience").map(str::to_owned).collect();
    for client_id in &audience {
        require_client(request, client_id).await?;
    }

    let scope = form.get("scope");
    let wanted = ResolveRequest {
        scope: scope.map(str::to_owned),
        audience,
        id_token: form_of_token == TokenForm::ExchangedForIdToken,
        ..access_token_request(client, subject.account().map_err(invalid_subject)?)
    };
    let act = delegation::act(request, &issuer, &subject.token).await?;
    let mut resolution = resolve(app, wanted).await?.map_err(|refusal| match refusal.reason() {
        Reason::InvalidScope => Error::InvalidScope(scope.unwrap_or_default().to_owned()),
        Reason::AudienceNotAvailable => Error::AudienceNotAvailable(refusal.detail),
        _ => invalid_subject(live_token::from_refusal(&refusal)),
    })?;
    subject.check_account(resolution.account.clone()).map_err(invalid_subject)?;

    if let Some(act) = act {
        resolution.access_token_claims = delegation::with_act(&resolution.access_token_claims, act)?;
    }
    let session = subject.joined_session();
    issue(request, Issuance { grant: Grant::TokenExchange, resolution, session, form: form_of_token }).await
}

/// An access token of this realm that counts still.
pub(super) async fn live_access_token(
    request: &TokenRequest<'_>,
    issuer: &str,
    token: &str,
) -> Result<LiveToken, Lapsed> {
    let TokenRequest { app, realm, .. } = request;
    let token = verify(app, realm, issuer, token).await?;
    if !matches!(token.token_type.as_str(), "Bearer" | "DPoP") {
        return Err(Lapsed::Unverified);
    }
    check(app, realm, token).await
}

/// A token that is shown must have been issued to the requester, or for it.
pub(super) fn require_audience(request: &TokenRequest<'_>, live: &LiveToken) -> Result<(), Error> {
    let client_id = &request.client.client_id;
    if live.token.azp == *client_id || in_audience(&live.token, client_id)? {
        Ok(())
    } else {
        Err(Error::NotInAudience)
    }
}

fn invalid_subject(lapsed: Lapsed) -> Error {
    match lapsed {
        Lapsed::Failed(error) => error,
        _ => Error::SubjectTokenInvalid,
    }
}

/// A client that is named as an audience must exist.
async fn require_client(request: &TokenRequest<'_>, client_id: &str) -> Result<(), Error> {
    let asked = FindClientRequest { realm_id: request.realm.id.clone(), client_id: client_id.to_owned() };
    match request.app.services.registry.find_client(Request::new(asked)).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::NotFound => Err(Error::AudienceNotFound),
        Err(status) => Err(status.into()),
    }
}

fn in_audience(token: &VerifiedToken, client_id: &str) -> Result<bool, Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    #[derive(Deserialize)]
    struct Claims {
        aud: Option<Audience>,
    }
    let claims: Claims = serde_json::from_slice(&token.claims)
        .map_err(|_| Error::IncompleteAnswer("claims that are a JSON object"))?;
    Ok(match claims.aud {
        Some(Audience::One(audience)) => audience == client_id,
        Some(Audience::Many(audiences)) => audiences.iter().any(|audience| audience == client_id),
        None => false,
    })
}
