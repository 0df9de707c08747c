//! What all services share, and no word of the domain: settings, telemetry, TLS, health, the life of a program; time,
//! randomness, databases, the change log and its followers, secrets at rest.
//!
//! To add a service: give it a `Config` of the sections it needs, a `build` function that takes what it depends on, and
//! a `main` that calls [`server::Program::main`].

pub mod cache;
pub mod certificate;
pub mod changelog;
pub mod clock;
pub mod config;
pub mod database;
pub mod epoch;
pub mod follower;
pub mod json;
pub mod network;
pub mod operations;
pub mod random;
pub mod server;
pub mod sweep;
pub mod telemetry;
pub mod tls;
pub mod vault;
