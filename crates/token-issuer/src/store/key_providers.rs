//! Key providers with their keys.

use latchkey_api::issuer::v1::KeyProvider;
use latchkey_platform::database::{self, Queries, Row, Transaction};
use latchkey_platform::params;

use crate::error::Error;
use crate::rotation::schedule::Stage;

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct StoredProvider {
    /// Without secrets.
    pub(crate) provider: KeyProvider,
    /// As `provider` is stored: whoever updates says which state it is that he changes.
    pub(crate) document: String,
    pub(crate) kid: String,
    /// The private key (PKCS#8) or secret, sealed by the vault.
    pub(crate) sealed: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub(crate) public_key: Option<Vec<u8>>,
    /// DER.
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) stage: Stage,
    /// Since when it is at this stage, milliseconds since the epoch; 0 where nobody knows.
    pub(crate) since_ms: i64,
}

const COLUMNS: &str = "realm_id, id, document, kid, sealed, public_key, certificate, stage, since_ms";

/// How the stages are stored.
const STAGES: [(&str, Stage); 3] = [("", Stage::Plain), ("next", Stage::Next), ("retired", Stage::Retired)];

fn stage_name(stage: Stage) -> &'static str {
    STAGES.iter().find(|(_, known)| *known == stage).map(|(name, _)| *name).expect("all have a name")
}

/// What a later version may store is nothing that this one would touch.
fn stage(name: &str) -> Stage {
    STAGES.iter().find(|(known, _)| *known == name).map_or(Stage::Plain, |(_, stage)| *stage)
}

pub(crate) async fn insert(
    tx: &mut Transaction,
    stored: &StoredProvider,
    position: i64,
) -> Result<(), Error> {
    let sql = "INSERT INTO key_providers (realm_id, id, position, document, kid, sealed, public_key, certificate, stage, since_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let StoredProvider { provider, document, kid, sealed, public_key, certificate, stage, since_ms } = stored;
    let params = params![
        &provider.realm_id,
        &provider.id,
        position,
        document,
        kid,
        sealed.clone(),
        public_key.clone(),
        certificate.clone(),
        stage_name(*stage),
        *since_ms,
    ];
    tx.execute(sql, params).await.map_err(|error| match error {
        error if error.is_unique_violation_on("key_providers") => Error::IdExists,
        error => Error::Database(error),
    })?;
    Ok(())
}

/// Replaces a row whose document is still `before`; false if it is not.
pub(crate) async fn update(
    tx: &mut Transaction,
    stored: &StoredProvider,
    before: &str,
) -> Result<bool, Error> {
    let sql =
        "UPDATE key_providers SET document = $4, kid = $5, sealed = $6, public_key = $7, certificate = $8,
                   stage = $9, since_ms = $10
               WHERE realm_id = $1 AND id = $2 AND document = $3";
    let StoredProvider { provider, document, kid, sealed, public_key, certificate, stage, since_ms } = stored;
    let params = params![
        &provider.realm_id,
        &provider.id,
        before,
        document,
        kid,
        sealed.clone(),
        public_key.clone(),
        certificate.clone(),
        stage_name(*stage),
        *since_ms,
    ];
    Ok(tx.execute(sql, params).await? > 0)
}

pub(crate) async fn find(
    db: &mut impl Queries,
    realm_id: &str,
    id: &str,
) -> Result<Option<StoredProvider>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM key_providers WHERE realm_id = $1 AND id = $2");
    let row = db.fetch_optional(sqlx::AssertSqlSafe(sql), params![realm_id, id]).await?;
    row.as_ref().map(read).transpose()
}

/// All providers of a realm in the order in which they were made.
pub(crate) async fn list(db: &mut impl Queries, realm_id: &str) -> Result<Vec<StoredProvider>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM key_providers WHERE realm_id = $1 ORDER BY position, id");
    db.fetch_all(sqlx::AssertSqlSafe(sql), params![realm_id]).await?.iter().map(read).collect()
}

/// Deletes a provider with its key; false if there was none.
pub(crate) async fn delete(tx: &mut Transaction, realm_id: &str, id: &str) -> Result<bool, database::Error> {
    let sql = "DELETE FROM key_providers WHERE realm_id = $1 AND id = $2";
    Ok(tx.execute(sql, params![realm_id, id]).await? > 0)
}

/// Deletes a provider whose document is still `before`; false if it is not.
pub(crate) async fn delete_unchanged(
    tx: &mut Transaction,
    realm_id: &str,
    id: &str,
    before: &str,
) -> Result<bool, database::Error> {
    let sql = "DELETE FROM key_providers WHERE realm_id = $1 AND id = $2 AND document = $3";
    Ok(tx.execute(sql, params![realm_id, id, before]).await? > 0)
}

pub(crate) fn document(provider: &KeyProvider) -> Result<String, Error> {
    serde_json::to_string(provider).map_err(|source| Error::Unreadable { id: provider.id.clone(), source })
}

fn read(row: &Row) -> Result<StoredProvider, Error> {
    let (id, document) = (row.text("id")?, row.text("document")?);
    let stored: KeyProvider =
        serde_json::from_str(&document).map_err(|source| Error::Unreadable { id: id.clone(), source })?;
    Ok(StoredProvider {
        provider: KeyProvider { realm_id: row.text("realm_id")?, id, ..stored },
        document,
        kid: row.text("kid")?,
        sealed: row.bytes("sealed")?,
        public_key: row.optional_bytes("public_key")?,
        certificate: row.optional_bytes("certificate")?,
        stage: stage(&row.text("stage")?),
        since_ms: row.integer("since_ms")?,
    })
}
