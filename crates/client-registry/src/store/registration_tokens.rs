//! Registration access tokens of clients: at most one each, of which the id is kept.

use latchkey_platform::database::Queries;
use latchkey_platform::params;

use super::client_secrets::Of;
use crate::error::Error;

/// Whether a token is the one of a client.
pub(crate) async fn is_current(db: &mut impl Queries, of: Of<'_>, token_id: &str) -> Result<bool, Error> {
    let sql =
        "SELECT token_id FROM registration_tokens WHERE realm_id = $1 AND client_uuid = $2 AND token_id = $3";
    Ok(db.fetch_optional(sql, params![of.realm_id, of.client_uuid, token_id]).await?.is_some())
}

/// Makes a token the one of a client.
pub(crate) async fn set(db: &mut impl Queries, of: Of<'_>, token_id: &str) -> Result<(), Error> {
    let sql = "INSERT INTO registration_tokens (realm_id, client_uuid, token_id) VALUES ($1, $2, $3)
               ON CONFLICT (realm_id, client_uuid) DO UPDATE SET token_id = excluded.token_id";
    db.execute(sql, params![of.realm_id, of.client_uuid, token_id]).await?;
    Ok(())
}
