//! What is stored, and the statements that read and write it. Each names the realm first, so none can forget the tenant.
//!
//! The statements run unchanged on PostgreSQL and SQLite. What is only kept stands in a JSON document of the contract's message,
//! beside columns for what is searched, ordered or compared.

pub(crate) mod client_secrets;
pub(crate) mod clients;
pub(crate) mod federated_subjects;
pub(crate) mod identity_providers;
pub(crate) mod initial_access;
pub(crate) mod realms;
pub(crate) mod registration_tokens;

use latchkey_platform::database::{Migration, Migrations};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// The steps of the schema, for [`latchkey_platform::database::Database::open`].
pub const MIGRATIONS: Migrations = &[
    Migration {
        version: 1,
        description: "realms, clients, client secrets",
        postgres: include_str!("../migrations/postgres/0001_clients.sql"),
        sqlite: include_str!("../migrations/sqlite/0001_clients.sql"),
    },
    Migration {
        version: 2,
        description: "initial access tokens, registration access tokens",
        postgres: include_str!("../migrations/postgres/0002_registration.sql"),
        sqlite: include_str!("../migrations/sqlite/0002_registration.sql"),
    },
    Migration {
        version: 3,
        description: "identity providers, federated subjects",
        postgres: include_str!("../migrations/postgres/0003_identity_providers.sql"),
        sqlite: include_str!("../migrations/sqlite/0003_identity_providers.sql"),
    },
    Migration {
        version: 4,
        description: "when a client secret was last used",
        postgres: include_str!("../migrations/postgres/0004_secret_uses.sql"),
        sqlite: include_str!("../migrations/sqlite/0004_secret_uses.sql"),
    },
    Migration {
        version: 5,
        description: "which clients have an admin URL",
        postgres: include_str!("../migrations/postgres/0005_admin_urls.sql"),
        sqlite: include_str!("../migrations/sqlite/0005_admin_urls.sql"),
    },
];

/// Whether a text can be stored, and so be found. PostgreSQL has no zero bytes in texts.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

fn document(table: &'static str, id: &str, message: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(message).map_err(|source| Error::Unreadable { table, id: id.to_owned(), source })
}

fn read<T: DeserializeOwned>(table: &'static str, id: &str, document: &str) -> Result<T, Error> {
    serde_json::from_str(document).map_err(|source| Error::Unreadable { table, id: id.to_owned(), source })
}
