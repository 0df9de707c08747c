//! What an account may carry to a client: role-mapping decides, its refusals become errors here.

use super::error::Error;
use crate::{App, request_context::RequestContext};
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{
        Resolution, ResolveRefusal, ResolveRequest, resolve_refusal::Reason, resolve_request::Account,
        resolve_response::Outcome,
    },
};
use std::collections::BTreeMap;
use tonic::Request;

/// A client attribute: access tokens carry only the core claims.
pub(crate) const LIGHTWEIGHT: &str = "client.use.lightweight.access.token.enabled";

/// Asks role-mapping; a refusal is returned as it is, since its meaning depends on the grant.
pub(crate) async fn resolve(
    app: &App,
    request: ResolveRequest,
) -> Result<Result<Resolution, ResolveRefusal>, Error> {
    let answer = app.services.roles.resolve(Request::new(request)).await?.into_inner();
    match answer.outcome {
        Some(Outcome::Resolution(resolution)) => Ok(Ok(resolution)),
        Some(Outcome::Refusal(refusal)) => Ok(Err(refusal)),
        None => Err(Error::IncompleteAnswer("an outcome of role resolution")),
    }
}

/// A request for the claims of an access token of `client` for `account`.
pub(crate) fn access_token_request(client: &Client, account: Account) -> ResolveRequest {
    ResolveRequest {
        realm_id: client.realm_id.clone(),
        client_uuid: client.id.clone(),
        account: Some(account),
        web_origins: client.web_origins.clone(),
        access_token: true,
        lightweight: is_true(client, LIGHTWEIGHT),
        ..ResolveRequest::default()
    }
}

/// The values behind the mappers `Client Host`, `Client IP Address` and `Client ID` of a service account.
pub(crate) fn service_account_notes(client: &Client, address: String) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("clientHost".to_owned(), address.clone()),
        ("clientAddress".to_owned(), address),
        ("client_id".to_owned(), client.client_id.clone()),
    ])
}

/// The same for the client that this request comes from.
pub(crate) fn request_notes(client: &Client, context: &RequestContext) -> BTreeMap<String, String> {
    service_account_notes(client, context.client_address().to_owned())
}

/// Whether a client attribute is switched on.
pub(crate) fn is_true(client: &Client, attribute: &str) -> bool {
    client.attributes.get(attribute).is_some_and(|value| value == "true")
}

/// Whether a space-separated list of scopes has `scope`.
pub(crate) fn has_scope(scopes: &str, scope: &str) -> bool {
    scopes.split_ascii_whitespace().any(|given| given == scope)
}

/// What a refusal means to a grant for the client's own service account.
pub(crate) fn service_account_error(refusal: ResolveRefusal, scope: Option<&str>) -> Error {
    match refusal.reason() {
        Reason::InvalidScope => Error::InvalidScope(scope.unwrap_or_default().to_owned()),
        Reason::AccountNotFound => Error::ServiceAccountMissing,
        Reason::AccountDisabled => Error::ServiceAccountDisabled(refusal.detail),
        Reason::ClientNotFound => Error::ClientUnknown,
        Reason::AudienceNotAvailable => Error::InvalidTarget(refusal.detail),
        Reason::Unspecified => Error::IncompleteAnswer("the reason of a refusal"),
    }
}

/// What a refusal means to a grant for a user who has proven who they are, now or at an earlier time.
pub(crate) fn user_error(refusal: ResolveRefusal, scope: Option<&str>) -> Error {
    match refusal.reason() {
        Reason::AccountNotFound => Error::RefreshTokenInvalid,
        Reason::AccountDisabled => Error::UserDisabled,
        _ => service_account_error(refusal, scope),
    }
}
