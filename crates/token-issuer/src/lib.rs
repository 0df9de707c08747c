//! Keys of realms: their providers, priorities and rotation; signing, and verifying what was signed.
//!
//! Who may have a token, and what it says, is decided elsewhere: this service adds time, an id and a signature to claims
//! that it does not look at. Private keys are sealed at rest and never leave it.
//!
//! To add an algorithm: a variant in `algorithm.rs`, its key in `key/signing.rs` and `key/jwk.rs`, the kind of provider that
//! makes it in `providers/settings.rs`, and its name in the round trip of `tests/contract/round_trips.rs`.

mod algorithm;
mod build;
mod cache;
mod changes;
mod config;
mod error;
mod follow;
mod jwt;
mod key;
mod providers;
mod realms;
mod rotation;
mod service;
mod store;
mod sweep;

pub use build::{SCHEMA, build};
pub use config::Config;
pub use error::Error;
pub use service::IssuerService;
pub use store::MIGRATIONS;
