//! What is stored, and the statements that read and write it. Each names the realm first, so none can forget the tenant.
//!
//! The statements run unchanged on PostgreSQL and SQLite. What is only kept stands in a JSON document of the contract's
//! message, beside columns for what is searched, ordered or joined by.

pub(crate) mod client_scopes;
pub(crate) mod clients;
pub(crate) mod credentials;
pub(crate) mod erase;
pub(crate) mod federated_identities;
pub(crate) mod realms;
pub(crate) mod role_mappings;
pub(crate) mod roles;
pub(crate) mod user_search;
pub(crate) mod users;

use latchkey_api::common::v1::Page;
use latchkey_platform::database::{self, Migration, Migrations, Params, Queries};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;

use crate::error::Error;

/// The steps of the schema, for [`latchkey_platform::database::Database::open`].
pub const MIGRATIONS: Migrations = &[
    Migration {
        version: 1,
        description: "roles, client scopes, users",
        postgres: include_str!("../migrations/postgres/0001_roles.sql"),
        sqlite: include_str!("../migrations/sqlite/0001_roles.sql"),
    },
    Migration {
        version: 2,
        description: "federated identities",
        postgres: include_str!("../migrations/postgres/0002_federated_identities.sql"),
        sqlite: include_str!("../migrations/sqlite/0002_federated_identities.sql"),
    },
];

/// Rows that go into a table with one statement. Both databases limit the number of parameters.
const ROWS_AT_ONCE: usize = 500;

/// Inserts many rows. `into` is `table (columns)`; `conflict` is empty or an ON CONFLICT clause.
async fn insert_all(
    db: &mut impl Queries,
    into: &'static str,
    rows: Vec<Params>,
    conflict: &'static str,
) -> Result<(), database::Error> {
    let mut rows = rows.into_iter().peekable();
    while let Some(first) = rows.peek() {
        let width = first.len();
        let batch: Vec<Params> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        let values: Vec<String> = (0..batch.len()).map(|row| placeholders(row * width + 1, width)).collect();
        let sql = format!("INSERT INTO {into} VALUES {} {conflict}", values.join(", "));
        db.execute(AssertSqlSafe(sql), batch.into_iter().flatten().collect()).await?;
    }
    Ok(())
}

/// `($3, $4)`: a list of parameters.
fn placeholders(first: usize, count: usize) -> String {
    let names: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    format!("({})", names.join(", "))
}

/// Values for LIMIT and OFFSET.
fn limit(page: Option<&Page>) -> (i64, i64) {
    let page = page.copied().unwrap_or_default();
    (page.max.map_or(i64::MAX, i64::from), i64::from(page.first))
}

/// A LIKE pattern (escape `\`) for a text anywhere in a column.
fn anywhere(text: &str) -> String {
    format!("%{}%", escaped(text))
}

fn escaped(text: &str) -> String {
    text.to_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

fn document(table: &'static str, id: &str, message: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(message).map_err(|source| Error::Unreadable { table, id: id.to_owned(), source })
}

fn read<T: DeserializeOwned>(table: &'static str, id: &str, document: &str) -> Result<T, Error> {
    serde_json::from_str(document).map_err(|source| Error::Unreadable { table, id: id.to_owned(), source })
}
