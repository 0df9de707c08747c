//! By which subject of which identity provider a client is found. What a client's attributes say, as an index.

use latchkey_api::registry::v1::Client;
use latchkey_platform::database::Queries;
use latchkey_platform::params;

use super::read;
use crate::authentication::SubjectMapping;
use crate::error::Error;

/// Brings the row of a client in line with its attributes. To be called in the transaction that stores the client.
pub(crate) async fn put(db: &mut impl Queries, client: &Client) -> Result<(), Error> {
    let sql = "DELETE FROM federated_subjects WHERE realm_id = $1 AND client_uuid = $2";
    db.execute(sql, params![&client.realm_id, &client.id]).await?;
    let Some(mapping) = SubjectMapping::of(client) else { return Ok(()) };
    let sql = "INSERT INTO federated_subjects (realm_id, client_uuid, identity_provider, subject, prefix)
               VALUES ($1, $2, $3, $4, $5)";
    let params = params![
        &client.realm_id,
        &client.id,
        &mapping.identity_provider,
        mapping.subject.as_deref(),
        &mapping.prefix,
    ];
    db.execute(sql, params).await?;
    Ok(())
}

/// The clients that a subject may mean, before its other claims are looked at.
pub(crate) async fn clients_of(
    db: &mut impl Queries,
    realm_id: &str,
    identity_provider: &str,
    subject: &str,
) -> Result<Vec<Client>, Error> {
    let sql = "SELECT c.id, c.document FROM federated_subjects s
               JOIN clients c ON c.realm_id = s.realm_id AND c.id = s.client_uuid
               WHERE s.realm_id = $1 AND s.identity_provider = $2
               AND (s.subject = $3 OR (s.subject IS NULL AND substr($3, 1, length(s.prefix)) = s.prefix))
               ORDER BY c.client_id";
    let rows = db.fetch_all(sql, params![realm_id, identity_provider, subject]).await?;
    rows.iter().map(|row| read("clients", &row.text("id")?, &row.text("document")?)).collect()
}
