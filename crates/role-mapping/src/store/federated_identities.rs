//! Accounts of users at identity providers.

use latchkey_api::roles::v1::FederatedIdentity;
use latchkey_platform::database::{self, Queries, Row};
use latchkey_platform::params;

use crate::error::Error;

const TABLE: &str = "federated_identities";

pub(crate) async fn insert(
    db: &mut impl Queries,
    (realm_id, user_id): (&str, &str),
    identity: &FederatedIdentity,
    linked_ms: i64,
) -> Result<(), Error> {
    let FederatedIdentity { identity_provider, external_user_id, external_username } = identity;
    let sql = "INSERT INTO federated_identities
               (realm_id, user_id, identity_provider, external_user_id, external_username, linked_ms)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let params =
        params![realm_id, user_id, identity_provider, external_user_id, external_username, linked_ms];
    db.execute(sql, params).await.map_err(taken)?;
    Ok(())
}

/// In the order in which they were made.
pub(crate) async fn list(
    db: &mut impl Queries,
    realm_id: &str,
    user_id: &str,
) -> Result<Vec<FederatedIdentity>, Error> {
    let sql = "SELECT identity_provider, external_user_id, external_username FROM federated_identities
               WHERE realm_id = $1 AND user_id = $2 ORDER BY linked_ms, identity_provider";
    db.fetch_all(sql, params![realm_id, user_id]).await?.iter().map(identity).collect()
}

/// The ids of the users who are linked to an account, two of them at the most.
pub(crate) async fn users_of(
    db: &mut impl Queries,
    realm_id: &str,
    identity_provider: &str,
    external_user_id: &str,
) -> Result<Vec<String>, Error> {
    let sql = "SELECT user_id FROM federated_identities
               WHERE realm_id = $1 AND identity_provider = $2 AND external_user_id = $3 LIMIT 2";
    let rows = db.fetch_all(sql, params![realm_id, identity_provider, external_user_id]).await?;
    rows.iter().map(|row| Ok(row.text("user_id")?)).collect()
}

/// False if there was none.
pub(crate) async fn delete(
    db: &mut impl Queries,
    (realm_id, user_id): (&str, &str),
    identity_provider: &str,
) -> Result<bool, Error> {
    let sql =
        "DELETE FROM federated_identities WHERE realm_id = $1 AND user_id = $2 AND identity_provider = $3";
    Ok(db.execute(sql, params![realm_id, user_id, identity_provider]).await? > 0)
}

/// Deletes the links of all users to an identity provider.
pub(crate) async fn delete_all_of(
    db: &mut impl Queries,
    realm_id: &str,
    identity_provider: &str,
) -> Result<(), Error> {
    let sql = "DELETE FROM federated_identities WHERE realm_id = $1 AND identity_provider = $2";
    db.execute(sql, params![realm_id, identity_provider]).await?;
    Ok(())
}

fn identity(row: &Row) -> Result<FederatedIdentity, Error> {
    Ok(FederatedIdentity {
        identity_provider: row.text("identity_provider")?,
        external_user_id: row.text("external_user_id")?,
        external_username: row.text("external_username")?,
    })
}

fn taken(error: database::Error) -> Error {
    if error.is_unique_violation_on(TABLE) { Error::FederatedIdentityExists } else { Error::Database(error) }
}
