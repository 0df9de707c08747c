//! client-registry: realms, clients and their credentials, the outside issuers that a realm trusts, and the decision *is this really
//! client X?*
//!
//! It leaves to others: which roles, scopes and mappers a client has (role-mapping), signing (token-issuer), and claiming an
//! assertion once (session, which the caller asks). Its change log is what the other services follow.
//!
//! The decision begins in [`authentication`]. Use cases stand in the modules of their nouns, statements in `store`, what is in
//! memory in `cache`: a warm token is answered from there and reads no table.
//!
//! To add a way for clients to authenticate: a module below `authentication` that implements its trait, and its line in the
//! table of [`authentication::prepare`](authentication). Operators have a way of their own without a change here: [`outside_authenticator`].

mod admin_urls;
mod authentication;
mod build;
mod cache;
mod changes;
mod client_certificate;
mod client_keys;
mod client_secrets;
mod clients;
mod config;
mod distinguished_name;
mod error;
mod etag;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod generated_secret;
mod grant_assertion;
mod identity_providers;
mod initial_access;
mod issuer_keys;
mod key_rotation;
mod outbound;
mod outside_authenticator;
mod public_key;
mod realms;
mod registration_tokens;
mod remote_keys;
mod secret_policy;
mod secret_uses;
mod service;
mod store;
mod test_assertion;
mod trusted_issuer;
mod verifier;

pub use build::{SCHEMA, build};
pub use config::Config;
pub use error::Error;
pub use outside_authenticator::AuthenticatorSettings;
pub use service::RegistryService;
pub use store::MIGRATIONS;
