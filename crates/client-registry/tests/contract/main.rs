//! What the contract promises, over SQLite and a real PostgreSQL; always with two realms of equal content.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod admin_urls;
mod assertions;
mod authentication;
mod authenticator_server;
mod certificates;
mod clients;
mod federation;
mod grants;
mod identity_providers;
mod key_server;
mod keys;
mod outside_authenticators;
mod published_keys;
mod realms;
mod registration;
mod replicas;
mod secrets;
mod setting;
mod signing;
