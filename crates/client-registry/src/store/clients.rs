//! Clients.

use latchkey_api::common::v1::Page;
use latchkey_api::registry::v1::Client;
use latchkey_platform::database::{self, Queries, Row, Violation};
use latchkey_platform::params;

use super::{document, read};
use crate::error::Error;

const TABLE: &str = "clients";

/// A client of a list.
pub(crate) struct Listed {
    pub(crate) client: Client,
    /// The newest secret, if there is one and it was asked for.
    pub(crate) secret: Option<Sealed>,
}

/// A sealed secret and the id of its row.
pub(crate) struct Sealed {
    pub(crate) id: String,
    pub(crate) sealed: Vec<u8>,
}

/// Which clients are listed.
#[derive(Default)]
pub(crate) struct Filter<'a> {
    /// Empty for all.
    pub(crate) client_id: &'a str,
    /// Anywhere in it, whatever the case; else exactly.
    pub(crate) contains: bool,
    pub(crate) page: Page,
}

pub(crate) async fn insert(db: &mut impl Queries, client: &Client) -> Result<(), Error> {
    let document = document(TABLE, &client.id, client)?;
    let Client { realm_id, id, client_id, version, .. } = client;
    let sql = "INSERT INTO clients (realm_id, id, client_id, folded, version, document, has_admin_url)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (folded, version) = (client_id.to_lowercase(), version.cast_signed());
    let params = params![realm_id, id, client_id, folded, version, document, has_admin_url(client)];
    db.execute(sql, params).await.map_err(refused)?;
    Ok(())
}

/// Replaces the client that has the version before; false if it is not there or has another.
pub(crate) async fn update(db: &mut impl Queries, client: &Client) -> Result<bool, Error> {
    let document = document(TABLE, &client.id, client)?;
    let Client { realm_id, id, client_id, version, .. } = client;
    let sql =
        "UPDATE clients SET client_id = $3, folded = $4, version = $5, document = $6, has_admin_url = $7
               WHERE realm_id = $1 AND id = $2 AND version = $5 - 1";
    let (folded, version) = (client_id.to_lowercase(), version.cast_signed());
    let params = params![realm_id, id, client_id, folded, version, document, has_admin_url(client)];
    Ok(db.execute(sql, params).await.map_err(refused)? > 0)
}

pub(crate) async fn find(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<Option<Client>, Error> {
    let sql = "SELECT realm_id, id, version, document FROM clients WHERE realm_id = $1 AND id = $2";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(client).transpose()
}

/// As [`find`], and nobody else changes it or its secrets until the transaction ends.
pub(crate) async fn find_locked(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<Client>, Error> {
    let sql = "UPDATE clients SET version = version WHERE realm_id = $1 AND id = $2
               RETURNING realm_id, id, version, document";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(client).transpose()
}

pub(crate) async fn find_by_client_id(
    db: &mut impl Queries,
    realm_id: &str,
    client_id: &str,
) -> Result<Option<Client>, Error> {
    let sql = "SELECT realm_id, id, version, document FROM clients WHERE realm_id = $1 AND client_id = $2";
    db.fetch_optional(sql, params![realm_id, client_id]).await?.as_ref().map(client).transpose()
}

/// In the order of client_id, bytewise.
pub(crate) async fn list(
    db: &mut impl Queries,
    realm_id: &str,
    filter: &Filter<'_>,
) -> Result<Vec<Listed>, Error> {
    // Each client has at most one secret that nothing ends: the newest.
    let sql = r"SELECT c.realm_id, c.id, c.version, c.document, s.id AS secret_id, s.sealed
                FROM clients c LEFT JOIN client_secrets s
                ON s.realm_id = c.realm_id AND s.client_uuid = c.id AND s.expires_ms IS NULL
                WHERE c.realm_id = $1 AND ($2 = '' OR c.client_id = $2) AND ($3 = '' OR c.folded LIKE $3 ESCAPE '\')
                ORDER BY c.client_id LIMIT $4 OFFSET $5";
    let (exactly, pattern) = match (filter.contains, filter.client_id) {
        (_, "") => ("", String::new()),
        (true, part) => ("", anywhere(part)),
        (false, whole) => (whole, String::new()),
    };
    let (max, first) = (filter.page.max.map_or(i64::MAX, i64::from), i64::from(filter.page.first));
    let rows = db.fetch_all(sql, params![realm_id, exactly, pattern, max, first]).await?;
    rows.iter()
        .map(|row| {
            let secret = match (row.optional_text("secret_id")?, row.optional_bytes("sealed")?) {
                (Some(id), Some(sealed)) => Some(Sealed { id, sealed }),
                _ => None,
            };
            Ok(Listed { client: client(row)?, secret })
        })
        .collect()
}

/// Those that have an admin URL and come after a client_id, in the order of client_id, bytewise.
pub(crate) async fn with_admin_url(
    db: &mut impl Queries,
    realm_id: &str,
    after: &str,
    max: i64,
) -> Result<Vec<Client>, Error> {
    let sql = "SELECT realm_id, id, version, document FROM clients
               WHERE realm_id = $1 AND has_admin_url = 1 AND client_id > $2 ORDER BY client_id LIMIT $3";
    db.fetch_all(sql, params![realm_id, after, max]).await?.iter().map(client).collect()
}

/// Deletes a client with its secrets.
pub(crate) async fn delete(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<(), Error> {
    db.execute("DELETE FROM clients WHERE realm_id = $1 AND id = $2", params![realm_id, id]).await?;
    Ok(())
}

fn has_admin_url(client: &Client) -> i64 {
    (!client.admin_url.is_empty()).into()
}

fn client(row: &Row) -> Result<Client, Error> {
    let id = row.text("id")?;
    let mut client: Client = read(TABLE, &id, &row.text("document")?)?;
    client.version = row.integer("version")?.cast_unsigned();
    Ok(client)
}

/// A LIKE pattern (escape `\`) for a text anywhere in a column of lower case.
fn anywhere(text: &str) -> String {
    let text = text.to_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{text}%")
}

fn refused(error: database::Error) -> Error {
    match &error {
        database::Error::Violation { violation: Violation::ForeignKey, .. } => Error::RealmNotFound,
        error if error.is_unique_violation_on("client_id") => Error::ClientExists,
        error if error.is_unique_violation_on(TABLE) => Error::IdExists,
        _ => Error::Database(error),
    }
}
