//! *Is this really client X?* Each way to authenticate is a module that implements [`Authenticator`]; which one a client has to use,
//! its `client_authenticator_type` says. An authenticator is prepared when its client is read, so that deciding needs no table.
//!
//! The answers are Keycloak's. A client that does not exist costs the same work as one with a wrong secret.

pub(crate) mod assertion;
mod certificate_names;
mod client_jwt;
mod client_secret;
mod client_secret_jwt;
mod client_x509;
mod custom;
mod federated_jwt;
mod from_outside;
mod live_secret;
mod public_client;
mod subject_mapping;
mod unsupported;

use std::borrow::Cow;
use std::sync::Arc;

use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::{
    AssertionId, AuthenticateRequest, AuthenticateResponse, AuthenticatedClient, Client, Refusal,
    authenticate_response::Outcome,
};
use latchkey_platform::database::Queries;
use latchkey_platform::vault::Vault;

use crate::cache::known_clients::KnownClient;
use crate::cache::known_realms::KnownRealm;
use crate::client_certificate::ClientCertificate;
use crate::error::Error;
use crate::etag;
use crate::outside_authenticator::Vouched;
use crate::remote_keys::{FetchedKeys, Location};
use crate::secret_uses::SecretUses;
use crate::service::RegistryService;

#[cfg(feature = "fuzzing")]
pub(crate) use client_jwt::ClientJwt;
pub(crate) use federated_jwt::{FromOutside, OutsideDenial};
pub(crate) use from_outside::Mapped;
pub(crate) use subject_mapping::{CLAIMS, SubjectMapping, wanted_claims};

/// Decides whether what is presented proves that it comes from one client.
pub(crate) trait Authenticator: Send + Sync {
    /// Decides.
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial>;

    /// Whether an assertion alone may name the client.
    fn takes_assertions(&self) -> bool {
        false
    }

    /// Where the client's public keys are, if it publishes them.
    fn published_keys(&self) -> Option<&Location> {
        None
    }

    /// Whether assertions of outside issuers are what it asks for.
    fn takes_outside_assertions(&self) -> bool {
        false
    }

    /// The outside authenticator that decides, by its name.
    fn outside_authenticator(&self) -> Option<&str> {
        None
    }

    /// About how many bytes it takes.
    fn weight(&self) -> usize;
}

/// What is to be decided.
pub(crate) struct Attempt<'a> {
    pub(crate) realm: &'a KnownRealm,
    pub(crate) client: &'a Client,
    pub(crate) presented: &'a AuthenticateRequest,
    /// What was got for it elsewhere.
    pub(crate) with: With<'a>,
    pub(crate) now_ms: i64,
}

/// What an authenticator decides with beside what it was prepared with.
#[derive(Clone, Copy, Default)]
pub(crate) struct With<'a> {
    /// The keys that the client publishes.
    pub(crate) published_keys: Option<&'a FetchedKeys>,
    /// The assertion of an outside issuer, with its keys.
    pub(crate) outside: Option<&'a FromOutside<'a>>,
    /// That the outside authenticator has said that it is the client.
    pub(crate) vouched: Option<Vouched>,
}

/// How a client has proven who it is.
#[derive(Debug, PartialEq)]
pub(crate) struct Proof {
    /// `AuthenticatedClient.method`.
    pub(crate) method: Cow<'static, str>,
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

/// What authenticators are prepared with beside the database.
pub(crate) struct Preparation<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) uses: &'a Arc<SecretUses>,
    pub(crate) now_ms: i64,
}

/// Whether the client's secret must be known, since a comparison is not enough.
pub(crate) fn needs_readable_secret(client: &Client) -> bool {
    client.client_authenticator_type == client_secret_jwt::TYPE
}

/// The authenticator that a client has to use.
pub(crate) async fn prepare(
    db: &mut impl Queries,
    with: &Preparation<'_>,
    client: &Client,
) -> Result<Box<dyn Authenticator>, Error> {
    if client.public_client {
        return Ok(Box::new(public_client::PublicClient));
    }
    Ok(match client.client_authenticator_type.as_str() {
        client_secret::TYPE | "" => Box::new(client_secret::ClientSecret::load(db, with, client).await?),
        client_jwt::TYPE => Box::new(client_jwt::ClientJwt::of(client)),
        client_secret_jwt::TYPE => {
            Box::new(client_secret_jwt::ClientSecretJwt::load(db, with, client).await?)
        }
        federated_jwt::TYPE => Box::new(federated_jwt::FederatedJwt::of(client)),
        client_x509::TYPE => Box::new(client_x509::ClientX509::of(client)),
        other => match custom::Custom::of(other) {
            Some(custom) => Box::new(custom),
            None => Box::new(unsupported::Unsupported),
        },
    })
}

/// The name of the client, and whether the assertion alone gives it.
struct Named<'a> {
    client_id: Cow<'a, str>,
    by_assertion: bool,
}

impl<'a> Named<'a> {
    fn by(presented: &'a AuthenticateRequest) -> Option<Self> {
        if let Some(client_id) = presented.client_id.as_deref() {
            return Some(Self { client_id: Cow::Borrowed(client_id), by_assertion: false });
        }
        let client_id = Cow::Owned(assertion::named_client(presented)?);
        Some(Self { client_id, by_assertion: true })
    }
}

impl RegistryService {
    pub(crate) async fn authenticate(
        &self,
        request: AuthenticateRequest,
    ) -> Result<AuthenticateResponse, Error> {
        let Some(realm) = self.realms.by_name(&request.realm).await? else {
            return Ok(refused(Reason::RealmNotFound.into(), None, None, &request));
        };
        if !realm.realm.enabled {
            return Ok(refused(Reason::RealmDisabled.into(), Some(&realm), None, &request));
        }
        if let Some(assertion) = from_outside::presented(&request)
            && let Some(answer) =
                Box::pin(self.authenticate_from_outside(&realm, &request, assertion)).await?
        {
            return Ok(answer);
        }
        let Some(named) = Named::by(&request) else {
            return Ok(refused(Reason::ClientNotGiven.into(), Some(&realm), None, &request));
        };
        let found = self.clients.find(&realm.realm.id, &named.client_id).await?;
        let Some(known) = found.filter(|known| !named.by_assertion || known.authenticator.takes_assertions())
        else {
            pretend(&realm, &request);
            return Ok(refused(Reason::ClientNotFound.into(), Some(&realm), None, &request));
        };
        let published_keys = if request.client_assertion.is_some() || request.client_certificate.is_some() {
            Box::pin(self.published_keys(&known, &request)).await
        } else {
            None
        };
        let vouched = match known.authenticator.outside_authenticator() {
            Some(name) => Box::pin(self.ask_outside(name, &realm, &known.client, &request)).await?,
            None => None,
        };
        let with = With { published_keys: published_keys.as_ref(), outside: None, vouched };
        Ok(known.answer(&realm, &request, with, self.clock.now_ms()))
    }
}

impl KnownClient {
    fn answer(
        &self,
        realm: &KnownRealm,
        presented: &AuthenticateRequest,
        with: With<'_>,
        now_ms: i64,
    ) -> AuthenticateResponse {
        match self.decide(realm, presented, with, now_ms) {
            Ok(Proof { method, assertion }) => {
                let kept = etag::is_of(&presented.kept_etag, realm.etag, self.etag);
                let authenticated = AuthenticatedClient {
                    realm: (!kept).then(|| realm.realm.clone()),
                    client: (!kept).then(|| self.client.clone()),
                    etag: if kept { presented.kept_etag.clone() } else { etag::of(realm.etag, self.etag) },
                    method: method.into_owned(),
                    assertion,
                };
                AuthenticateResponse { outcome: Some(Outcome::Authenticated(authenticated)) }
            }
            Err(denial) => refused(denial, Some(realm), Some(self), presented),
        }
    }

    fn decide(
        &self,
        realm: &KnownRealm,
        presented: &AuthenticateRequest,
        with: With<'_>,
        now_ms: i64,
    ) -> Result<Proof, Denial> {
        if !self.client.enabled {
            pretend(realm, presented);
            return Err(Reason::ClientDisabled.into());
        }
        if self.client.bearer_only {
            return Err(Reason::BearerOnly.into());
        }
        self.authenticator.authenticate(&Attempt { realm, client: &self.client, presented, with, now_ms })
    }
}

/// Does the work of a wrong secret, and of another's certificate, for a client that is none.
fn pretend(realm: &KnownRealm, presented: &AuthenticateRequest) {
    let certificate = presented.client_certificate.as_deref().and_then(ClientCertificate::read);
    let _ = std::hint::black_box(certificate.map(|certificate| certificate.subject()));
    realm.verifier_key.pretend(presented.client_secret.as_deref().unwrap_or_default());
}

fn refused(
    denial: Denial,
    realm: Option<&KnownRealm>,
    client: Option<&KnownClient>,
    presented: &AuthenticateRequest,
) -> AuthenticateResponse {
    let presented_id = presented.client_id.clone();
    let refusal = Refusal {
        reason: denial.reason.into(),
        detail: denial.detail,
        web_origins: client.map(|known| known.client.web_origins.clone()).unwrap_or_default(),
        realm_id: realm.map(|known| known.realm.id.clone()).unwrap_or_default(),
        client_id: presented_id.or_else(|| Some(client?.client.client_id.clone())).unwrap_or_default(),
    };
    AuthenticateResponse { outcome: Some(Outcome::Refusal(refusal)) }
}
