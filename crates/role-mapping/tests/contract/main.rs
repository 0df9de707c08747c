//! What the contract promises, over SQLite and a real PostgreSQL, beside a real registry; always with two realms of equal content.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod federated_identities;
mod imports;
mod setting;
mod sweep;
