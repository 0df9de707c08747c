//! Login events.

use super::{DELETE, Store, bounds, filter::Filter};
use crate::Error;
use latchkey_api::{audit::v1::LoginEvent, common::v1::Page};
use latchkey_platform::{
    database::{Params, Queries},
    params,
};
use sqlx::AssertSqlSafe;
use std::fmt::Write;

/// Rows of one statement. Few different numbers, so that the prepared statements stay few.
const ROWS: [usize; 3] = [128, 16, 1];

const COLUMNS: [&str; 9] =
    ["realm_id", "time_ms", "id", "type", "client_id", "user_id", "ip_address", "expires_ms", "event_json"];

/// Which login events.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoginEventQuery {
    pub(crate) realm_id: String,
    pub(crate) types: Vec<String>,
    pub(crate) client_id: String,
    pub(crate) user_id: String,
    pub(crate) ip_address: String,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    pub(crate) ascending: bool,
    pub(crate) page: Option<Page>,
}

impl Store {
    /// Stores events, all or none. One that is stored already (a batch sent twice) stays as it is.
    pub(crate) async fn put_login_events(&self, events: &[LoginEvent]) -> Result<(), Error> {
        let rows = events.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        if let [row] = rows.as_slice() {
            self.database.clone().execute(AssertSqlSafe(insert(1)), row.clone()).await?;
            return Ok(());
        }
        let mut transaction = self.database.begin().await?;
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let size = ROWS.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
            let (chunk, others) = rest.split_at(size);
            transaction.execute(AssertSqlSafe(insert(size)), chunk.concat()).await?;
            rest = others;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Events that match, in the order of time.
    pub(crate) async fn login_events(
        &self,
        query: &LoginEventQuery,
        now_ms: i64,
    ) -> Result<Vec<LoginEvent>, Error> {
        let mut filter = Filter::of_realm(&query.realm_id);
        let now = filter.bind(now_ms);
        filter.and(&format!("(expires_ms IS NULL OR expires_ms > {now})"));
        filter.one_of("type", &query.types);
        filter.equals("client_id", &query.client_id);
        filter.equals("user_id", &query.user_id);
        filter.equals("ip_address", &query.ip_address);
        filter.between(query.from_ms, query.to_ms);
        let (max, first) = bounds(query.page.as_ref());
        let (limit, offset) = (filter.bind(max), filter.bind(first));
        let direction = if query.ascending { "ASC" } else { "DESC" };
        let (conditions, params) = filter.into_parts();
        let sql = format!(
            "SELECT event_json FROM login_events WHERE {conditions} \
             ORDER BY time_ms {direction}, id {direction} LIMIT {limit} OFFSET {offset}"
        );
        let rows = self.database.clone().fetch_all(AssertSqlSafe(sql), params).await?;
        rows.iter()
            .map(|row| {
                serde_json::from_str(&row.text("event_json")?)
                    .map_err(|source| Error::Unreadable { table: "login_events", source })
            })
            .collect()
    }

    /// Deletes the login events of a realm.
    pub(crate) async fn clear_login_events(&self, realm_id: &str) -> Result<(), Error> {
        self.database
            .clone()
            .execute("DELETE FROM login_events WHERE realm_id = $1", params![realm_id])
            .await?;
        Ok(())
    }

    /// Deletes some events that have expired; whether there may be more.
    pub(crate) async fn delete_expired_logins(&self, now_ms: i64) -> Result<bool, Error> {
        let sql = "DELETE FROM login_events WHERE (realm_id, time_ms, id) IN \
                   (SELECT realm_id, time_ms, id FROM login_events WHERE expires_ms <= $1 LIMIT $2)";
        let deleted = self.database.clone().execute(sql, params![now_ms, DELETE]).await?;
        Ok(deleted >= DELETE.unsigned_abs())
    }
}

fn row(event: &LoginEvent) -> Result<Params, Error> {
    let retention_ms =
        Some(event.retention_s).filter(|seconds| *seconds > 0).map(|seconds| seconds.saturating_mul(1_000));
    let expires_ms = retention_ms.map(|retention| event.time_ms.saturating_add(retention));
    let json = serde_json::to_string(event).map_err(Error::Unwritable)?;
    Ok(params![
        &event.realm_id,
        event.time_ms,
        &event.id,
        &event.r#type,
        &event.client_id,
        &event.user_id,
        &event.ip_address,
        expires_ms,
        json,
    ])
}

/// The statement that stores so many rows.
fn insert(rows: usize) -> String {
    let mut sql = format!("INSERT INTO login_events ({}) VALUES ", COLUMNS.join(", "));
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=COLUMNS.len() {
            let comma = if column == 1 { "" } else { ", " };
            write!(sql, "{comma}${}", row * COLUMNS.len() + column).expect("a string grows");
        }
        sql.push(')');
    }
    sql.push_str(" ON CONFLICT DO NOTHING");
    sql
}
