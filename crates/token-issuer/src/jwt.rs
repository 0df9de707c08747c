//! JSON Web Tokens: signed and verified.

mod claims;
mod issue;
mod not_before;
mod payload;
mod verify;
