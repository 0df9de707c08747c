//! The end of a realm: its events go with it.

use super::Store;
use crate::Error;
use latchkey_platform::{
    database::{Queries, Transaction},
    params,
};

/// How long after a realm's deletion something may still come for it: a batch under way, a log followed late.
const LATE_MS: i64 = 3_600_000;

impl Store {
    /// Deletes all events of a realm that was deleted at `time_ms`, and remembers it for a while.
    pub(crate) async fn forget_realm(
        &self,
        transaction: &mut Transaction,
        realm_id: &str,
        time_ms: i64,
    ) -> Result<(), Error> {
        let sql = "INSERT INTO deleted_realms (realm_id, time_ms) VALUES ($1, $2) \
                   ON CONFLICT (realm_id) DO UPDATE SET time_ms = excluded.time_ms";
        transaction.execute(sql, params![realm_id, time_ms]).await?;
        for sql in [
            "DELETE FROM login_events WHERE realm_id = $1 AND time_ms <= $2",
            "DELETE FROM admin_events WHERE realm_id = $1 AND time_ms <= $2",
        ] {
            transaction.execute(sql, params![realm_id, time_ms]).await?;
        }
        Ok(())
    }

    /// Deletes what came too late for realms that had been deleted.
    pub(crate) async fn delete_late_events(&self, now_ms: i64) -> Result<(), Error> {
        let mut database = self.database.clone();
        for row in database.fetch_all("SELECT realm_id, time_ms FROM deleted_realms", params![]).await? {
            let (realm_id, time_ms) = (row.text("realm_id")?, row.integer("time_ms")?);
            for sql in [
                "DELETE FROM login_events WHERE realm_id = $1 AND time_ms <= $2",
                "DELETE FROM admin_events WHERE realm_id = $1 AND time_ms <= $2",
            ] {
                database.execute(sql, params![&realm_id, time_ms]).await?;
            }
        }
        database.execute("DELETE FROM deleted_realms WHERE time_ms < $1", params![now_ms - LATE_MS]).await?;
        Ok(())
    }
}
