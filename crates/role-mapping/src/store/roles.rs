//! Roles and what composites contain.

use latchkey_api::common::v1::Page;
use latchkey_api::roles::v1::{Role, RoleKey};
use latchkey_platform::database::{self, Params, Queries, Row, Value};
use latchkey_platform::params;
use sqlx::AssertSqlSafe;

use super::{anywhere, document, insert_all, limit, placeholders, read};
use crate::error::Error;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.realm_id, r.client_uuid, r.name, r.document, c.client_id, ",
            "(SELECT COUNT(*) FROM composites p WHERE p.realm_id = r.realm_id AND p.role_id = r.id) AS parts ",
            "FROM roles r LEFT JOIN clients c ON c.realm_id = r.realm_id AND c.id = r.client_uuid ",
            $rest
        )
    };
}

pub(crate) async fn insert(db: &mut impl Queries, role: &Role) -> Result<(), Error> {
    insert_many(db, std::slice::from_ref(role)).await
}

pub(crate) async fn insert_many(db: &mut impl Queries, roles: &[Role]) -> Result<(), Error> {
    let rows = roles
        .iter()
        .map(|role| {
            let document = document("roles", &role.id, role)?;
            Ok(params![&role.realm_id, &role.id, &role.client_uuid, &role.name, document])
        })
        .collect::<Result<_, Error>>()?;
    insert_all(db, "roles (realm_id, id, client_uuid, name, document)", rows, "").await.map_err(taken)
}

pub(crate) async fn update(db: &mut impl Queries, role: &Role) -> Result<(), Error> {
    let document = document("roles", &role.id, role)?;
    let sql = "UPDATE roles SET name = $3, document = $4 WHERE realm_id = $1 AND id = $2";
    db.execute(sql, params![&role.realm_id, &role.id, &role.name, document]).await.map_err(taken)?;
    Ok(())
}

fn taken(error: database::Error) -> Error {
    match error {
        error if error.is_unique_violation_on("name") => Error::RoleExists,
        error if error.is_unique_violation_on("roles") => Error::IdExists,
        error => Error::Database(error),
    }
}

pub(crate) async fn find(
    db: &mut impl Queries,
    realm_id: &str,
    key: &RoleKey,
) -> Result<Option<Role>, Error> {
    let row = if key.id.is_empty() {
        let sql = select!("WHERE r.realm_id = $1 AND r.client_uuid = $2 AND r.name = $3");
        db.fetch_optional(sql, params![realm_id, &key.client_uuid, &key.name]).await?
    } else {
        db.fetch_optional(select!("WHERE r.realm_id = $1 AND r.id = $2"), params![realm_id, &key.id]).await?
    };
    row.as_ref().map(role).transpose()
}

pub(crate) async fn find_by_id(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<Role>, Error> {
    let key = RoleKey { id: id.to_owned(), ..RoleKey::default() };
    find(db, realm_id, &key).await
}

/// Whether all the ids are roles of the realm.
pub(crate) async fn all_exist(db: &mut impl Queries, realm_id: &str, ids: &[String]) -> Result<bool, Error> {
    let mut distinct: Vec<&String> = ids.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    for some in distinct.chunks(500) {
        let sql =
            format!("SELECT id FROM roles WHERE realm_id = $1 AND id IN {}", placeholders(2, some.len()));
        let mut params = params![realm_id];
        params.extend(some.iter().map(|id| Value::from(*id)));
        if db.fetch_all(AssertSqlSafe(sql), params).await?.len() != some.len() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Roles of a container (`client_uuid` empty for the realm's own) in bytewise order of names.
pub(crate) async fn list(
    db: &mut impl Queries,
    realm_id: &str,
    client_uuid: &str,
    search: &str,
    page: Option<&Page>,
) -> Result<Vec<Role>, Error> {
    let sql = select!(
        r"WHERE r.realm_id = $1 AND r.client_uuid = $2 AND LOWER(r.name) LIKE $3 ESCAPE '\' ORDER BY r.name LIMIT $4 OFFSET $5"
    );
    let (max, first) = limit(page);
    roles(db, sql, params![realm_id, client_uuid, anywhere(search), max, first]).await
}

/// All roles of the realm and its clients.
pub(crate) async fn list_all(db: &mut impl Queries, realm_id: &str) -> Result<Vec<Role>, Error> {
    roles(db, select!("WHERE r.realm_id = $1 ORDER BY r.client_uuid, r.name"), params![realm_id]).await
}

/// What a role contains directly.
pub(crate) async fn composites_of(
    db: &mut impl Queries,
    realm_id: &str,
    role_id: &str,
) -> Result<Vec<Role>, Error> {
    let sql = select!(
        "JOIN composites x ON x.realm_id = r.realm_id AND x.contains_id = r.id
         WHERE x.realm_id = $1 AND x.role_id = $2 ORDER BY r.client_uuid, r.name"
    );
    roles(db, sql, params![realm_id, role_id]).await
}

/// The roles that a holder has directly.
pub(crate) async fn held_by(
    db: &mut impl Queries,
    realm_id: &str,
    holder: &str,
    holder_id: &str,
) -> Result<Vec<Role>, Error> {
    let sql = select!(
        "JOIN role_mappings m ON m.realm_id = r.realm_id AND m.role_id = r.id
         WHERE m.realm_id = $1 AND m.holder = $2 AND m.holder_id = $3 ORDER BY r.client_uuid, r.name"
    );
    roles(db, sql, params![realm_id, holder, holder_id]).await
}

pub(crate) async fn add_composites(
    db: &mut impl Queries,
    realm_id: &str,
    edges: impl IntoIterator<Item = (&str, &str)>,
) -> Result<(), Error> {
    let rows = edges.into_iter().map(|(role, contains)| params![realm_id, role, contains]).collect();
    insert_all(db, "composites (realm_id, role_id, contains_id)", rows, "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

pub(crate) async fn remove_composite(
    db: &mut impl Queries,
    realm_id: &str,
    role_id: &str,
    contains_id: &str,
) -> Result<(), Error> {
    let sql = "DELETE FROM composites WHERE realm_id = $1 AND role_id = $2 AND contains_id = $3";
    db.execute(sql, params![realm_id, role_id, contains_id]).await?;
    Ok(())
}

/// Id, name, and client of every role: what the graph is built from.
pub(crate) async fn graph_rows(db: &mut impl Queries, realm_id: &str) -> Result<Vec<Row>, Error> {
    let sql = "SELECT r.id, r.name, r.client_uuid, c.client_id FROM roles r
               LEFT JOIN clients c ON c.realm_id = r.realm_id AND c.id = r.client_uuid WHERE r.realm_id = $1";
    Ok(db.fetch_all(sql, params![realm_id]).await?)
}

/// Every composite's parts in the realm.
pub(crate) async fn all_composites(db: &mut impl Queries, realm_id: &str) -> Result<Vec<Row>, Error> {
    let sql = "SELECT role_id, contains_id FROM composites WHERE realm_id = $1";
    Ok(db.fetch_all(sql, params![realm_id]).await?)
}

async fn roles(db: &mut impl Queries, sql: &'static str, params: Params) -> Result<Vec<Role>, Error> {
    db.fetch_all(sql, params).await?.iter().map(role).collect()
}

fn role(row: &Row) -> Result<Role, Error> {
    let id = row.text("id")?;
    let stored: Role = read("roles", &id, &row.text("document")?)?;
    Ok(Role {
        realm_id: row.text("realm_id")?,
        client_uuid: row.text("client_uuid")?,
        name: row.text("name")?,
        composite: row.integer("parts")? > 0,
        client_id: row.optional_text("client_id")?.unwrap_or_default(),
        id,
        ..stored
    })
}
