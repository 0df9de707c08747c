//! What happened: login events and admin events, for how long they are kept, and how they are found.
//!
//! Login events come in batches from beside the request path. Admin events are read from the change logs of the services that own what was
//! changed: they were written there in one transaction with the change, so none is lost and none is told twice. Which
//! events a realm keeps is decided where they arise; here is no rule of a realm.
//!
//! To add a filter: a field in `proto/latchkey/audit/v1`, a column in a new migration, a line in `store/login.rs` or
//! `store/admin.rs`, and a test in `store/contract.rs`.

mod build;
mod config;
mod error;
mod follow;
mod service;
mod store;
mod sweeper;

pub use build::{MIGRATIONS, SCHEMA, Upstreams, build};
pub use config::Config;
pub use error::Error;
pub use service::AuditService;
