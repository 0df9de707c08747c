//! Client authentication: what was presented goes to client-registry, which decides.

use super::{
    client_credentials_presented::PresentedCredentials, discovery::endpoint, error::Error, form::Form,
    kept_clients::KeptClient, realm,
};
use crate::{App, address::base_url, limits::Guess, request_context::RequestContext};
use axum::http::HeaderMap;
use latchkey_api::{
    registry::v1::{
        AssertionId, AuthenticateRequest, Realm, Refusal, authenticate_response::Outcome, refusal::Reason,
    },
    session::v1::ClaimOnceRequest,
};
use std::{ops::Deref, sync::Arc};
use tonic::Request;

/// A client that has proven who it is (a public one has only named itself), in a realm that is enabled.
pub(crate) struct AuthenticatedClient {
    kept: Arc<KeptClient>,
    /// `client-secret` and the like; `none` for a public client.
    pub(crate) method: String,
}

impl Deref for AuthenticatedClient {
    type Target = KeptClient;

    fn deref(&self) -> &KeptClient {
        &self.kept
    }
}

/// Why a client was not authenticated, and what is known of it all the same.
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// The web origins of the client that was named.
    pub(crate) web_origins: Vec<String>,
    /// The realm, where it is known.
    pub(crate) realm: Option<Box<Realm>>,
    /// The client_id as it was presented.
    pub(crate) client_id: String,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, web_origins: Vec::new(), realm: None, client_id: String::new() }
    }
}

/// Authenticates the client of a request.
pub(crate) async fn authenticate(
    app: &App,
    context: &RequestContext,
    realm_name: &str,
    headers: &HeaderMap,
    form: &Form<'_>,
) -> Result<AuthenticatedClient, Refused> {
    let presented = match PresentedCredentials::read(headers, form) {
        Ok(presented) => presented,
        Err(error) => {
            realm::find_enabled(app, realm_name).await?;
            return Err(error.into());
        }
    };
    let guesses = presented.client_secret.is_some();
    let address = context.client_ip();
    if let Some(client_id) = presented.client_id.as_deref().filter(|_| guesses) {
        app.limits.lockout.check(Guess { realm: realm_name, client_id, address }).map_err(Error::from)?;
    }
    let assertion_audiences = match presented.assertion {
        Some(_) => assertion_audiences(app, context, &realm::find_enabled(app, realm_name).await?),
        None => Vec::new(),
    };
    let kept = presented.client_id.as_deref().and_then(|id| app.kept_clients.get(realm_name, id));
    let certificate = context.client_certificate();
    let request = AuthenticateRequest {
        realm: realm_name.to_owned(),
        client_id: presented.client_id,
        client_secret: presented.client_secret,
        source: presented.source.into(),
        client_assertion_type: presented.assertion_type,
        client_assertion: presented.assertion,
        assertion_audiences,
        client_certificate: certificate.map(|certificate| certificate.der.clone()),
        client_certificate_trusted: certificate.is_some_and(|certificate| certificate.is_trusted),
        ip_address: context.client_address().to_owned(),
        kept_etag: kept.as_ref().map(|kept| kept.etag.clone()).unwrap_or_default(),
    };
    let answer =
        app.services.registry.authenticate(Request::new(request)).await.map_err(Error::from)?.into_inner();
    match answer.outcome {
        Some(Outcome::Authenticated(authenticated)) => {
            let kept = match (kept, authenticated.realm, authenticated.client) {
                (Some(kept), None, None) if kept.etag == authenticated.etag => kept,
                (_, Some(realm), Some(client)) => {
                    let told = Arc::new(KeptClient { realm, client, etag: authenticated.etag });
                    app.kept_clients.keep(realm_name, &told);
                    told
                }
                _ => return Err(Error::IncompleteAnswer("the client and its realm").into()),
            };
            if let Some(assertion) = authenticated.assertion
                && !claim(app, &kept.realm, assertion).await?
            {
                return Err(Refused {
                    error: Error::AssertionInvalid("Token reuse detected".to_owned()),
                    web_origins: kept.client.web_origins.clone(),
                    realm: Some(Box::new(kept.realm.clone())),
                    client_id: kept.client.client_id.clone(),
                });
            }
            if guesses {
                let client_id = &kept.client.client_id;
                app.limits.lockout.succeeded(Guess { realm: realm_name, client_id, address });
            }
            app.limits.admit(&kept.realm, &kept.client).map_err(Error::from)?;
            Ok(AuthenticatedClient { kept, method: authenticated.method })
        }
        Some(Outcome::Refusal(refusal)) => {
            let wrong_guess = guesses && is_wrong_guess(&refusal);
            let realm = match refusal.realm_id.as_str() {
                "" => None,
                id => match realm::find_by_id(app, id).await {
                    Ok(realm) => Some(Box::new(realm)),
                    // Else a guess would not be counted.
                    Err(error) if wrong_guess => return Err(error.into()),
                    Err(_) => None,
                },
            };
            if wrong_guess && let Some(realm) = &realm {
                let client_id = &refusal.client_id;
                app.limits.lockout.failed(Guess { realm: realm_name, client_id, address }, realm);
            }
            Err(Refused {
                error: Error::from_refusal(&refusal),
                web_origins: refusal.web_origins,
                realm,
                client_id: refusal.client_id,
            })
        }
        None => Err(Error::IncompleteAnswer("an outcome of authentication").into()),
    }
}

/// A client that there is not counts as one with a wrong secret: who guesses must not learn which it is.
fn is_wrong_guess(refusal: &Refusal) -> bool {
    matches!(refusal.reason(), Reason::InvalidCredentials | Reason::ClientNotFound)
}

/// RFC 7523 section 3, item 7: whether an assertion is used for the first time.
pub(crate) async fn claim(app: &App, realm: &Realm, assertion: AssertionId) -> Result<bool, Error> {
    let AssertionId { id, ttl_s } = assertion;
    let asked = ClaimOnceRequest { realm_id: realm.id.clone(), purpose: "assertion".to_owned(), id, ttl_s };
    Ok(app.services.sessions.claim_once(Request::new(asked)).await?.into_inner().first)
}

/// RFC 7523 section 3: the audiences by which an assertion may name this server.
pub(crate) fn assertion_audiences(app: &App, context: &RequestContext, realm: &Realm) -> Vec<String> {
    let issuer = base_url::issuer(&app.config, context, realm);
    let (token, introspection) = (endpoint(&issuer, "token"), endpoint(&issuer, "token/introspect"));
    vec![issuer, token, introspection]
}
