//! The gateway's settings.

use crate::address::trusted_proxies::TrustedProxies;
use latchkey_platform::config::Setting;
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// `[gateway]`: how HTTP is served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// The base of every address that the gateway names, such as `https://id.example.org` or `https://example.org/auth`; it makes
    /// the issuer. Without it, it is taken from each request (`Host`, and the prefix `/auth` if it was used): only for development.
    pub public_url: Option<String>,
    /// Start although something is unsafe outside a developer's machine: no `public_url`, or an administrator with the password
    /// `admin`.
    pub development: bool,
    /// Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: addresses and networks such as `10.0.0.0/8`.
    pub trusted_proxies: TrustedProxies,
    /// The most bytes that a form may have; a bigger one is answered with 413.
    pub max_form_bytes: usize,
    /// The most bytes that a body of the Admin REST API may have.
    pub max_admin_body_bytes: usize,
    /// The server's certificate and key; without them the gateway speaks plain HTTP, for a proxy in front of it.
    pub tls: Option<TlsFiles>,
    /// How many wrong secrets in a row, for one client from one address, lead to a wait; 0 for never. Realms may say otherwise.
    pub lockout_failures: u32,
    /// How certificates of clients are received.
    pub client_certificates: ClientCertificates,
    /// How many login events may wait for the audit service; more are dropped and counted.
    pub event_queue: usize,
    /// Bytes of memory for clients and realms as client-registry told them last.
    pub kept_clients_bytes: u64,
}

/// PEM files of the server's own identity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// `[gateway.client_certificates]`: mutual TLS with clients (RFC 8705).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientCertificates {
    /// Ask clients for a certificate where TLS ends here. Those without one go on without.
    pub ask: bool,
    /// PEM file of the authorities that sign certificates of clients.
    pub ca_file: Option<PathBuf>,
    /// The header in which `trusted_proxies` tell which certificate a client has shown.
    pub header: Option<String>,
    /// The header with the certificates between that one and an authority.
    pub chain_header: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            development: false,
            trusted_proxies: TrustedProxies::default(),
            max_form_bytes: 64 * 1024,
            max_admin_body_bytes: 16 * 1024 * 1024,
            tls: None,
            lockout_failures: 0,
            client_certificates: ClientCertificates::default(),
            event_queue: 8192,
            kept_clients_bytes: 16_000_000,
        }
    }
}

impl Config {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting { name: "listen", default: "127.0.0.1:8080", text: "Where the gateway listens." },
        Setting {
            name: "public_url",
            default: "required",
            text: "The base of every address that the gateway names, such as `https://id.example.org` or `https://example.org/auth`; it makes the issuer. With `development` it may be left out and is then taken from each request.",
        },
        Setting {
            name: "development",
            default: "false",
            text: "Start although something is unsafe outside a developer's machine: no `public_url`, or an administrator with the password `admin`.",
        },
        Setting {
            name: "trusted_proxies",
            default: "[]",
            text: "Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: addresses and networks such as `10.0.0.0/8`.",
        },
        Setting {
            name: "max_form_bytes",
            default: "65536",
            text: "The most bytes that a form may have; a bigger one is answered with 413.",
        },
        Setting {
            name: "max_admin_body_bytes",
            default: "16777216",
            text: "The most bytes that a body of the Admin REST API may have.",
        },
        Setting {
            name: "tls.certificate",
            default: "none",
            text: "The server's certificate chain (PEM). Without it the gateway speaks plain HTTP, for a proxy in front of it.",
        },
        Setting { name: "tls.key", default: "none", text: "Its private key (PEM)." },
        Setting {
            name: "lockout_failures",
            default: "0",
            text: "How many wrong secrets in a row, for one client from one address, lead to a wait; 0 for never. A realm's attribute `latchkey.lockout.failures` says otherwise for it.",
        },
        Setting {
            name: "client_certificates.ask",
            default: "false",
            text: "Ask clients for a certificate (RFC 8705) where TLS ends here. Those without one go on without.",
        },
        Setting {
            name: "client_certificates.ca_file",
            default: "none",
            text: "The authorities (PEM) that sign certificates of clients. Without it only self-signed certificates that are registered prove anything.",
        },
        Setting {
            name: "client_certificates.header",
            default: "none",
            text: "The header in which `trusted_proxies` tell which certificate a client has shown: RFC 9440's `Client-Cert`, or PEM, percent-encoded or not, or base64. The proxy must take away what clients put there.",
        },
        Setting {
            name: "client_certificates.chain_header",
            default: "none",
            text: "The header with the certificates between that one and an authority, in the same forms: `Client-Cert-Chain`.",
        },
        Setting {
            name: "event_queue",
            default: "8192",
            text: "How many login events may wait for the audit service; more are dropped and counted.",
        },
        Setting {
            name: "kept_clients_bytes",
            default: "16000000",
            text: "Bytes of memory for clients and realms as client-registry told them last. It still decides about each request, and says whether they have changed.",
        },
    ];
}
