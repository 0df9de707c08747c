//! The Admin REST API.

mod access;
mod clients;
mod import;
mod realms;
