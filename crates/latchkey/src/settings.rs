//! The settings of all services in one process, and the reference of every setting there is.

use latchkey_platform::config::{self, Setting, Telemetry};
use serde::Deserialize;

/// The sections that the all-in-one reads: those of the services, without what only concerns the network between them.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Settings {
    /// Logs, traces, metrics.
    pub telemetry: Telemetry,
    /// HTTP.
    pub gateway: latchkey_gateway::Config,
    /// client-registry.
    pub client_registry: latchkey_client_registry::Config,
    /// role-mapping.
    pub role_mapping: latchkey_role_mapping::Config,
    /// token-issuer.
    pub token_issuer: latchkey_token_issuer::Config,
    /// session; its store is set by the data folder.
    pub session: latchkey_session::Config,
    /// audit.
    pub audit: latchkey_audit::Config,
}

impl Settings {
    /// The names of the sections.
    pub const SECTIONS: &'static [&'static str] =
        &["telemetry", "gateway", "client_registry", "role_mapping", "token_issuer", "session", "audit"];
}

struct Section {
    name: &'static str,
    readers: &'static str,
    settings: &'static [Setting],
}

const REFERENCE: &[Section] = &[
    Section { name: "telemetry", readers: "every program", settings: Telemetry::SETTINGS },
    Section { name: "runtime", readers: "each service and the gateway", settings: config::Runtime::SETTINGS },
    Section { name: "grpc", readers: "every service and the gateway", settings: config::Grpc::SETTINGS },
    Section {
        name: "services",
        readers: "whoever calls another service",
        settings: config::Services::SETTINGS,
    },
    Section {
        name: "database",
        readers: "client-registry, role-mapping, token-issuer, audit",
        settings: config::Database::SETTINGS,
    },
    Section {
        name: "master_key",
        readers: "client-registry, token-issuer",
        settings: config::MasterKey::SETTINGS,
    },
    Section { name: "gateway", readers: "gateway", settings: latchkey_gateway::Config::SETTINGS },
    Section {
        name: "client_registry",
        readers: "client-registry",
        settings: latchkey_client_registry::Config::SETTINGS,
    },
    Section {
        name: "role_mapping",
        readers: "role-mapping",
        settings: latchkey_role_mapping::Config::SETTINGS,
    },
    Section {
        name: "token_issuer",
        readers: "token-issuer",
        settings: latchkey_token_issuer::Config::SETTINGS,
    },
    Section { name: "session", readers: "session", settings: latchkey_session::Config::SETTINGS },
    Section { name: "audit", readers: "audit", settings: latchkey_audit::Config::SETTINGS },
];

const PREFACE: &str = "\
# Configuration

<!-- Made by `make configuration` from the code. -->

Defaults, then a TOML file (`--config FILE`), then the environment: `LATCHKEY_<SECTION>__<OPTION>`, so `listen` in `[gateway]` is
`LATCHKEY_GATEWAY__LISTEN`. An unknown option in a section is an error at the start; all errors are told at once. Sections
that a program does not read are ignored, so that all services of a deployment may share one file or environment.

The first administrator comes from `LATCHKEY_BOOTSTRAP_ADMIN_USERNAME` and `LATCHKEY_BOOTSTRAP_ADMIN_PASSWORD` (the gateway,
`latchkey dev`); one who is there already keeps the password that is stored. `latchkey dev` reads the sections of the services,
keeps all data below `--data`, makes its own master key there, and sets `gateway.development`.
";

/// The text of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = PREFACE.to_owned();
    for section in REFERENCE {
        text.push_str(&format!("\n## `[{}]`\nRead by {}.\n\n", section.name, section.readers));
        text.push_str("| option | default | what it does |\n| --- | --- | --- |\n");
        for setting in section.settings {
            text.push_str(&format!("| `{}` | {} | {} |\n", setting.name, setting.default, setting.text));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn the_reference_in_the_documentation_is_fresh() {
        let stored = std::fs::read_to_string("../../docs/configuration.md").unwrap();
        assert_eq!(stored, reference(), "run `make configuration`");
    }
}
