//! Use cases of identity providers: the outside issuers that a realm trusts.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::*;
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use latchkey_platform::vault::Place;
use serde_json::json;
use zeroize::Zeroizing;

use crate::changes::{Entry, IDENTITY_PROVIDER};
use crate::error::Error;
use crate::service::RegistryService;
use crate::store::identity_providers::StoredProvider;
use crate::store::{identity_providers, is_storable, realms};
use crate::trusted_issuer::TrustedIssuer;

/// Where a representation has the secret that is kept apart.
const CLIENT_SECRET: &str = "clientSecret";

impl RegistryService {
    pub(crate) async fn create_identity_provider(
        &self,
        request: CreateIdentityProviderRequest,
    ) -> Result<(CreateIdentityProviderResponse, u64), Error> {
        let CreateIdentityProviderRequest { identity_provider, client_secret, admin_event } = request;
        let realm_id = identity_provider.as_ref().ok_or_else(missing)?.realm_id.clone();
        let new = NewIdentityProvider { identity_provider, client_secret };
        let mut tx = self.database.begin().await?;
        realms::find_locked(&mut tx, &realm_id).await?.ok_or(Error::RealmNotFound)?;
        let provider = self.insert_identity_provider(&mut tx, &realm_id, new).await?;
        let entry = Entry { admin_event, ..entry(&provider, Operation::Created) };
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((CreateIdentityProviderResponse { identity_provider: Some(provider), revision }, revision))
    }

    /// Stores a new identity provider of a realm whose row the transaction holds.
    pub(crate) async fn insert_identity_provider(
        &self,
        tx: &mut Transaction,
        realm_id: &str,
        new: NewIdentityProvider,
    ) -> Result<IdentityProvider, Error> {
        let client_secret = Zeroizing::new(new.client_secret);
        let mut provider = new.identity_provider.ok_or_else(missing)?;
        realm_id.clone_into(&mut provider.realm_id);
        if provider.id.is_empty() {
            provider.id = random::uuid();
        }
        provider.version = 1;
        let issuer = check(&mut provider)?;
        refuse_taken_issuer(tx, &provider, &issuer).await?;
        let sealed = match client_secret.is_empty() {
            true => None,
            false => Some(self.vault.seal(tx, place(&provider), client_secret.as_bytes()).await?),
        };
        provider.has_client_secret = sealed.is_some();
        let stored = StoredProvider { provider, client_secret: sealed };
        identity_providers::insert(tx, &stored, &issuer.lookup).await?;
        Ok(stored.provider)
    }

    pub(crate) async fn get_identity_provider(
        &self,
        request: GetIdentityProviderRequest,
    ) -> Result<GetIdentityProviderResponse, Error> {
        let provider = self.identity_provider(&request.realm_id, &request.alias).await?;
        Ok(GetIdentityProviderResponse { identity_provider: Some(provider) })
    }

    pub(crate) async fn list_identity_providers(
        &self,
        request: ListIdentityProvidersRequest,
    ) -> Result<ListIdentityProvidersResponse, Error> {
        if !is_storable(&request.realm_id) {
            return Ok(ListIdentityProvidersResponse::default());
        }
        let identity_providers =
            identity_providers::list(&mut self.database.clone(), &request.realm_id).await?;
        Ok(ListIdentityProvidersResponse { identity_providers })
    }

    pub(crate) async fn update_identity_provider(
        &self,
        request: UpdateIdentityProviderRequest,
    ) -> Result<(UpdateIdentityProviderResponse, u64), Error> {
        let UpdateIdentityProviderRequest { identity_provider, client_secret, admin_event } = request;
        let client_secret = Zeroizing::new(client_secret);
        let mut provider = identity_provider.ok_or_else(missing)?;
        let mut tx = self.database.begin().await?;
        realms::find_locked(&mut tx, &provider.realm_id).await?.ok_or(Error::RealmNotFound)?;
        let before = identity_providers::find_locked(&mut tx, &provider.realm_id, &provider.id)
            .await?
            .ok_or(Error::IdentityProviderNotFound)?;
        if before.provider.version != provider.version {
            return Err(Error::VersionMismatch);
        }
        provider.alias = before.provider.alias;
        provider.version += 1;
        let issuer = check(&mut provider)?;
        refuse_taken_issuer(&mut tx, &provider, &issuer).await?;
        let sealed = match (client_secret.is_empty(), provider.has_client_secret) {
            (false, _) => Some(self.vault.seal(&mut tx, place(&provider), client_secret.as_bytes()).await?),
            (true, true) => before.client_secret,
            (true, false) => None,
        };
        provider.has_client_secret = sealed.is_some();
        let stored = StoredProvider { provider, client_secret: sealed };
        if !identity_providers::update(&mut tx, &stored, &issuer.lookup).await? {
            return Err(Error::VersionMismatch);
        }
        let provider = stored.provider;
        let entry = Entry { admin_event, ..entry(&provider, Operation::Updated) };
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((UpdateIdentityProviderResponse { identity_provider: Some(provider), revision }, revision))
    }

    pub(crate) async fn delete_identity_provider(
        &self,
        request: DeleteIdentityProviderRequest,
    ) -> Result<u64, Error> {
        let DeleteIdentityProviderRequest { realm_id, alias, admin_event } = request;
        let provider = self.identity_provider(&realm_id, &alias).await?;
        let mut tx = self.database.begin().await?;
        if !identity_providers::delete(&mut tx, &realm_id, &provider.id).await? {
            return Err(Error::IdentityProviderNotFound);
        }
        let entry = Entry { admin_event, ..entry(&provider, Operation::Deleted) };
        self.writer.commit(tx, vec![entry]).await
    }

    /// The one of an alias.
    pub(crate) async fn identity_provider(
        &self,
        realm_id: &str,
        alias: &str,
    ) -> Result<IdentityProvider, Error> {
        if !is_storable(realm_id) || !is_storable(alias) {
            return Err(Error::IdentityProviderNotFound);
        }
        let found = identity_providers::find(&mut self.database.clone(), realm_id, alias).await?;
        found.ok_or(Error::IdentityProviderNotFound)
    }
}

/// What is stored must be whole: an assertion names one provider at the most.
fn check(provider: &mut IdentityProvider) -> Result<TrustedIssuer, Error> {
    let invalid = |reason| Err(Error::Invalid { what: "identity provider", reason });
    if provider.alias.is_empty() || provider.id.is_empty() {
        return invalid("lacks alias or id");
    }
    let texts = [&provider.id, &provider.alias, &provider.provider_id, &provider.settings_json];
    let config = provider.config.iter().flat_map(|(name, value)| [name, value]);
    if !texts.into_iter().chain(config).all(|text| is_storable(text)) {
        return invalid("has a zero byte");
    }
    // A secret among the plain values would be stored and shown in clear.
    provider.config.remove(CLIENT_SECRET);
    TrustedIssuer::checked(provider).map_err(Error::IdentityProviderInvalid)
}

/// Two providers that are trusted for the same would leave open which one an assertion is of.
async fn refuse_taken_issuer(
    tx: &mut Transaction,
    provider: &IdentityProvider,
    issuer: &TrustedIssuer,
) -> Result<(), Error> {
    if issuer.lookup.is_empty() {
        return Ok(());
    }
    for other in identity_providers::of_issuer(tx, &provider.realm_id, &issuer.lookup).await? {
        let theirs = TrustedIssuer::of(&other);
        let both = |mine: bool, theirs: bool| mine && theirs;
        let clash = both(issuer.client_assertions.is_some(), theirs.client_assertions.is_some())
            || both(issuer.grants.is_some(), theirs.grants.is_some());
        if other.id != provider.id && clash {
            return Err(Error::IdentityProviderInvalid(format!(
                "Issuer URL already used for IDP '{}', Issuer must be unique if the idp supports JWT Authorization \
                 Grant or Federated Client Authentication",
                other.alias,
            )));
        }
    }
    Ok(())
}

fn missing() -> Error {
    Error::Invalid { what: "identity provider", reason: "is missing" }
}

fn place(provider: &IdentityProvider) -> Place<'_> {
    Place { realm_id: &provider.realm_id, purpose: "identity-provider-secret", id: &provider.id }
}

fn entry(provider: &IdentityProvider, operation: Operation) -> Entry {
    Entry {
        realm_id: provider.realm_id.clone(),
        entity: IDENTITY_PROVIDER,
        operation,
        entity_id: provider.id.clone(),
        payload: json!({ "alias": provider.alias }),
        admin_event: None,
    }
}
