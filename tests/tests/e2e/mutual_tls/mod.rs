//! Mutual TLS with clients, RFC 8705: at a gateway where TLS ends, and behind a proxy that tells of the certificate.

#[macro_use]
mod setting;

mod attacks;
mod bound_tokens;
mod client_authentication;
