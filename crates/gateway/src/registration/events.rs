//! Login events of registrations: `CLIENT_REGISTER`, `CLIENT_INFO`, `CLIENT_UPDATE`, `CLIENT_DELETE` and their errors.

use super::{error::Error, request::RegistrationRequest};
use crate::login_events::LoginAttempt;

/// Recorded only where the realm's list of event types names it.
pub(super) const CLIENT_INFO: Kind = Kind { done: "CLIENT_INFO", failed: "CLIENT_INFO_ERROR", always: false };
pub(super) const CLIENT_REGISTER: Kind =
    Kind { done: "CLIENT_REGISTER", failed: "CLIENT_REGISTER_ERROR", always: true };
pub(super) const CLIENT_UPDATE: Kind =
    Kind { done: "CLIENT_UPDATE", failed: "CLIENT_UPDATE_ERROR", always: true };
pub(super) const CLIENT_DELETE: Kind =
    Kind { done: "CLIENT_DELETE", failed: "CLIENT_DELETE_ERROR", always: true };

/// A kind of event.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    done: &'static str,
    failed: &'static str,
    always: bool,
}

impl RegistrationRequest {
    /// Records how a request ended for a client.
    pub(super) fn record<T>(&self, kind: Kind, client_id: &str, ended: &Result<T, Error>) {
        let error = ended.as_ref().err();
        let Some(word) = error.map_or(Some(""), Error::event) else { return };
        let event = if error.is_some() { kind.failed } else { kind.done };
        if !kind.always && !self.realm.enabled_event_types.iter().any(|kept| kept == event) {
            return;
        }
        let mut attempt = LoginAttempt::new(&self.context, client_id);
        attempt.error = word;
        if let Some(error) = error {
            attempt.detail("reason", &error.to_string());
        }
        self.app.login_events.record(&self.realm, event, attempt);
    }
}
