//! Identity providers: the outside issuers that a realm trusts.

use latchkey_api::registry::v1::IdentityProvider;
use latchkey_platform::database::{self, Queries, Row, Violation};
use latchkey_platform::params;

use super::{document, read};
use crate::error::Error;

const TABLE: &str = "identity_providers";

/// An identity provider beside what its document does not say.
pub(crate) struct StoredProvider {
    pub(crate) provider: IdentityProvider,
    /// Sealed.
    pub(crate) client_secret: Option<Vec<u8>>,
}

/// `issuer` is what names it in an assertion; empty where it issues none.
pub(crate) async fn insert(
    db: &mut impl Queries,
    stored: &StoredProvider,
    issuer: &str,
) -> Result<(), Error> {
    let StoredProvider { provider, client_secret } = stored;
    let document = document(TABLE, &provider.id, provider)?;
    let IdentityProvider { realm_id, id, alias, version, .. } = provider;
    let sql = "INSERT INTO identity_providers (realm_id, id, alias, issuer, version, client_secret, document)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = params![realm_id, id, alias, issuer, version.cast_signed(), client_secret.clone(), document];
    db.execute(sql, params).await.map_err(refused)?;
    Ok(())
}

/// Replaces the one that has the version before, but not its alias; false if it is not there or has another version.
pub(crate) async fn update(
    db: &mut impl Queries,
    stored: &StoredProvider,
    issuer: &str,
) -> Result<bool, Error> {
    let StoredProvider { provider, client_secret } = stored;
    let document = document(TABLE, &provider.id, provider)?;
    let IdentityProvider { realm_id, id, version, .. } = provider;
    let sql = "UPDATE identity_providers SET issuer = $3, version = $4, client_secret = $5, document = $6
               WHERE realm_id = $1 AND id = $2 AND version = $4 - 1";
    let params = params![realm_id, id, issuer, version.cast_signed(), client_secret.clone(), document];
    Ok(db.execute(sql, params).await.map_err(refused)? > 0)
}

pub(crate) async fn find(
    db: &mut impl Queries,
    realm_id: &str,
    alias: &str,
) -> Result<Option<IdentityProvider>, Error> {
    let sql = "SELECT id, alias, version, client_secret, document FROM identity_providers
               WHERE realm_id = $1 AND alias = $2";
    let row = db.fetch_optional(sql, params![realm_id, alias]).await?;
    row.as_ref().map(|row| Ok(provider(row)?.provider)).transpose()
}

/// By its id; nobody else changes it until the transaction ends.
pub(crate) async fn find_locked(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<StoredProvider>, Error> {
    let sql = "UPDATE identity_providers SET version = version WHERE realm_id = $1 AND id = $2
               RETURNING id, alias, version, client_secret, document";
    db.fetch_optional(sql, params![realm_id, id]).await?.as_ref().map(provider).transpose()
}

/// Those that an issuer names, in the order of their aliases.
pub(crate) async fn of_issuer(
    db: &mut impl Queries,
    realm_id: &str,
    issuer: &str,
) -> Result<Vec<IdentityProvider>, Error> {
    let sql = "SELECT id, alias, version, client_secret, document FROM identity_providers
               WHERE realm_id = $1 AND issuer = $2 ORDER BY alias";
    let rows = db.fetch_all(sql, params![realm_id, issuer]).await?;
    rows.iter().map(|row| Ok(provider(row)?.provider)).collect()
}

/// In the order of their aliases.
pub(crate) async fn list(db: &mut impl Queries, realm_id: &str) -> Result<Vec<IdentityProvider>, Error> {
    let sql = "SELECT id, alias, version, client_secret, document FROM identity_providers
               WHERE realm_id = $1 ORDER BY alias";
    let rows = db.fetch_all(sql, params![realm_id]).await?;
    rows.iter().map(|row| Ok(provider(row)?.provider)).collect()
}

/// False if there was none.
pub(crate) async fn delete(db: &mut impl Queries, realm_id: &str, id: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM identity_providers WHERE realm_id = $1 AND id = $2";
    Ok(db.execute(sql, params![realm_id, id]).await? > 0)
}

fn provider(row: &Row) -> Result<StoredProvider, Error> {
    let id = row.text("id")?;
    let mut provider: IdentityProvider = read(TABLE, &id, &row.text("document")?)?;
    let client_secret = row.optional_bytes("client_secret")?;
    provider.alias = row.text("alias")?;
    provider.version = row.integer("version")?.cast_unsigned();
    provider.has_client_secret = client_secret.is_some();
    Ok(StoredProvider { provider, client_secret })
}

fn refused(error: database::Error) -> Error {
    match &error {
        database::Error::Violation { violation: Violation::ForeignKey, .. } => Error::RealmNotFound,
        error if error.is_unique_violation_on("alias") => Error::IdentityProviderExists,
        error if error.is_unique_violation_on(TABLE) => Error::IdExists,
        _ => Error::Database(error),
    }
}
