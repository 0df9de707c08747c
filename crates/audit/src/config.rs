//! The audit service's section of the configuration.

use latchkey_platform::config::Setting;
use serde::Deserialize;

/// `[audit]`: how long events are kept.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// For how many days admin events are kept; 0 for ever, as Keycloak does. How long login events are kept is a realm's
    /// setting.
    pub admin_event_days: u32,
}

impl Config {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[Setting {
        name: "admin_event_days",
        default: "0",
        text: "For how many days admin events are kept; 0 for ever. How long login events are kept is a realm's setting.",
    }];
}
