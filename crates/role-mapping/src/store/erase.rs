//! Taking whole things away: a realm, a client, a role, with all that refers to them.

use latchkey_platform::database::Queries;
use latchkey_platform::params;

use crate::error::Error;

/// Deletes all of a realm.
pub(crate) async fn realm(db: &mut impl Queries, realm_id: &str) -> Result<(), Error> {
    for sql in [
        "DELETE FROM credentials WHERE realm_id = $1",
        "DELETE FROM federated_identities WHERE realm_id = $1",
        "DELETE FROM users WHERE realm_id = $1",
        "DELETE FROM role_mappings WHERE realm_id = $1",
        "DELETE FROM client_scope_assignments WHERE realm_id = $1",
        "DELETE FROM client_scopes WHERE realm_id = $1",
        "DELETE FROM clients WHERE realm_id = $1",
        "DELETE FROM composites WHERE realm_id = $1",
        "DELETE FROM roles WHERE realm_id = $1",
        "DELETE FROM realms WHERE realm_id = $1",
    ] {
        db.execute(sql, params![realm_id]).await?;
    }
    Ok(())
}

/// Deletes what is kept for a client: its roles wherever they are used, its scopes and its own row. Not its account.
pub(crate) async fn client(db: &mut impl Queries, realm_id: &str, client_uuid: &str) -> Result<bool, Error> {
    for sql in [
        "DELETE FROM role_mappings WHERE realm_id = $1
         AND role_id IN (SELECT id FROM roles WHERE realm_id = $1 AND client_uuid = $2)",
        "DELETE FROM composites WHERE realm_id = $1
         AND role_id IN (SELECT id FROM roles WHERE realm_id = $1 AND client_uuid = $2)",
        "DELETE FROM composites WHERE realm_id = $1
         AND contains_id IN (SELECT id FROM roles WHERE realm_id = $1 AND client_uuid = $2)",
        "DELETE FROM roles WHERE realm_id = $1 AND client_uuid = $2",
        "DELETE FROM role_mappings WHERE realm_id = $1 AND holder = 'client' AND holder_id = $2",
        "DELETE FROM client_scope_assignments WHERE realm_id = $1 AND client_uuid = $2",
    ] {
        db.execute(sql, params![realm_id, client_uuid]).await?;
    }
    let sql = "DELETE FROM clients WHERE realm_id = $1 AND id = $2";
    Ok(db.execute(sql, params![realm_id, client_uuid]).await? > 0)
}

/// Deletes a role, out of mappings, scope mappings and composites too; false if there was none.
pub(crate) async fn role(db: &mut impl Queries, realm_id: &str, role_id: &str) -> Result<bool, Error> {
    for sql in [
        "DELETE FROM role_mappings WHERE realm_id = $1 AND role_id = $2",
        "DELETE FROM composites WHERE realm_id = $1 AND role_id = $2",
        "DELETE FROM composites WHERE realm_id = $1 AND contains_id = $2",
    ] {
        db.execute(sql, params![realm_id, role_id]).await?;
    }
    Ok(db.execute("DELETE FROM roles WHERE realm_id = $1 AND id = $2", params![realm_id, role_id]).await? > 0)
}
