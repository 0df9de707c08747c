//! What a new realm holds from its first moment: roles, client scopes, and what its built-in clients have. All of it is
//! Keycloak's, word for word, because the tools that people have look for it.

mod client_scopes;
mod clients;
mod roles;

pub(crate) use client_scopes::{client_scopes, is_optional};
pub(crate) use clients::client_of;
pub(crate) use roles::{Blueprint, admin_client, master, realm};

/// The protocol of all that is at work here.
pub(crate) const OPENID_CONNECT: &str = "openid-connect";
/// The scope that every client with a service account has.
pub(crate) const SERVICE_ACCOUNT_SCOPE: &str = "service_account";
/// The realm role that holds all rights in all realms, in master.
pub(crate) const ADMIN_ROLE: &str = "admin";
