//! What the contract promises, over SQLite and a real PostgreSQL; always with two realms that hold the same.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod attacks;
mod fallback;
mod given_keys;
mod key_providers;
mod lifetimes;
mod not_before;
mod realms;
mod rotation;
mod round_trips;
mod setting;
mod uploaded;
