//! Realms, as far as this service knows them.

use latchkey_platform::database::{Queries, Transaction};
use latchkey_platform::params;
use latchkey_platform::vault::Vault;

use crate::error::Error;

/// Enters a realm that is not published yet; false if it is there.
pub(crate) async fn insert(tx: &mut Transaction, realm_id: &str) -> Result<bool, Error> {
    let sql = "INSERT INTO realms (realm_id, next_position, published) VALUES ($1, 0, 0) ON CONFLICT (realm_id) DO NOTHING";
    Ok(tx.execute(sql, params![realm_id]).await? > 0)
}

pub(crate) async fn exists(db: &mut impl Queries, realm_id: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 AS found FROM realms WHERE realm_id = $1";
    Ok(db.fetch_optional(sql, params![realm_id]).await?.is_some())
}

/// Notes that the registry has a realm.
pub(crate) async fn publish(tx: &mut Transaction, realm_id: &str) -> Result<(), Error> {
    tx.execute("UPDATE realms SET published = 1 WHERE realm_id = $1", params![realm_id]).await?;
    Ok(())
}

/// The realms of which it is not known that the registry has them.
pub(crate) async fn unpublished(db: &mut impl Queries) -> Result<Vec<String>, Error> {
    let rows = db.fetch_all("SELECT realm_id FROM realms WHERE published = 0", params![]).await?;
    rows.iter().map(|row| Ok(row.text("realm_id")?)).collect()
}

/// Whether any realm has been provisioned.
pub(crate) async fn any(db: &mut impl Queries) -> Result<bool, Error> {
    Ok(db.fetch_optional("SELECT realm_id FROM realms LIMIT 1", params![]).await?.is_some())
}

/// Locks a realm's keys until the transaction ends, and gives the next provider's position; none if there is no such realm.
pub(crate) async fn lock(tx: &mut Transaction, realm_id: &str) -> Result<Option<i64>, Error> {
    let sql =
        "UPDATE realms SET next_position = next_position + 1 WHERE realm_id = $1 RETURNING next_position";
    let row = tx.fetch_optional(sql, params![realm_id]).await?;
    Ok(row.map(|row| row.integer("next_position")).transpose()?)
}

/// Deletes all of a realm, its data key too.
pub(crate) async fn erase(tx: &mut Transaction, vault: &Vault, realm_id: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM realms WHERE realm_id = $1", params![realm_id]).await?;
    tx.execute("DELETE FROM key_rotations WHERE realm_id = $1", params![realm_id]).await?;
    tx.execute("DELETE FROM key_providers WHERE realm_id = $1", params![realm_id]).await?;
    Ok(vault.forget(tx, realm_id).await?)
}
