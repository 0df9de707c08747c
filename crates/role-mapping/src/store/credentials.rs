//! Passwords, hashed.

use latchkey_platform::database::Queries;
use latchkey_platform::params;

use crate::error::Error;

pub(crate) async fn set_password(
    db: &mut impl Queries,
    realm_id: &str,
    user_id: &str,
    hash: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let sql = "INSERT INTO credentials (realm_id, user_id, kind, hash, created_ms) VALUES ($1, $2, 'password', $3, $4)
               ON CONFLICT (realm_id, user_id, kind) DO UPDATE SET hash = excluded.hash, created_ms = excluded.created_ms";
    db.execute(sql, params![realm_id, user_id, hash, now_ms]).await?;
    Ok(())
}

pub(crate) async fn password(
    db: &mut impl Queries,
    realm_id: &str,
    user_id: &str,
) -> Result<Option<String>, Error> {
    let sql = "SELECT hash FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'password'";
    let row = db.fetch_optional(sql, params![realm_id, user_id]).await?;
    Ok(row.map(|row| row.text("hash")).transpose()?)
}
