//! Client scopes, and on whose lists they stand.

use latchkey_api::roles::v1::ClientScope;
use latchkey_platform::database::{self, Queries, Row};
use latchkey_platform::params;

use super::{document, insert_all, read};
use crate::error::Error;

/// The owner of the realm's own lists, where a client's UUID stands otherwise.
pub(crate) const REALM: &str = "";

pub(crate) async fn insert(db: &mut impl Queries, scope: &ClientScope) -> Result<(), Error> {
    insert_many(db, std::slice::from_ref(scope)).await
}

pub(crate) async fn insert_many(db: &mut impl Queries, scopes: &[ClientScope]) -> Result<(), Error> {
    let rows = scopes
        .iter()
        .map(|scope| {
            let document = document("client_scopes", &scope.id, scope)?;
            Ok(params![&scope.realm_id, &scope.id, &scope.name, &scope.protocol, document])
        })
        .collect::<Result<_, Error>>()?;
    insert_all(db, "client_scopes (realm_id, id, name, protocol, document)", rows, "").await.map_err(taken)
}

pub(crate) async fn update(db: &mut impl Queries, scope: &ClientScope) -> Result<(), Error> {
    let document = document("client_scopes", &scope.id, scope)?;
    let sql =
        "UPDATE client_scopes SET name = $3, protocol = $4, document = $5 WHERE realm_id = $1 AND id = $2";
    db.execute(sql, params![&scope.realm_id, &scope.id, &scope.name, &scope.protocol, document])
        .await
        .map_err(taken)?;
    Ok(())
}

fn taken(error: database::Error) -> Error {
    match error {
        error if error.is_unique_violation_on("name") => Error::ClientScopeExists,
        error if error.is_unique_violation_on("client_scopes") => Error::IdExists,
        error => Error::Database(error),
    }
}

pub(crate) async fn find(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<ClientScope>, Error> {
    let sql = "SELECT id, realm_id, name, document FROM client_scopes WHERE realm_id = $1 AND id = $2";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(scope).transpose()
}

/// The id of the scope with a name.
pub(crate) async fn find_id(
    db: &mut impl Queries,
    realm_id: &str,
    name: &str,
) -> Result<Option<String>, Error> {
    let sql = "SELECT id FROM client_scopes WHERE realm_id = $1 AND name = $2";
    let row = db.fetch_optional(sql, params![realm_id, name]).await?;
    Ok(row.map(|row| row.text("id")).transpose()?)
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub(crate) async fn find_locked(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<ClientScope>, Error> {
    let sql = "UPDATE client_scopes SET name = name WHERE realm_id = $1 AND id = $2
               RETURNING id, realm_id, name, document";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(scope).transpose()
}

/// All client scopes in the order of their names.
pub(crate) async fn list(db: &mut impl Queries, realm_id: &str) -> Result<Vec<ClientScope>, Error> {
    let sql = "SELECT id, realm_id, name, document FROM client_scopes WHERE realm_id = $1 ORDER BY name";
    db.fetch_all(sql, params![realm_id]).await?.iter().map(scope).collect()
}

/// Deletes a scope with its assignments and scope mappings; false if there was none.
pub(crate) async fn delete(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<bool, Error> {
    for sql in [
        "DELETE FROM client_scope_assignments WHERE realm_id = $1 AND client_scope_id = $2",
        "DELETE FROM role_mappings WHERE realm_id = $1 AND holder = 'client_scope' AND holder_id = $2",
    ] {
        db.execute(sql, params![realm_id, id]).await?;
    }
    let sql = "DELETE FROM client_scopes WHERE realm_id = $1 AND id = $2";
    Ok(db.execute(sql, params![realm_id, id]).await? > 0)
}

/// A scope on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// A client, or [`REALM`].
    pub(crate) client_uuid: String,
    pub(crate) client_scope_id: String,
    pub(crate) optional: bool,
}

/// Puts scopes on lists; one that its owner has already stays as it is.
pub(crate) async fn assign(
    db: &mut impl Queries,
    realm_id: &str,
    assignments: &[Assignment],
) -> Result<(), Error> {
    let rows = assignments
        .iter()
        .map(|a| params![realm_id, &a.client_uuid, &a.client_scope_id, a.optional])
        .collect();
    let into = "client_scope_assignments (realm_id, client_uuid, client_scope_id, optional)";
    insert_all(db, into, rows, "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

/// Takes a scope off one of its owner's two lists.
pub(crate) async fn unassign(
    db: &mut impl Queries,
    realm_id: &str,
    assignment: &Assignment,
) -> Result<bool, Error> {
    let sql = "DELETE FROM client_scope_assignments
               WHERE realm_id = $1 AND client_uuid = $2 AND client_scope_id = $3 AND optional = $4";
    let Assignment { client_uuid, client_scope_id, optional } = assignment;
    Ok(db.execute(sql, params![realm_id, client_uuid, client_scope_id, *optional]).await? > 0)
}

/// Empties both lists of an owner.
pub(crate) async fn unassign_all(
    db: &mut impl Queries,
    realm_id: &str,
    client_uuid: &str,
) -> Result<(), Error> {
    let sql = "DELETE FROM client_scope_assignments WHERE realm_id = $1 AND client_uuid = $2";
    db.execute(sql, params![realm_id, client_uuid]).await?;
    Ok(())
}

/// The scopes on an owner's two lists, with whether they are optional, in the order of their names.
pub(crate) async fn assigned(
    db: &mut impl Queries,
    realm_id: &str,
    client_uuid: &str,
) -> Result<Vec<(ClientScope, bool)>, Error> {
    let sql = "SELECT s.id, s.realm_id, s.name, s.document, a.optional FROM client_scope_assignments a
               JOIN client_scopes s ON s.realm_id = a.realm_id AND s.id = a.client_scope_id
               WHERE a.realm_id = $1 AND a.client_uuid = $2 ORDER BY s.name";
    let rows = db.fetch_all(sql, params![realm_id, client_uuid]).await?;
    rows.iter().map(|row| Ok((scope(row)?, row.boolean("optional")?))).collect()
}

/// A scope that clients can have.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The realm's list that it is on, if any: whether that is the optional one.
    pub(crate) optional: Option<bool>,
}

/// The scopes that clients of a realm can have, in the order of their names.
pub(crate) async fn choices(db: &mut impl Queries, realm_id: &str) -> Result<Vec<Choice>, Error> {
    let sql = "SELECT s.id, s.name, a.optional FROM client_scopes s LEFT JOIN client_scope_assignments a
               ON a.realm_id = s.realm_id AND a.client_scope_id = s.id AND a.client_uuid = ''
               WHERE s.realm_id = $1 AND s.protocol = 'openid-connect' ORDER BY s.name";
    let rows = db.fetch_all(sql, params![realm_id]).await?;
    let read = |row: &Row| {
        let optional = row.optional_integer("optional")?.map(|optional| optional != 0);
        Ok(Choice { id: row.text("id")?, name: row.text("name")?, optional })
    };
    rows.iter().map(read).collect()
}

/// An assignment with the scope's name, without its document.
#[derive(Clone, Debug)]
pub(crate) struct NamedAssignment {
    pub(crate) assignment: Assignment,
    pub(crate) name: String,
}

/// The assignments of one owner, or of all owners in the realm (`None`), in the order of the scopes' names.
pub(crate) async fn assignments(
    db: &mut impl Queries,
    realm_id: &str,
    client_uuid: Option<&str>,
) -> Result<Vec<NamedAssignment>, Error> {
    let rows = match client_uuid {
        Some(client_uuid) => {
            let sql =
                "SELECT a.client_uuid, a.client_scope_id, a.optional, s.name FROM client_scope_assignments a
                       JOIN client_scopes s ON s.realm_id = a.realm_id AND s.id = a.client_scope_id
                       WHERE a.realm_id = $1 AND a.client_uuid = $2 ORDER BY s.name";
            db.fetch_all(sql, params![realm_id, client_uuid]).await?
        }
        None => {
            let sql =
                "SELECT a.client_uuid, a.client_scope_id, a.optional, s.name FROM client_scope_assignments a
                       JOIN client_scopes s ON s.realm_id = a.realm_id AND s.id = a.client_scope_id
                       WHERE a.realm_id = $1 ORDER BY s.name";
            db.fetch_all(sql, params![realm_id]).await?
        }
    };
    let read = |row: &Row| {
        let assignment = Assignment {
            client_uuid: row.text("client_uuid")?,
            client_scope_id: row.text("client_scope_id")?,
            optional: row.boolean("optional")?,
        };
        Ok(NamedAssignment { assignment, name: row.text("name")? })
    };
    rows.iter().map(read).collect()
}

fn scope(row: &Row) -> Result<ClientScope, Error> {
    let id = row.text("id")?;
    let stored: ClientScope = read("client_scopes", &id, &row.text("document")?)?;
    Ok(ClientScope { realm_id: row.text("realm_id")?, name: row.text("name")?, id, ..stored })
}
