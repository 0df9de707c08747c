//! What is kept for clients: their label, Full Scope Allowed and protocol mappers.

use latchkey_api::roles::v1::ProtocolMapper;
use latchkey_platform::database::{Queries, Row};
use latchkey_platform::params;

use super::{document, read};
use crate::error::Error;

/// A client without its scopes.
#[derive(Clone, Debug)]
pub(crate) struct StoredClient {
    pub(crate) realm_id: String,
    pub(crate) id: String,
    /// The public name.
    pub(crate) client_id: String,
    /// Whether it is known to be in the registry.
    pub(crate) published: bool,
    pub(crate) full_scope_allowed: bool,
    pub(crate) protocol_mappers: Vec<ProtocolMapper>,
}

const MAPPERS: &str = "clients";

pub(crate) async fn insert(db: &mut impl Queries, client: &StoredClient) -> Result<(), Error> {
    let document = document(MAPPERS, &client.id, &client.protocol_mappers)?;
    let sql = "INSERT INTO clients (realm_id, id, client_id, published, full_scope_allowed, document)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let StoredClient { realm_id, id, client_id, published, full_scope_allowed, .. } = client;
    let params = params![realm_id, id, client_id, *published, *full_scope_allowed, document];
    db.execute(sql, params).await.map_err(|error| {
        if error.is_unique_violation_on("clients") { Error::IdExists } else { Error::Database(error) }
    })?;
    Ok(())
}

pub(crate) async fn update(db: &mut impl Queries, client: &StoredClient) -> Result<(), Error> {
    let document = document(MAPPERS, &client.id, &client.protocol_mappers)?;
    let sql = "UPDATE clients SET client_id = $3, published = $4, full_scope_allowed = $5, document = $6
               WHERE realm_id = $1 AND id = $2";
    let StoredClient { realm_id, id, client_id, published, full_scope_allowed, .. } = client;
    db.execute(sql, params![realm_id, id, client_id, *published, *full_scope_allowed, document]).await?;
    Ok(())
}

pub(crate) async fn find(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<StoredClient>, Error> {
    let sql = "SELECT realm_id, id, client_id, published, full_scope_allowed, document FROM clients
               WHERE realm_id = $1 AND id = $2";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(client).transpose()
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub(crate) async fn find_locked(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<StoredClient>, Error> {
    let sql = "UPDATE clients SET client_id = client_id WHERE realm_id = $1 AND id = $2
               RETURNING realm_id, id, client_id, published, full_scope_allowed, document";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(client).transpose()
}

/// The published clients in the order of their client_id.
pub(crate) async fn list(db: &mut impl Queries, realm_id: &str) -> Result<Vec<StoredClient>, Error> {
    let sql = "SELECT realm_id, id, client_id, published, full_scope_allowed, document FROM clients
               WHERE realm_id = $1 AND published = 1 ORDER BY client_id";
    db.fetch_all(sql, params![realm_id]).await?.iter().map(client).collect()
}

pub(crate) async fn publish_all(db: &mut impl Queries, realm_id: &str) -> Result<(), Error> {
    db.execute("UPDATE clients SET published = 1 WHERE realm_id = $1 AND published = 0", params![realm_id])
        .await?;
    db.execute("UPDATE users SET published = 1 WHERE realm_id = $1 AND published = 0", params![realm_id])
        .await?;
    Ok(())
}

/// The clients of published realms of which it is not known that the registry has them: their realms and ids.
pub(crate) async fn unpublished(db: &mut impl Queries) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT c.realm_id, c.id FROM clients c JOIN realms r ON r.realm_id = c.realm_id
               WHERE c.published = 0 AND r.published = 1";
    let rows = db.fetch_all(sql, params![]).await?;
    rows.iter().map(|row| Ok((row.text("realm_id")?, row.text("id")?))).collect()
}

fn client(row: &Row) -> Result<StoredClient, Error> {
    let id = row.text("id")?;
    Ok(StoredClient {
        realm_id: row.text("realm_id")?,
        client_id: row.text("client_id")?,
        published: row.boolean("published")?,
        full_scope_allowed: row.boolean("full_scope_allowed")?,
        protocol_mappers: read(MAPPERS, &id, &row.text("document")?)?,
        id,
    })
}
