//! Addresses: which one a client called, which one it called from, and the ones that the gateway names in its answers.

pub mod base_url;
pub mod trusted_proxies;
