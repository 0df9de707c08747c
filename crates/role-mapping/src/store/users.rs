//! Users, service accounts among them.

use latchkey_api::roles::v1::User;
use latchkey_platform::database::{self, Queries, Row};
use latchkey_platform::params;

use super::{document, limit, read};
use crate::error::Error;
use latchkey_api::common::v1::Page;

pub(super) const COLUMNS: &str = "u.id, u.realm_id, u.username, u.client_uuid, u.document, \
    (SELECT COUNT(*) FROM credentials c WHERE c.realm_id = u.realm_id AND c.user_id = u.id AND c.kind = 'password') \
    AS passwords";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.realm_id, u.username, u.client_uuid, u.document, ",
            "(SELECT COUNT(*) FROM credentials c WHERE c.realm_id = u.realm_id AND c.user_id = u.id ",
            "AND c.kind = 'password') AS passwords FROM users u ",
            $rest
        )
    };
}

/// Inserts a user; one that is not `published` is hidden until its client is.
pub(crate) async fn insert(db: &mut impl Queries, user: &User, published: bool) -> Result<(), Error> {
    let document = document("users", &user.id, user)?;
    let sql =
        "INSERT INTO users (realm_id, id, username, email, first_name, last_name, enabled, email_verified,
                                  client_uuid, published, document)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let params = params![
        &user.realm_id,
        &user.id,
        &user.username,
        present(&user.email),
        user.first_name.to_lowercase(),
        user.last_name.to_lowercase(),
        user.enabled,
        user.email_verified,
        present(&user.service_account_client_uuid),
        published,
        document,
    ];
    db.execute(sql, params).await.map_err(taken)?;
    Ok(())
}

pub(crate) async fn update(db: &mut impl Queries, user: &User) -> Result<(), Error> {
    let document = document("users", &user.id, user)?;
    let sql = "UPDATE users SET username = $3, email = $4, first_name = $5, last_name = $6, enabled = $7,
                                email_verified = $8, document = $9
               WHERE realm_id = $1 AND id = $2";
    let params = params![
        &user.realm_id,
        &user.id,
        &user.username,
        present(&user.email),
        user.first_name.to_lowercase(),
        user.last_name.to_lowercase(),
        user.enabled,
        user.email_verified,
        document,
    ];
    db.execute(sql, params).await.map_err(taken)?;
    Ok(())
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn taken(error: database::Error) -> Error {
    match error {
        error if error.is_unique_violation_on("username") => Error::UsernameExists,
        error if error.is_unique_violation_on("email") => Error::EmailExists,
        error if error.is_unique_violation_on("users") => Error::IdExists,
        error => Error::Database(error),
    }
}

/// A published user.
pub(crate) async fn find(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<Option<User>, Error> {
    let sql = select!("WHERE u.realm_id = $1 AND u.id = $2 AND u.published = 1");
    one(db.fetch_optional(sql, params![realm_id, id]).await?)
}

/// A user, published or not.
pub(crate) async fn find_any(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<Option<User>, Error> {
    let sql = select!("WHERE u.realm_id = $1 AND u.id = $2");
    one(db.fetch_optional(sql, params![realm_id, id]).await?)
}

/// A published user by username.
pub(crate) async fn find_by_username(
    db: &mut impl Queries,
    realm_id: &str,
    username: &str,
) -> Result<Option<User>, Error> {
    let sql = select!("WHERE u.realm_id = $1 AND u.username = $2 AND u.published = 1");
    one(db.fetch_optional(sql, params![realm_id, username.to_lowercase()]).await?)
}

/// A published user by email address.
pub(crate) async fn find_by_email(
    db: &mut impl Queries,
    realm_id: &str,
    email: &str,
) -> Result<Option<User>, Error> {
    let sql = select!("WHERE u.realm_id = $1 AND u.email = $2 AND u.published = 1");
    one(db.fetch_optional(sql, params![realm_id, email.to_lowercase()]).await?)
}

/// The id of the user with a username whose client is not published yet.
pub(crate) async fn find_provisional(
    db: &mut impl Queries,
    realm_id: &str,
    username: &str,
) -> Result<Option<String>, Error> {
    let sql = "SELECT id FROM users WHERE realm_id = $1 AND username = $2 AND published = 0";
    let row = db.fetch_optional(sql, params![realm_id, username]).await?;
    Ok(row.map(|row| row.text("id")).transpose()?)
}

/// The service account of a client, published or not, and whether it is.
pub(crate) async fn service_account(
    db: &mut impl Queries,
    realm_id: &str,
    client_uuid: &str,
) -> Result<Option<User>, Error> {
    let sql = select!("WHERE u.realm_id = $1 AND u.client_uuid = $2");
    one(db.fetch_optional(sql, params![realm_id, client_uuid]).await?)
}

/// The ids of service accounts and of their clients.
pub(crate) async fn service_account_ids(
    db: &mut impl Queries,
    realm_id: &str,
) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT id, client_uuid FROM users WHERE realm_id = $1 AND client_uuid IS NOT NULL";
    let rows = db.fetch_all(sql, params![realm_id]).await?;
    rows.iter().map(|row| Ok((row.text("client_uuid")?, row.text("id")?))).collect()
}

pub(crate) async fn publish_service_account(
    db: &mut impl Queries,
    realm_id: &str,
    client_uuid: &str,
) -> Result<bool, Error> {
    let sql = "UPDATE users SET published = 1 WHERE realm_id = $1 AND client_uuid = $2";
    Ok(db.execute(sql, params![realm_id, client_uuid]).await? > 0)
}

/// The published users who hold a role directly, in the order of usernames.
pub(crate) async fn holding_role(
    db: &mut impl Queries,
    realm_id: &str,
    role_id: &str,
    page: Option<&Page>,
) -> Result<Vec<User>, Error> {
    let sql = select!(
        "JOIN role_mappings m ON m.realm_id = u.realm_id AND m.holder = 'user' AND m.holder_id = u.id
         WHERE m.realm_id = $1 AND m.role_id = $2 AND u.published = 1 ORDER BY u.username LIMIT $3 OFFSET $4"
    );
    let (max, first) = limit(page);
    db.fetch_all(sql, params![realm_id, role_id, max, first]).await?.iter().map(user).collect()
}

/// Deletes a user with its role mappings, credentials and links; false if there was none.
pub(crate) async fn delete(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<bool, Error> {
    for sql in [
        "DELETE FROM role_mappings WHERE realm_id = $1 AND holder = 'user' AND holder_id = $2",
        "DELETE FROM credentials WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM federated_identities WHERE realm_id = $1 AND user_id = $2",
    ] {
        db.execute(sql, params![realm_id, id]).await?;
    }
    Ok(db.execute("DELETE FROM users WHERE realm_id = $1 AND id = $2", params![realm_id, id]).await? > 0)
}

fn one(row: Option<Row>) -> Result<Option<User>, Error> {
    row.as_ref().map(user).transpose()
}

pub(super) fn user(row: &Row) -> Result<User, Error> {
    let id = row.text("id")?;
    let stored: User = read("users", &id, &row.text("document")?)?;
    Ok(User {
        realm_id: row.text("realm_id")?,
        username: row.text("username")?,
        service_account_client_uuid: row.optional_text("client_uuid")?.unwrap_or_default(),
        has_password: row.integer("passwords")? > 0,
        id,
        ..stored
    })
}
