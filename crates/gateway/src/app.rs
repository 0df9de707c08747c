//! The state that handlers share, and the routes.

use crate::{admin, config::Config, oidc};
use axum::Router;
use latchkey_api::{DynAudit, DynClientRegistry, DynRoleMapping, DynSessions, DynTokenIssuer};
use std::{ops::Deref, sync::Arc};

/// The services that the gateway calls: themselves where they run in this process, forwarders where they do not.
#[derive(Clone)]
pub struct Services {
    /// Realms, clients, and who a client is.
    pub registry: Arc<DynClientRegistry>,
    /// Roles, scopes, users, and what a token may carry.
    pub roles: Arc<DynRoleMapping>,
    /// Keys, signing and verifying.
    pub issuer: Arc<DynTokenIssuer>,
    /// Sessions, refresh-token families and revoked ids.
    pub sessions: Arc<DynSessions>,
    /// Login and admin events.
    pub audit: Arc<DynAudit>,
}

/// What every handler gets as its `State`; cloning it is a pointer's copy.
#[derive(Clone)]
pub struct App(Arc<AppState>);

/// What is behind an [`App`].
pub struct AppState {
    /// The services.
    pub services: Services,
    /// The settings.
    pub config: Config,
}

impl App {
    /// Puts the state together.
    #[must_use]
    pub fn new(services: Services, config: Config) -> Self {
        Self(Arc::new(AppState { services, config }))
    }

    /// All routes, without the prefix `/auth`: [`crate::Gateway`] takes it off before.
    pub fn router(&self) -> Router {
        oidc::router().merge(admin::router()).fallback(oidc::unknown_path).with_state(self.clone())
    }
}

impl Deref for App {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.0
    }
}
