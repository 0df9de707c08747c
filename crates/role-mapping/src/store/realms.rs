//! Realms, as far as this service knows them.

use latchkey_platform::database::Queries;
use latchkey_platform::params;

use crate::error::Error;

/// A realm for which roles are kept.
#[derive(Clone, Debug)]
pub(crate) struct StoredRealm {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) master: bool,
    /// Whether it is known to be in the registry.
    pub(crate) published: bool,
    /// The role that every new account gets: `default-roles-<name at creation>`.
    pub(crate) default_role_id: String,
}

pub(crate) async fn insert(db: &mut impl Queries, realm: &StoredRealm) -> Result<(), Error> {
    let sql =
        "INSERT INTO realms (realm_id, name, master, published, default_role_id) VALUES ($1, $2, $3, $4, $5)";
    db.execute(sql, params![&realm.id, &realm.name, realm.master, realm.published, &realm.default_role_id])
        .await?;
    Ok(())
}

pub(crate) async fn find(db: &mut impl Queries, realm_id: &str) -> Result<Option<StoredRealm>, Error> {
    let sql = "SELECT realm_id, name, master, published, default_role_id FROM realms WHERE realm_id = $1";
    let row = db.fetch_optional(sql, params![realm_id]).await?;
    row.map(|row| {
        Ok(StoredRealm {
            id: row.text("realm_id")?,
            name: row.text("name")?,
            master: row.boolean("master")?,
            published: row.boolean("published")?,
            default_role_id: row.text("default_role_id")?,
        })
    })
    .transpose()
}

/// The id of the master realm, if it has been provisioned.
pub(crate) async fn master_id(db: &mut impl Queries) -> Result<Option<String>, Error> {
    let row = db.fetch_optional("SELECT realm_id FROM realms WHERE master = 1", params![]).await?;
    Ok(row.map(|row| row.text("realm_id")).transpose()?)
}

pub(crate) async fn rename(db: &mut impl Queries, realm_id: &str, name: &str) -> Result<(), Error> {
    db.execute("UPDATE realms SET name = $2 WHERE realm_id = $1", params![realm_id, name]).await?;
    Ok(())
}

pub(crate) async fn publish(db: &mut impl Queries, realm_id: &str) -> Result<(), Error> {
    db.execute("UPDATE realms SET published = 1 WHERE realm_id = $1", params![realm_id]).await?;
    Ok(())
}

/// The realms of which it is not known that the registry has them.
pub(crate) async fn unpublished(db: &mut impl Queries) -> Result<Vec<String>, Error> {
    let rows = db.fetch_all("SELECT realm_id FROM realms WHERE published = 0", params![]).await?;
    rows.iter().map(|row| Ok(row.text("realm_id")?)).collect()
}
