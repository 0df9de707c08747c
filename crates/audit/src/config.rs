//! The audit service's section of the configuration.

use serde::{Deserialize, Serialize};

/// Settings of the audit service.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// For how many days admin events are kept; 0 for ever, as Keycloak does. How long login events are kept is a realm's
    /// setting.
    pub admin_event_days: u32,
}
