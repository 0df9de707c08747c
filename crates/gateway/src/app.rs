//! The state that handlers share, and the routes.

use crate::{
    admin, client_certificate::ClientCertificates, config::Config, limits::Limits, login_events::LoginEvents,
    oidc, oidc::KeptClients, read_first::read_first, registration,
};
use axum::{Router, middleware::from_fn};
use latchkey_api::{DynAudit, DynClientRegistry, DynRoleMapping, DynSessions, DynTokenIssuer};
use latchkey_platform::clock::SharedClock;
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
    /// The time.
    pub clock: SharedClock,
    /// Login events on their way to audit.
    pub login_events: LoginEvents,
    /// What client-registry need not tell again.
    pub kept_clients: KeptClients,
    /// What realms and clients may ask for.
    pub limits: Limits,
    /// How certificates of clients are received.
    pub client_certificates: ClientCertificates,
}

impl App {
    /// Puts the state together, and starts the writer of login events: to be called in a runtime.
    #[must_use]
    pub fn new(
        services: Services,
        config: Config,
        clock: SharedClock,
        client_certificates: ClientCertificates,
    ) -> Self {
        let login_events = LoginEvents::start(services.audit.clone(), clock.clone(), config.event_queue);
        let kept_clients = KeptClients::new(config.kept_clients_bytes);
        let limits = Limits::new(clock.clone(), config.lockout_failures);
        Self(Arc::new(AppState {
            services,
            config,
            clock,
            login_events,
            kept_clients,
            limits,
            client_certificates,
        }))
    }

    /// All routes, without the prefix `/auth`: [`crate::Gateway`] takes it off before.
    pub fn router(&self) -> Router {
        let documents = admin::router().merge(registration::router()).layer(from_fn(read_first));
        oidc::router().merge(documents).fallback(oidc::unknown_path).with_state(self.clone())
    }
}

impl Deref for App {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.0
    }
}
