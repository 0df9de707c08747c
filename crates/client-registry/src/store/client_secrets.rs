//! Secrets of clients: rows of their own, so that a client can have several that are live. The newest has no end.

use latchkey_platform::database::{Queries, Row};
use latchkey_platform::params;

use crate::error::Error;
use crate::verifier::Verifier;

/// A secret as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredSecret {
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    /// `None` for the newest.
    pub(crate) expires_ms: Option<i64>,
    /// To the minute; `None` for one that was not used yet.
    pub(crate) last_used_ms: Option<i64>,
    /// `None` where only the verifier is kept.
    pub(crate) sealed: Option<Vec<u8>>,
    /// `None` for one that is damaged: it matches nothing.
    pub(crate) verifier: Option<Verifier>,
}

/// Which row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SecretKey {
    pub(crate) realm_id: String,
    pub(crate) client_uuid: String,
    pub(crate) id: String,
}

impl SecretKey {
    pub(crate) fn new(of: Of<'_>, id: &str) -> Self {
        Self { realm_id: of.realm_id.to_owned(), client_uuid: of.client_uuid.to_owned(), id: id.to_owned() }
    }

    /// About how many bytes it takes beside itself.
    pub(crate) fn weight(&self) -> usize {
        self.realm_id.len() + self.client_uuid.len() + self.id.len()
    }
}

/// The client that a secret is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub(crate) realm_id: &'a str,
    pub(crate) client_uuid: &'a str,
}

pub(crate) async fn insert(
    db: &mut impl Queries,
    of: Of<'_>,
    id: &str,
    created_ms: i64,
    sealed: Option<Vec<u8>>,
    verifier: &Verifier,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO client_secrets (realm_id, client_uuid, id, created_ms, expires_ms, sealed, verifier)
               VALUES ($1, $2, $3, $4, NULL, $5, $6)";
    let params = params![of.realm_id, of.client_uuid, id, created_ms, sealed, verifier.as_bytes()];
    db.execute(sql, params).await?;
    Ok(())
}

/// Those that have not ended, the newest first.
pub(crate) async fn live(db: &mut impl Queries, of: Of<'_>, now_ms: i64) -> Result<Vec<StoredSecret>, Error> {
    let sql = "SELECT id, created_ms, expires_ms, last_used_ms, sealed, verifier FROM client_secrets
               WHERE realm_id = $1 AND client_uuid = $2 AND (expires_ms IS NULL OR expires_ms > $3)
               ORDER BY CASE WHEN expires_ms IS NULL THEN 0 ELSE 1 END, created_ms DESC, id";
    let rows = db.fetch_all(sql, params![of.realm_id, of.client_uuid, now_ms]).await?;
    rows.iter().map(secret).collect()
}

/// The newest, if there is one.
pub(crate) async fn newest(db: &mut impl Queries, of: Of<'_>) -> Result<Option<StoredSecret>, Error> {
    let sql = "SELECT id, created_ms, expires_ms, last_used_ms, sealed, verifier FROM client_secrets
               WHERE realm_id = $1 AND client_uuid = $2 AND expires_ms IS NULL";
    let row = db.fetch_optional(sql, params![of.realm_id, of.client_uuid]).await?;
    row.as_ref().map(secret).transpose()
}

/// Forgets what the secrets of a client are: from now on they are only recognised.
pub(crate) async fn forget(db: &mut impl Queries, of: Of<'_>) -> Result<(), Error> {
    let sql = "UPDATE client_secrets SET sealed = NULL WHERE realm_id = $1 AND client_uuid = $2";
    db.execute(sql, params![of.realm_id, of.client_uuid]).await?;
    Ok(())
}

/// Deletes one of those that the newest has replaced, or all of them; says how many there were.
pub(crate) async fn delete_replaced(
    db: &mut impl Queries,
    of: Of<'_>,
    id: Option<&str>,
) -> Result<u64, Error> {
    let sql = "DELETE FROM client_secrets
               WHERE realm_id = $1 AND client_uuid = $2 AND expires_ms IS NOT NULL AND ($3 = 1 OR id = $4)";
    let params = params![of.realm_id, of.client_uuid, i64::from(id.is_none()), id.unwrap_or_default()];
    Ok(db.execute(sql, params).await?)
}

/// Deletes those of all realms that have ended.
pub(crate) async fn delete_ended(db: &mut impl Queries, now_ms: i64) -> Result<(), Error> {
    db.execute("DELETE FROM client_secrets WHERE expires_ms <= $1", params![now_ms]).await?;
    Ok(())
}

/// Notes when a secret was used, if it is still there.
pub(crate) async fn used(db: &mut impl Queries, key: &SecretKey, used_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE client_secrets SET last_used_ms = $4
               WHERE realm_id = $1 AND client_uuid = $2 AND id = $3 AND (last_used_ms IS NULL OR last_used_ms < $4)";
    let SecretKey { realm_id, client_uuid, id } = key;
    db.execute(sql, params![realm_id, client_uuid, id, used_ms]).await?;
    Ok(())
}

/// Lets all of a client end at a time, those that end sooner excepted; and deletes what has ended and, of the rest, all but the
/// `keep` youngest.
pub(crate) async fn retire(
    db: &mut impl Queries,
    of: Of<'_>,
    now_ms: i64,
    until_ms: i64,
    keep: usize,
) -> Result<(), Error> {
    let Of { realm_id, client_uuid } = of;
    let sql = "UPDATE client_secrets SET expires_ms = $3
               WHERE realm_id = $1 AND client_uuid = $2 AND (expires_ms IS NULL OR expires_ms > $3)";
    db.execute(sql, params![realm_id, client_uuid, until_ms]).await?;
    let sql = "DELETE FROM client_secrets WHERE realm_id = $1 AND client_uuid = $2 AND id NOT IN (
             SELECT id FROM client_secrets WHERE realm_id = $1 AND client_uuid = $2 AND expires_ms > $3
             ORDER BY created_ms DESC, id LIMIT $4)";
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    db.execute(sql, params![realm_id, client_uuid, now_ms, keep]).await?;
    Ok(())
}

fn secret(row: &Row) -> Result<StoredSecret, Error> {
    Ok(StoredSecret {
        id: row.text("id")?,
        created_ms: row.integer("created_ms")?,
        expires_ms: row.optional_integer("expires_ms")?,
        last_used_ms: row.optional_integer("last_used_ms")?,
        sealed: row.optional_bytes("sealed")?,
        verifier: Verifier::from_bytes(&row.bytes("verifier")?),
    })
}
