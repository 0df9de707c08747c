//! The Admin REST API.

mod access;
mod client_secrets;
mod client_tools;
mod clients;
mod identity_providers;
mod import;
mod key_rotation;
mod push_revocation;
mod realms;
