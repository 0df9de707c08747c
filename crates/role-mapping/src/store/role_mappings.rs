//! Which roles a user holds, and which a client or client scope lets through.

use latchkey_api::roles::v1::RoleHolder;
use latchkey_platform::database::{Queries, Row};
use latchkey_platform::params;

use super::insert_all;
use crate::error::Error;

/// The kind and id of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder<'a> {
    User(&'a str),
    Client(&'a str),
    ClientScope(&'a str),
}

impl<'a> Holder<'a> {
    /// The one that is set; `None` if none or several are.
    pub(crate) fn of(holder: &'a RoleHolder) -> Option<Self> {
        match (holder.user_id.as_str(), holder.client_uuid.as_str(), holder.client_scope_id.as_str()) {
            (id, "", "") if !id.is_empty() => Some(Self::User(id)),
            ("", id, "") if !id.is_empty() => Some(Self::Client(id)),
            ("", "", id) if !id.is_empty() => Some(Self::ClientScope(id)),
            _ => None,
        }
    }

    /// As the columns `holder` and `holder_id` have it.
    pub(crate) fn key(self) -> (&'static str, &'a str) {
        match self {
            Self::User(id) => ("user", id),
            Self::Client(id) => ("client", id),
            Self::ClientScope(id) => ("client_scope", id),
        }
    }
}

/// Adds roles; those that are there stay.
pub(crate) async fn add(
    db: &mut impl Queries,
    realm_id: &str,
    holder: Holder<'_>,
    role_ids: &[String],
) -> Result<(), Error> {
    let (kind, id) = holder.key();
    let rows = role_ids.iter().map(|role| params![realm_id, kind, id, role]).collect();
    insert_all(db, "role_mappings (realm_id, holder, holder_id, role_id)", rows, "ON CONFLICT DO NOTHING")
        .await?;
    Ok(())
}

pub(crate) async fn remove(
    db: &mut impl Queries,
    realm_id: &str,
    holder: Holder<'_>,
    role_ids: &[String],
) -> Result<(), Error> {
    let (kind, id) = holder.key();
    let sql =
        "DELETE FROM role_mappings WHERE realm_id = $1 AND holder = $2 AND holder_id = $3 AND role_id = $4";
    for role in role_ids {
        db.execute(sql, params![realm_id, kind, id, role]).await?;
    }
    Ok(())
}

/// The ids of the roles that a holder has directly.
pub(crate) async fn role_ids(
    db: &mut impl Queries,
    realm_id: &str,
    holder: Holder<'_>,
) -> Result<Vec<String>, Error> {
    let (kind, id) = holder.key();
    let sql = "SELECT role_id FROM role_mappings WHERE realm_id = $1 AND holder = $2 AND holder_id = $3";
    let rows = db.fetch_all(sql, params![realm_id, kind, id]).await?;
    rows.iter().map(|row| Ok(row.text("role_id")?)).collect()
}

/// The scope mappings of all client scopes: columns holder_id and role_id.
pub(crate) async fn of_client_scopes(db: &mut impl Queries, realm_id: &str) -> Result<Vec<Row>, Error> {
    let sql = "SELECT holder_id, role_id FROM role_mappings WHERE realm_id = $1 AND holder = 'client_scope'";
    Ok(db.fetch_all(sql, params![realm_id]).await?)
}
