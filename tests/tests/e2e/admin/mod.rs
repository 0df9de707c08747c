//! The Admin REST API.

mod access;
mod client_tools;
mod clients;
mod import;
mod realms;
