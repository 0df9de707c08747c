//! Admin events.

use super::{DELETE, Store, bounds, filter::Filter};
use crate::Error;
use aws_lc_rs::digest::{SHA256, digest};
use latchkey_api::{
    audit::v1::StoredAdminEvent,
    common::v1::{AdminEvent, Change, Page},
};
use latchkey_platform::{
    database::{Queries, Row, Transaction},
    params,
};
use sqlx::AssertSqlSafe;

/// Which admin events.
#[derive(Clone, Debug, Default)]
pub(crate) struct AdminEventQuery {
    pub(crate) realm_id: String,
    pub(crate) operation_types: Vec<String>,
    pub(crate) resource_types: Vec<String>,
    /// `*` stands for anything.
    pub(crate) resource_path: String,
    pub(crate) auth_realm_id: String,
    pub(crate) auth_client_id: String,
    pub(crate) auth_user_id: String,
    pub(crate) auth_ip_address: String,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    pub(crate) ascending: bool,
    pub(crate) page: Option<Page>,
}

impl Store {
    /// Stores the admin event of a change, in the transaction that also stores how far its log was followed.
    pub(crate) async fn put_admin_event(
        &self,
        transaction: &mut Transaction,
        upstream: &str,
        change: &Change,
        event: &AdminEvent,
    ) -> Result<(), Error> {
        let sql = "INSERT INTO admin_events (realm_id, time_ms, upstream, revision, operation_type, resource_type, \
                   resource_path, auth_realm_id, auth_client_id, auth_user_id, auth_ip_address, event_json) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
        let params = params![
            &change.realm_id,
            change.time_ms,
            upstream,
            change.revision.cast_signed(),
            &event.operation_type,
            &event.resource_type,
            &event.resource_path,
            &event.auth_realm_id,
            &event.auth_client_id,
            &event.auth_user_id,
            &event.ip_address,
            serde_json::to_string(event).map_err(Error::Unwritable)?,
        ];
        transaction.execute(sql, params).await?;
        Ok(())
    }

    /// Events that match, in the order of time.
    pub(crate) async fn admin_events(&self, query: &AdminEventQuery) -> Result<Vec<StoredAdminEvent>, Error> {
        let mut filter = Filter::of_realm(&query.realm_id);
        filter.one_of("operation_type", &query.operation_types);
        filter.one_of("resource_type", &query.resource_types);
        filter.matches("resource_path", &query.resource_path, &self.database);
        filter.equals("auth_realm_id", &query.auth_realm_id);
        filter.equals("auth_client_id", &query.auth_client_id);
        filter.equals("auth_user_id", &query.auth_user_id);
        filter.equals("auth_ip_address", &query.auth_ip_address);
        filter.between(query.from_ms, query.to_ms);
        let (max, first) = bounds(query.page.as_ref());
        let (limit, offset) = (filter.bind(max), filter.bind(first));
        let direction = if query.ascending { "ASC" } else { "DESC" };
        let (conditions, params) = filter.into_parts();
        let sql = format!(
            "SELECT realm_id, time_ms, upstream, revision, event_json FROM admin_events WHERE {conditions} \
             ORDER BY time_ms {direction}, upstream {direction}, revision {direction} LIMIT {limit} OFFSET {offset}"
        );
        self.database.clone().fetch_all(AssertSqlSafe(sql), params).await?.iter().map(stored).collect()
    }

    /// Deletes the admin events of a realm.
    pub(crate) async fn clear_admin_events(&self, realm_id: &str) -> Result<(), Error> {
        self.database
            .clone()
            .execute("DELETE FROM admin_events WHERE realm_id = $1", params![realm_id])
            .await?;
        Ok(())
    }

    /// Deletes some events of before `until_ms`; whether there may be more.
    pub(crate) async fn delete_admin_events_until(&self, until_ms: i64) -> Result<bool, Error> {
        let sql = "DELETE FROM admin_events WHERE (realm_id, time_ms, upstream, revision) IN \
                   (SELECT realm_id, time_ms, upstream, revision FROM admin_events WHERE time_ms < $1 LIMIT $2)";
        let deleted = self.database.clone().execute(sql, params![until_ms, DELETE]).await?;
        Ok(deleted >= DELETE.unsigned_abs())
    }
}

fn stored(row: &Row) -> Result<StoredAdminEvent, Error> {
    let event = serde_json::from_str(&row.text("event_json")?)
        .map_err(|source| Error::Unreadable { table: "admin_events", source })?;
    Ok(StoredAdminEvent {
        id: id(&row.text("upstream")?, row.integer("revision")?),
        time_ms: row.integer("time_ms")?,
        realm_id: row.text("realm_id")?,
        event: Some(event),
    })
}

/// An event's id, a UUID (version 8: by a digest): its change names it, so that it is the same for ever and everywhere.
fn id(upstream: &str, revision: i64) -> String {
    let digest = digest(&SHA256, format!("{upstream}/{revision}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
