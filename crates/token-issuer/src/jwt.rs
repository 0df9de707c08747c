//! JSON Web Tokens: signed and verified.

mod claims;
mod issue;
mod payload;
mod verify;
