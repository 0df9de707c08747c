//! Realms whose keys are rotated: their settings, and when there is something to do.

use latchkey_platform::database::{self, Queries, Row, Transaction};
use latchkey_platform::params;

use crate::error::Error;
use crate::rotation::schedule::Rotation;

/// Never.
pub(crate) const NEVER_MS: i64 = i64::MAX;

const COLUMNS: &str = "interval_s, publish_ahead_s, keep_s, keep_until_ms";

/// A realm's settings; none where its keys stay.
pub(crate) async fn find(db: &mut impl Queries, realm_id: &str) -> Result<Option<Rotation>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM key_rotations WHERE realm_id = $1 AND interval_s > 0");
    let row = db.fetch_optional(sqlx::AssertSqlSafe(sql), params![realm_id]).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// As [`find`], and nobody else changes them or says that there is something to do until the transaction ends. Also where keys stay
/// by now: then the interval is 0.
pub(crate) async fn lock(tx: &mut Transaction, realm_id: &str) -> Result<Option<Rotation>, Error> {
    let sql = format!("UPDATE key_rotations SET due_ms = due_ms WHERE realm_id = $1 RETURNING {COLUMNS}");
    let row = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![realm_id]).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// Stores a realm's settings, which are to be looked at now.
pub(crate) async fn put(tx: &mut Transaction, realm_id: &str, rotation: &Rotation) -> Result<(), Error> {
    let sql = "INSERT INTO key_rotations (realm_id, interval_s, publish_ahead_s, keep_s, keep_until_ms, due_ms)
               VALUES ($1, $2, $3, $4, $5, 0)
               ON CONFLICT (realm_id) DO UPDATE SET interval_s = excluded.interval_s, publish_ahead_s = excluded.publish_ahead_s,
                   keep_s = excluded.keep_s, keep_until_ms = excluded.keep_until_ms, due_ms = 0";
    let params = params![
        realm_id,
        rotation.interval_ms / 1000,
        rotation.publish_ahead_ms / 1000,
        rotation.keep_ms / 1000,
        rotation.keep_until_ms,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// A realm's keys stay from now on. What was promised of them is remembered.
pub(crate) async fn stop(tx: &mut Transaction, realm_id: &str) -> Result<(), Error> {
    let sql = "UPDATE key_rotations SET interval_s = 0, due_ms = $2 WHERE realm_id = $1";
    tx.execute(sql, params![realm_id, NEVER_MS]).await?;
    Ok(())
}

/// Says when there is something to do next.
pub(crate) async fn set_due(tx: &mut Transaction, realm_id: &str, due_ms: i64) -> Result<(), Error> {
    tx.execute("UPDATE key_rotations SET due_ms = $2 WHERE realm_id = $1", params![realm_id, due_ms]).await?;
    Ok(())
}

/// Has a realm looked at whose keys somebody else changes. To be called before they are: so all take the locks in one order.
pub(crate) async fn look_again(tx: &mut Transaction, realm_id: &str) -> Result<(), Error> {
    let sql = "UPDATE key_rotations SET due_ms = 0 WHERE realm_id = $1 AND interval_s > 0";
    tx.execute(sql, params![realm_id]).await?;
    Ok(())
}

/// Takes up to `most` realms with something to do. Nobody else takes them until `until_ms`.
pub(crate) async fn claim(
    tx: &mut Transaction,
    now_ms: i64,
    until_ms: i64,
    most: i64,
) -> Result<Vec<String>, Error> {
    let sql = "UPDATE key_rotations SET due_ms = $2
               WHERE due_ms <= $1
                 AND realm_id IN (SELECT realm_id FROM key_rotations WHERE due_ms <= $1 ORDER BY due_ms LIMIT $3)
               RETURNING realm_id";
    let rows = tx.fetch_all(sql, params![now_ms, until_ms, most]).await?;
    rows.iter().map(|row| Ok(row.text("realm_id")?)).collect()
}

fn read(row: &Row) -> Result<Rotation, database::Error> {
    let ms = |column| Ok::<_, database::Error>(row.integer(column)?.saturating_mul(1000));
    Ok(Rotation {
        interval_ms: ms("interval_s")?,
        publish_ahead_ms: ms("publish_ahead_s")?,
        keep_ms: ms("keep_s")?,
        keep_until_ms: row.integer("keep_until_ms")?,
    })
}
