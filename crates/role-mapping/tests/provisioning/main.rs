//! What the contract promises, over SQLite and a real PostgreSQL; always with two realms of equal content.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod imports;
mod setting;
mod sweep;
