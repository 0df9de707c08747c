//! What is stored, and the statements that read and write it. Each names the realm first, so none can forget the tenant.
//!
//! The statements run unchanged on PostgreSQL and SQLite.

pub(crate) mod key_providers;
pub(crate) mod key_rotations;
pub(crate) mod realms;

use latchkey_platform::database::{Migration, Migrations};

/// The steps of the schema, for [`latchkey_platform::database::Database::open`].
pub const MIGRATIONS: Migrations = &[
    Migration {
        version: 1,
        description: "realm keys",
        postgres: include_str!("../migrations/postgres/0001_keys.sql"),
        sqlite: include_str!("../migrations/sqlite/0001_keys.sql"),
    },
    Migration {
        version: 2,
        description: "published realms",
        postgres: include_str!("../migrations/postgres/0002_published.sql"),
        sqlite: include_str!("../migrations/sqlite/0002_published.sql"),
    },
    Migration {
        version: 3,
        description: "key rotation",
        postgres: include_str!("../migrations/postgres/0003_rotation.sql"),
        sqlite: include_str!("../migrations/sqlite/0003_rotation.sql"),
    },
];
