//! Realms.

use latchkey_api::registry::v1::Realm;
use latchkey_platform::database::{self, Queries, Row};
use latchkey_platform::params;

use super::{document, read};
use crate::error::Error;

/// A realm as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredRealm {
    pub(crate) realm: Realm,
    /// The client (uuid) of master that carries the realm's admin roles; empty for master.
    pub(crate) admin_client_id: String,
    /// Sealed.
    pub(crate) verifier_key: Vec<u8>,
}

const TABLE: &str = "realms";

pub(crate) async fn insert(db: &mut impl Queries, stored: &StoredRealm) -> Result<(), Error> {
    let StoredRealm { realm, admin_client_id, verifier_key } = stored;
    let document = document(TABLE, &realm.id, realm)?;
    let version = realm.version.cast_signed();
    let sql = "INSERT INTO realms (realm_id, name, version, admin_client_id, verifier_key, document)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let params = params![&realm.id, &realm.name, version, admin_client_id, verifier_key.as_slice(), document];
    db.execute(sql, params).await.map_err(taken)?;
    Ok(())
}

/// Replaces the realm that has the version before; false if it is not there or has another.
pub(crate) async fn update(db: &mut impl Queries, realm: &Realm) -> Result<bool, Error> {
    let document = document(TABLE, &realm.id, realm)?;
    let version = realm.version.cast_signed();
    let sql =
        "UPDATE realms SET name = $3, version = $2, document = $4 WHERE realm_id = $1 AND version = $2 - 1";
    let params = params![&realm.id, version, &realm.name, document];
    Ok(db.execute(sql, params).await.map_err(taken)? > 0)
}

pub(crate) async fn find(db: &mut impl Queries, realm_id: &str) -> Result<Option<StoredRealm>, Error> {
    let sql =
        "SELECT realm_id, version, admin_client_id, verifier_key, document FROM realms WHERE realm_id = $1";
    db.fetch_optional(sql, params![realm_id]).await?.as_ref().map(realm).transpose()
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub(crate) async fn find_locked(db: &mut impl Queries, realm_id: &str) -> Result<Option<StoredRealm>, Error> {
    let sql = "UPDATE realms SET version = version WHERE realm_id = $1
               RETURNING realm_id, version, admin_client_id, verifier_key, document";
    db.fetch_optional(sql, params![realm_id]).await?.as_ref().map(realm).transpose()
}

pub(crate) async fn find_by_name(db: &mut impl Queries, name: &str) -> Result<Option<StoredRealm>, Error> {
    let sql = "SELECT realm_id, version, admin_client_id, verifier_key, document FROM realms WHERE name = $1";
    db.fetch_optional(sql, params![name]).await?.as_ref().map(realm).transpose()
}

/// In the order of their names.
pub(crate) async fn list(db: &mut impl Queries) -> Result<Vec<Realm>, Error> {
    let sql = "SELECT realm_id, version, admin_client_id, verifier_key, document FROM realms ORDER BY name";
    db.fetch_all(sql, params![]).await?.iter().map(|row| Ok(realm(row)?.realm)).collect()
}

/// Deletes a realm with its clients and their secrets.
pub(crate) async fn delete(db: &mut impl Queries, realm_id: &str) -> Result<(), Error> {
    db.execute("DELETE FROM realms WHERE realm_id = $1", params![realm_id]).await?;
    Ok(())
}

fn realm(row: &Row) -> Result<StoredRealm, Error> {
    let id = row.text("realm_id")?;
    let mut realm: Realm = read(TABLE, &id, &row.text("document")?)?;
    realm.version = row.integer("version")?.cast_unsigned();
    Ok(StoredRealm {
        realm,
        admin_client_id: row.text("admin_client_id")?,
        verifier_key: row.bytes("verifier_key")?,
    })
}

fn taken(error: database::Error) -> Error {
    if error.is_unique_violation_on("name") {
        Error::RealmExists
    } else if error.is_unique_violation_on(TABLE) {
        Error::IdExists
    } else {
        Error::Database(error)
    }
}
