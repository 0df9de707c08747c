//! `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`, RFC 7523 section 2.1: an outside issuer that the realm trusts vouches for a
//! user who is linked to it. There is never a session or a refresh token.

use super::{Grant, TokenRequest};
use crate::oidc::{
    authenticate::{assertion_audiences, claim},
    error::Error,
    issue::{Issuance, TokenAnswer, TokenForm, issue},
    resolve::{access_token_request, has_scope, resolve, user_error},
    session_lifetime::access_token_lifespan,
};
use latchkey_api::{
    registry::v1::{
        Client, VerifiedGrant, VerifyGrantAssertionRequest, verify_grant_assertion_response::Outcome,
    },
    roles::v1::{FindFederatedUserRequest, ResolveRequest, User, resolve_request::Account},
};
use tonic::{Code, Request};

/// The client attribute that bounds its access tokens, in seconds.
const ACCESS_TOKEN_LIFESPAN: &str = "access.token.lifespan";

/// A token for the user whom the assertion is about.
pub(crate) async fn jwt_bearer(request: &TokenRequest<'_>) -> Result<TokenAnswer, Error> {
    let TokenRequest { app, form, realm, client, .. } = request;
    let assertion = form.get("assertion").ok_or_else(|| fault("Missing parameter:assertion"))?;
    let verified = verified(request, assertion).await?;
    if let Some(used_once) = &verified.used_once
        && !claim(app, realm, used_once.clone()).await?
    {
        return Err(fault("Token reuse detected"));
    }
    let user = linked_user(request, &verified).await?;
    if !user.enabled {
        return Err(Error::UserDisabled);
    }

    let scope = form.get("scope");
    let wanted = ResolveRequest {
        scope: scope.map(str::to_owned),
        id_token: scope.is_some_and(|scope| has_scope(scope, "openid")),
        ..access_token_request(client, Account::UserId(user.id))
    };
    let resolution = resolve(app, wanted).await?.map_err(|refusal| user_error(refusal, scope))?;
    let issuance = Issuance { grant: Grant::JwtBearer, resolution, session: None, form: TokenForm::Plain };
    if verified.limit_s == 0 {
        return issue(request, issuance).await;
    }
    let client = limited(request, verified.limit_s);
    issue(&TokenRequest { client: &client, binding: request.binding.clone(), ..*request }, issuance).await
}

async fn verified(request: &TokenRequest<'_>, assertion: &str) -> Result<VerifiedGrant, Error> {
    let TokenRequest { app, context, realm, client, .. } = request;
    let mut audiences = assertion_audiences(app, context, realm);
    // The issuer and the token endpoint.
    audiences.truncate(2);
    let asked = VerifyGrantAssertionRequest {
        realm_id: realm.id.clone(),
        client_id: client.client_id.clone(),
        assertion: assertion.to_owned(),
        audiences,
    };
    let answer = app.services.registry.verify_grant_assertion(Request::new(asked)).await?.into_inner();
    match answer.outcome {
        Some(Outcome::Verified(verified)) => Ok(verified),
        Some(Outcome::Fault(fault)) => Err(Error::GrantAssertionInvalid(fault)),
        None => Err(Error::IncompleteAnswer("an outcome of the assertion")),
    }
}

async fn linked_user(request: &TokenRequest<'_>, verified: &VerifiedGrant) -> Result<User, Error> {
    let asked = FindFederatedUserRequest {
        realm_id: request.realm.id.clone(),
        identity_provider: verified.identity_provider.clone(),
        external_user_id: verified.subject.clone(),
    };
    match request.app.services.roles.find_federated_user(Request::new(asked)).await {
        Ok(answer) => answer.into_inner().user.ok_or(Error::IncompleteAnswer("a user")),
        Err(status) if status.code() == Code::NotFound => Err(fault("User not found")),
        Err(status) => Err(status.into()),
    }
}

/// The client with its tokens bounded by the end of the assertion.
fn limited(request: &TokenRequest<'_>, limit_s: i64) -> Client {
    let TokenRequest { app, realm, client, .. } = request;
    let left_s = limit_s.saturating_sub(app.clock.now_ms().div_euclid(1000)).max(1);
    let lifespan_s = access_token_lifespan(realm, client, 0).min(left_s);
    let mut client = Client::clone(client);
    client.attributes.insert(ACCESS_TOKEN_LIFESPAN.to_owned(), lifespan_s.to_string());
    client
}

fn fault(words: &str) -> Error {
    Error::GrantAssertionInvalid(words.to_owned())
}
