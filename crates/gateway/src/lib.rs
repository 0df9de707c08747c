//! The gateway: everything Latchkey says over HTTP. It parses requests, runs the grant flows over the services' traits, and
//! answers in Keycloak's shapes. It has no state but the counts of its limits, no database and no keys; each decision belongs to
//! the service that owns it.
//!
//! - [`oidc`]: the OAuth 2.0 and OpenID Connect endpoints of a realm.
//! - [`admin`]: the Admin REST API.
//! - [`registration`]: dynamic client registration.
//! - [`limits`]: rate limits, quotas and lockout.
//! - [`client_certificate`]: the certificates that clients present.
//! - [`edge`]: what every request passes first: its id, its address, the headers of its answer.
//!
//! Every path is served under `/` and under the classic prefix `/auth`.
//!
//! To add an endpoint: a file in `oidc/` named after its path, its route in `oidc/mod.rs`, its errors in `oidc/error.rs`.
//! To add a grant: a file in `oidc/grant/`, its name in `oidc/token.rs`.

pub mod address;
pub mod admin;
pub mod app;
pub mod client_certificate;
pub mod config;
pub mod edge;
pub mod limits;
pub mod login_events;
pub mod oidc;
pub mod registration;
pub mod request_context;
pub mod serve;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod read_first;
mod request_id;
mod request_metrics;
mod security_headers;
mod signing;

pub use app::{App, Services};
pub use config::Config;
pub use edge::Gateway;
pub use serve::serve;
