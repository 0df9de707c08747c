//! The OpenID Connect endpoints of a realm.

mod client_authentication;
mod custom_authenticator;
mod delegation;
mod discovery;
mod dpop;
mod encryption;
mod errors;
mod federation;
mod introspect;
mod logout;
mod refresh;
mod resource;
mod revoke;
mod roles;
mod scope;
mod token;
