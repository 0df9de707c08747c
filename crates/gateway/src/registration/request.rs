//! A request to the registration endpoint: which realm and which provider its path names.

use super::{error::Error, provider::Provider};
use crate::{App, Services, address::base_url, oidc, request_context::RequestContext};
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, request::Parts},
};
use latchkey_api::registry::v1::Realm;

/// What every handler of the endpoint takes. The realm is enabled; nothing is proved of the caller yet.
pub(super) struct RegistrationRequest {
    pub(super) app: App,
    pub(super) context: RequestContext,
    pub(super) realm: Realm,
    pub(super) provider: Provider,
    pub(super) headers: HeaderMap,
    /// The realm's issuer, by which its tokens must be issued.
    pub(super) issuer: String,
    /// The client that the path names; empty where it names none.
    pub(super) client_id: String,
}

impl FromRequestParts<App> for RegistrationRequest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let path = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| Error::Realm(oidc::error::Error::PathNotFound))?;
        let named = |wanted: &str| {
            path.iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| value.to_owned())
                .unwrap_or_default()
        };
        let realm = oidc::realm::find_enabled(app, &named("realm")).await?;
        let provider = Provider::from_name(&named("provider")).ok_or(Error::ProviderNotFound)?;
        let Ok(context) = RequestContext::from_request_parts(parts, app).await;
        Ok(Self {
            issuer: base_url::issuer(&app.config, &context, &realm),
            client_id: named("client_id"),
            app: app.clone(),
            context,
            realm,
            provider,
            headers: parts.headers.clone(),
        })
    }
}

impl RegistrationRequest {
    pub(super) fn services(&self) -> &Services {
        &self.app.services
    }

    /// The absolute address at which a client is read and changed.
    pub(super) fn address_of(&self, client_id: &str) -> String {
        let mut address = base_url::base(&self.app.config, &self.context);
        for segment in ["realms", &self.realm.name, "clients-registrations", self.provider.name(), client_id]
        {
            address.push('/');
            base_url::push_path_segment(&mut address, segment);
        }
        address
    }
}
