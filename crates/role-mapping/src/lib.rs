//! role-mapping: realm and client roles, composites, client scopes, protocol mappers, users and service accounts, role
//! mappings; and the decision *what may this account carry to this client?*
//!
//! It leaves to others: which clients there are and who may speak for them (client-registry), and signing (token-issuer). A
//! client here is what the registry publishes; its deletion or new name arrives by the registry's change log ([`follow`]).
//!
//! The decision is the pure function [`resolve::resolve`]. Everything around it keeps its facts: use cases in the modules of
//! their nouns, statements in `store`, what a new realm holds in `builtin`, what is in memory in `cache`.
//!
//! To add a use case: a method in the module of its noun (one transaction, one entry in the change log), one in `service`.
//! To add a protocol mapper: see [`resolve`].

mod build;
mod builtin;
mod cache;
mod changes;
mod client_scopes;
mod clients;
mod config;
mod error;
mod federated_identities;
mod follow;
mod load;
mod passwords;
mod protocol_mappers;
mod realm_scopes;
mod realms;
mod resolution;
pub mod resolve;
mod role_mappings;
mod roles;
mod service;
mod service_accounts;
mod store;
mod sweep;
mod users;

pub use build::{SCHEMA, build};
pub use config::Config;
pub use error::Error;
pub use service::RoleMappingService;
pub use store::MIGRATIONS;
pub use sweep::Unpublished;
