//! Finding the client that an assertion of an outside issuer is about: the issuer, its keys, the subject's client. The decision is
//! then the client's own authenticator's.

use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::{AuthenticateRequest, AuthenticateResponse};
use serde_json::{Map, Value};

use super::assertion::{self, UnverifiedAssertion};
use super::federated_jwt::FromOutside;
use super::subject_mapping::Closeness;
use super::{With, pretend, refused};
use crate::cache::dated::Known;
use crate::cache::known_clients::KnownClient;
use crate::cache::known_realms::KnownRealm;
use crate::error::Error;
use crate::issuer_keys::Keys;
use crate::service::RegistryService;
use crate::trusted_issuer::TrustedIssuer;

/// The client that a subject is.
pub(crate) enum Mapped {
    To(Known<KnownClient>),
    /// No client asks for such a subject.
    ToNone,
    /// Several clients describe it equally closely.
    ToSeveral,
}

/// The assertion of an outside issuer that is presented instead of a secret.
pub(super) fn presented(presented: &AuthenticateRequest) -> Option<UnverifiedAssertion<'_>> {
    if presented.client_secret.is_some() { None } else { assertion::of_another_issuer(presented) }
}

impl RegistryService {
    /// `None` where the realm trusts no such issuer, or the client that is named beside the assertion authenticates in another way.
    pub(super) async fn authenticate_from_outside(
        &self,
        realm: &KnownRealm,
        presented: &AuthenticateRequest,
        assertion: UnverifiedAssertion<'_>,
    ) -> Result<Option<AuthenticateResponse>, Error> {
        let realm_id = &realm.realm.id;
        let named = match &presented.client_id {
            Some(client_id) => self.clients.find(realm_id, client_id).await?,
            None => None,
        };
        if named.as_ref().is_some_and(|named| !named.authenticator.takes_outside_assertions()) {
            return Ok(None);
        }
        let unknown = || {
            pretend(realm, presented);
            Ok(Some(refused(Reason::ClientNotFound.into(), Some(realm), None, presented)))
        };
        let known = self.issuers.of_assertion(realm_id, &assertion).await?;
        let mut known = known.iter().flat_map(|known| known.iter());
        // Of an issuer that nobody trusts it names no client either.
        let Some(issuer) = known.find(|issuer| issuer.client_assertions.is_some()) else {
            return Ok(None);
        };
        let keys = self.keys_of(realm_id, issuer, &assertion).await;
        let claims = assertion.all_claims();
        let outside = FromOutside {
            issuer,
            // Why they cannot be had is in the log.
            keys: keys.as_ref().map(Keys::as_slice).unwrap_or_default(),
            assertion: &assertion,
            claims: &claims,
        };
        let mapped = match self.mapped_client(realm_id, issuer, &claims).await? {
            Mapped::To(client) => Some(client),
            Mapped::ToNone | Mapped::ToSeveral => None,
        };
        // RFC 7521 section 4.2: a client_id beside the assertion names the same client. Keycloak lets it be the subject too.
        let same = |client: &KnownClient| {
            presented.client_id.as_deref().is_none_or(|client_id| {
                client_id == client.client.client_id
                    || named.is_none() && assertion.subject() == Some(client_id)
            })
        };
        let Some(client) = mapped.filter(|client| same(client)) else {
            // The work of a client that is known: the time does not tell which subjects have one.
            let _ = std::hint::black_box(outside.verify());
            return unknown();
        };
        let with = With { outside: Some(&outside), ..With::default() };
        Ok(Some(client.answer(realm, presented, with, self.clock.now_ms())))
    }

    /// The client whose mapping describes the claims of an issuer's assertion most closely.
    pub(crate) async fn mapped_client(
        &self,
        realm_id: &str,
        issuer: &TrustedIssuer,
        claims: &Map<String, Value>,
    ) -> Result<Mapped, Error> {
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let candidates = self.issuers.candidates(realm_id, &issuer.alias, subject).await?;
        let mut best: Option<(Closeness, &str, bool)> = None;
        for candidate in candidates.iter().flat_map(|candidates| candidates.iter()) {
            let Some(closeness) = candidate.mapping.fit(claims) else { continue };
            best = match best {
                Some((leader, ..)) if leader > closeness => best,
                Some((leader, client_id, _)) if leader == closeness => Some((leader, client_id, true)),
                _ => Some((closeness, &candidate.client_id, false)),
            };
        }
        let client_id = match best {
            None => return Ok(Mapped::ToNone),
            Some((_, _, true)) => return Ok(Mapped::ToSeveral),
            Some((_, client_id, false)) => client_id,
        };
        Ok(self.clients.find(realm_id, client_id).await?.map_or(Mapped::ToNone, Mapped::To))
    }
}
