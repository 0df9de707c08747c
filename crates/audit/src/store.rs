//! Events in SQLite or PostgreSQL. Every query names its realm.

mod admin;
#[cfg(test)]
mod contract;
mod filter;
mod login;
mod realm;

pub(crate) use admin::AdminEventQuery;
pub(crate) use login::LoginEventQuery;

use latchkey_api::common::v1::Page;
use latchkey_platform::database::Database;

/// The most events that one list answers.
const MAX_LISTED: u32 = 10_000;

/// How many rows one statement deletes, so that nobody waits long behind it.
const DELETE: i64 = 1_000;

/// The events of all realms. Cloning it is a pointer's copy.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
}

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }
}

/// The limit and offset of a page.
fn bounds(page: Option<&Page>) -> (i64, i64) {
    let max = page.and_then(|page| page.max).unwrap_or(MAX_LISTED).min(MAX_LISTED);
    (i64::from(max), i64::from(page.map_or(0, |page| page.first)))
}
