//! The sections that several programs have.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::Setting;
use crate::vault::{FileMasterKey, MasterKeyError};

/// `[telemetry]`: logs, traces, metrics and health.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// `text` for people, `json` for machines.
    pub log_format: LogFormat,
    /// What is logged: a level, or directives such as `info,latchkey_gateway=debug`.
    pub log_level: String,
    /// Where traces go, by OTLP over gRPC; no traces without it.
    pub otlp_endpoint: Option<String>,
    /// Where `/metrics`, `/health/live` and `/health/ready` are served.
    pub metrics_listen: Option<SocketAddr>,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Text,
            log_level: "info".to_owned(),
            otlp_endpoint: None,
            metrics_listen: None,
        }
    }
}

impl Telemetry {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting { name: "log_format", default: "text", text: "`text` for people, `json` for machines." },
        Setting {
            name: "log_level",
            default: "info",
            text: "What is logged: a level, or directives such as `info,latchkey_gateway=debug`.",
        },
        Setting {
            name: "otlp_endpoint",
            default: "no traces",
            text: "Where traces go, by OTLP over gRPC: `http://collector:4317`.",
        },
        Setting {
            name: "metrics_listen",
            default: "not served",
            text: "Where `/metrics`, `/health/live` and `/health/ready` are served: `0.0.0.0:9000`.",
        },
    ];
}

/// `[runtime]`: how a program uses the machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Runtime {
    /// Threads that run the program's tasks, beside those for what blocks.
    pub worker_threads: Option<NonZeroUsize>,
}

impl Runtime {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[Setting {
        name: "worker_threads",
        default: "1; in the gateway one for every two cores, in token-issuer one for each",
        text: "Threads that run the program's tasks. Where an answer from memory takes microseconds, waking a second thread costs more.",
    }];
}

/// `[grpc]`: where a service listens, and its identity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grpc {
    /// Where the service listens.
    pub listen: SocketAddr,
    /// Mutual TLS; needed unless `plaintext` is set.
    pub tls: Option<Tls>,
    /// Speak without TLS. Whoever reaches the port may then do everything: for trusted networks that encrypt by themselves.
    pub plaintext: bool,
}

impl Default for Grpc {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7000)), tls: None, plaintext: false }
    }
}

impl Grpc {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting { name: "listen", default: "127.0.0.1:7000", text: "Where the service listens." },
        Setting {
            name: "tls.ca_file",
            default: "none",
            text: "The certificate authority (PEM) that signed every service's certificate.",
        },
        Setting { name: "tls.cert_file", default: "none", text: "This service's certificate chain (PEM)." },
        Setting { name: "tls.key_file", default: "none", text: "Its private key (PEM)." },
        Setting {
            name: "plaintext",
            default: "false",
            text: "Speak without TLS. Whoever reaches the port may then do everything: for trusted networks that encrypt by themselves.",
        },
    ];
}

/// The files of a mutual-TLS identity, PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate authority that signed every service's certificate.
    pub ca_file: PathBuf,
    /// This service's certificate chain.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// `[services]`: where the other services are. Each is `https://HOST:PORT`, whose name may have several addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Services {
    /// client-registry.
    pub client_registry: String,
    /// role-mapping.
    pub role_mapping: String,
    /// token-issuer.
    pub token_issuer: String,
    /// session.
    pub session: String,
    /// audit.
    pub audit: String,
}

impl Default for Services {
    fn default() -> Self {
        let at = |name: &str| format!("https://{name}:7000");
        Self {
            client_registry: at("client-registry"),
            role_mapping: at("role-mapping"),
            token_issuer: at("token-issuer"),
            session: at("session"),
            audit: at("audit"),
        }
    }
}

impl Services {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "client_registry",
            default: "https://client-registry:7000",
            text: "Where client-registry is.",
        },
        Setting {
            name: "role_mapping",
            default: "https://role-mapping:7000",
            text: "Where role-mapping is.",
        },
        Setting {
            name: "token_issuer",
            default: "https://token-issuer:7000",
            text: "Where token-issuer is.",
        },
        Setting { name: "session", default: "https://session:7000", text: "Where session is." },
        Setting { name: "audit", default: "https://audit:7000", text: "Where audit is." },
    ];
}

/// `[database]`: where a service keeps what it owns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://USER:PASSWORD@HOST/DATABASE`, or `sqlite:PATH`.
    pub url: SecretString,
    /// Connections to PostgreSQL at the most.
    #[serde(default = "default_max_connections")]
    pub max_connections: u32,
}

fn default_max_connections() -> u32 {
    10
}

impl Database {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "url",
            default: "required",
            text: "`postgres://USER:PASSWORD@HOST/DATABASE`, or `sqlite:PATH`. Each service has a schema of its own.",
        },
        Setting { name: "max_connections", default: "10", text: "Connections to PostgreSQL at the most." },
    ];
}

/// `[master_key]`: what wraps the realms' data keys. One of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MasterKey {
    /// 32 bytes in base64; several separated by spaces: the first wraps, all of them unwrap.
    pub key: Option<SecretString>,
    /// A file with the same.
    pub file: Option<PathBuf>,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum NoMasterKey {
    /// Neither `key` nor `file` is set.
    #[error("neither master_key.key nor master_key.file is set")]
    NotSet,
    /// The file cannot be read.
    #[error("cannot read the master key from {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// What was given is not a key.
    #[error(transparent)]
    Key(#[from] MasterKeyError),
}

impl MasterKey {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "key",
            default: "none",
            text: "32 bytes in base64 (`openssl rand -base64 32`); several separated by spaces: the first wraps, all of them unwrap.",
        },
        Setting { name: "file", default: "none", text: "A file with the same. One of the two is required." },
    ];

    /// Reads the key.
    ///
    /// # Errors
    /// [`NoMasterKey`].
    pub fn load(&self) -> Result<FileMasterKey, NoMasterKey> {
        let text = match (&self.key, &self.file) {
            (Some(key), _) => key.clone(),
            (None, Some(path)) => read(path)?,
            (None, None) => return Err(NoMasterKey::NotSet),
        };
        Ok(FileMasterKey::parse(&text)?)
    }
}

fn read(path: &Path) -> Result<SecretString, NoMasterKey> {
    std::fs::read_to_string(path)
        .map(SecretString::from)
        .map_err(|source| NoMasterKey::File { path: path.to_owned(), source })
}
