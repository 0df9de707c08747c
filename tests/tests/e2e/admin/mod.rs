//! The Admin REST API.

mod access;
mod clients;
mod identity_providers;
mod realms;
