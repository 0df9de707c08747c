//! *Is this really client X?* Each way to authenticate is a module that implements [`Authenticator`]; which one a client has to use,
//! its `client_authenticator_type` says. An authenticator is prepared when its client is read, so that deciding needs no table.
//!
//! The answers are Keycloak's. A client that does not exist costs the same work as one with a wrong secret.

mod client_secret;
mod client_x509;
mod public_client;
mod unsupported;

use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::{
    AssertionId, AuthenticateRequest, AuthenticateResponse, AuthenticatedClient, Client, Refusal,
    authenticate_response::Outcome,
};
use latchkey_platform::database::Queries;
use latchkey_platform::vault::Vault;

use crate::cache::known_clients::KnownClient;
use crate::cache::known_realms::KnownRealm;
use crate::error::Error;
use crate::service::RegistryService;

/// Decides whether what is presented proves that it comes from one client.
pub(crate) trait Authenticator: Send + Sync {
    /// Decides.
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial>;

    /// About how many bytes it takes.
    fn weight(&self) -> usize;
}

/// What is to be decided.
pub(crate) struct Attempt<'a> {
    pub(crate) realm: &'a KnownRealm,
    pub(crate) client: &'a Client,
    pub(crate) presented: &'a AuthenticateRequest,
    pub(crate) now_ms: i64,
}

/// How a client has proven who it is.
#[derive(Debug, PartialEq)]
pub(crate) struct Proof {
    /// `AuthenticatedClient.method`.
    pub(crate) method: &'static str,
    pub(crate) assertion: Option<AssertionId>,
}

/// Why it has not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) reason: Reason,
    /// Keycloak's `error_description`, where the reason alone does not say it.
    pub(crate) detail: String,
}

impl From<Reason> for Denial {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: String::new() }
    }
}

/// The authenticator that a client has to use.
pub(crate) async fn prepare(
    db: &mut impl Queries,
    vault: &Vault,
    client: &Client,
    now_ms: i64,
) -> Result<Box<dyn Authenticator>, Error> {
    let _ = vault;
    if client.public_client {
        return Ok(Box::new(public_client::PublicClient));
    }
    Ok(match client.client_authenticator_type.as_str() {
        client_secret::TYPE | "" => Box::new(client_secret::ClientSecret::load(db, client, now_ms).await?),
        client_x509::TYPE => Box::new(client_x509::ClientX509),
        _ => Box::new(unsupported::Unsupported),
    })
}

impl RegistryService {
    pub(crate) async fn authenticate(
        &self,
        request: AuthenticateRequest,
    ) -> Result<AuthenticateResponse, Error> {
        let Some(realm) = self.realms.by_name(&request.realm).await? else {
            return Ok(refusal(None, None, &request, Reason::RealmNotFound.into()));
        };
        if !realm.realm.enabled {
            return Ok(refusal(Some(&realm), None, &request, Reason::RealmDisabled.into()));
        }
        let Some(client_id) = request.client_id.as_deref() else {
            return Ok(refusal(Some(&realm), None, &request, Reason::ClientNotGiven.into()));
        };
        let client = self.clients.find(&realm.realm.id, client_id).await?;
        let decided = match client.as_deref() {
            Some(known) if known.client.enabled => known.decide(&realm, &request, self.clock.now_ms()),
            known => {
                realm.verifier_key.pretend(request.client_secret.as_deref().unwrap_or_default());
                Err(known.map_or(Reason::ClientNotFound, |_| Reason::ClientDisabled).into())
            }
        };
        Ok(match (decided, client) {
            (Ok(Proof { method, assertion }), Some(known)) => {
                let authenticated = AuthenticatedClient {
                    realm: Some(realm.realm.clone()),
                    client: Some(known.client.clone()),
                    method: method.to_owned(),
                    assertion,
                };
                AuthenticateResponse { outcome: Some(Outcome::Authenticated(authenticated)) }
            }
            (Ok(_), None) => refusal(Some(&realm), None, &request, Reason::ClientNotFound.into()),
            (Err(denial), client) => refusal(Some(&realm), client.as_deref(), &request, denial),
        })
    }
}

impl KnownClient {
    fn decide(
        &self,
        realm: &KnownRealm,
        presented: &AuthenticateRequest,
        now_ms: i64,
    ) -> Result<Proof, Denial> {
        if self.client.bearer_only {
            return Err(Reason::BearerOnly.into());
        }
        self.authenticator.authenticate(&Attempt { realm, client: &self.client, presented, now_ms })
    }
}

fn refusal(
    realm: Option<&KnownRealm>,
    client: Option<&KnownClient>,
    presented: &AuthenticateRequest,
    denial: Denial,
) -> AuthenticateResponse {
    let refusal = Refusal {
        reason: denial.reason.into(),
        detail: denial.detail,
        web_origins: client.map(|known| known.client.web_origins.clone()).unwrap_or_default(),
        realm_id: realm.map(|known| known.realm.id.clone()).unwrap_or_default(),
        client_id: presented.client_id.clone().unwrap_or_default(),
    };
    AuthenticateResponse { outcome: Some(Outcome::Refusal(refusal)) }
}
