//! Initial access tokens.

use latchkey_api::registry::v1::InitialAccess;
use latchkey_platform::database::{self, Queries, Row, Violation};
use latchkey_platform::params;

use crate::error::Error;

/// How long one that is used up or has expired can still be told from one that never was.
const KEPT_MS: i64 = 15 * 60 * 1000;

pub(crate) async fn insert(
    db: &mut impl Queries,
    realm_id: &str,
    access: &InitialAccess,
) -> Result<(), Error> {
    let InitialAccess { id, created_ms, expiration_s, count, remaining } = access;
    let expires_ms = match expiration_s {
        0 => 0,
        seconds => created_ms.saturating_add(seconds.saturating_mul(1000)),
    };
    let sql = "INSERT INTO initial_access
               (realm_id, id, created_ms, expiration_s, expires_ms, uses, remaining, changed_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $3)";
    let (count, remaining) = (i64::from(*count), i64::from(*remaining));
    let params = params![realm_id, id, *created_ms, *expiration_s, expires_ms, count, remaining];
    db.execute(sql, params).await.map_err(refused)?;
    Ok(())
}

pub(crate) async fn find(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<InitialAccess>, Error> {
    let sql = "SELECT id, created_ms, expiration_s, uses, remaining FROM initial_access
               WHERE realm_id = $1 AND id = $2";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(initial_access).transpose()
}

/// In the order in which they were made.
pub(crate) async fn list(db: &mut impl Queries, realm_id: &str) -> Result<Vec<InitialAccess>, Error> {
    let sql = "SELECT id, created_ms, expiration_s, uses, remaining FROM initial_access
               WHERE realm_id = $1 ORDER BY created_ms, id";
    db.fetch_all(sql, params![realm_id]).await?.iter().map(initial_access).collect()
}

/// Uses one once; false if it is not there, used up, or expired. Whoever else uses it waits until the transaction ends.
pub(crate) async fn take(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    let sql = "UPDATE initial_access SET remaining = remaining - 1, changed_ms = $3
               WHERE realm_id = $1 AND id = $2 AND remaining > 0 AND (expires_ms = 0 OR expires_ms > $3)";
    Ok(db.execute(sql, params![realm_id, id, now_ms]).await? > 0)
}

/// Deletes one; false if it is not there.
pub(crate) async fn delete(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM initial_access WHERE realm_id = $1 AND id = $2";
    Ok(db.execute(sql, params![realm_id, id]).await? > 0)
}

/// Deletes those of a realm that have been of no use for a while.
pub(crate) async fn purge(db: &mut impl Queries, realm_id: &str, now_ms: i64) -> Result<(), Error> {
    let sql = "DELETE FROM initial_access WHERE realm_id = $1
               AND ((remaining <= 0 AND changed_ms < $2) OR (expires_ms > 0 AND expires_ms < $2))";
    db.execute(sql, params![realm_id, now_ms.saturating_sub(KEPT_MS)]).await?;
    Ok(())
}

fn initial_access(row: &Row) -> Result<InitialAccess, Error> {
    let number = |column| Ok::<_, Error>(i32::try_from(row.integer(column)?).unwrap_or_default());
    Ok(InitialAccess {
        id: row.text("id")?,
        created_ms: row.integer("created_ms")?,
        expiration_s: row.integer("expiration_s")?,
        count: number("uses")?,
        remaining: number("remaining")?,
    })
}

fn refused(error: database::Error) -> Error {
    match &error {
        database::Error::Violation { violation: Violation::ForeignKey, .. } => Error::RealmNotFound,
        error if error.is_unique_violation_on("initial_access") => Error::IdExists,
        _ => Error::Database(error),
    }
}
