//! What a client's representation takes beside the client itself: its mapping and its secret.

use super::error::Error;
use crate::Services;
use latchkey_api::{
    error::reason,
    registry::v1::{Client, GetClientSecretRequest},
    roles::v1::{ClientMapping, ListClientMappingsRequest},
};
use tonic::Request;

/// What role-mapping holds for clients, by their uuids.
pub(crate) async fn mappings(
    services: &Services,
    realm_id: &str,
    ids: Vec<String>,
) -> Result<Vec<ClientMapping>, Error> {
    let request = ListClientMappingsRequest { realm_id: realm_id.to_owned(), ids };
    Ok(services.roles.list_client_mappings(Request::new(request)).await?.into_inner().mappings)
}

/// What role-mapping holds for one client.
pub(crate) async fn mapping(services: &Services, realm_id: &str, id: &str) -> Result<ClientMapping, Error> {
    mappings(services, realm_id, vec![id.to_owned()]).await?.pop().ok_or(Error::ClientNotFound)
}

/// The newest secret of a client; `None` where there is none to show.
pub(crate) async fn secret(services: &Services, realm_id: &str, id: &str) -> Result<Option<String>, Error> {
    let request = GetClientSecretRequest { realm_id: realm_id.to_owned(), id: id.to_owned() };
    match services.registry.get_client_secret(Request::new(request)).await {
        Ok(answer) => Ok(Some(answer.into_inner().secret)),
        Err(status) if reason(&status).as_deref() == Some("SECRET_NOT_FOUND") => Ok(None),
        Err(status) => Err(status.into()),
    }
}

/// The secret that the representation of a client shows; empty for one that has none.
pub(crate) async fn shown_secret(services: &Services, client: &Client) -> Result<String, Error> {
    if client.public_client || client.bearer_only {
        return Ok(String::new());
    }
    Ok(secret(services, &client.realm_id, &client.id).await?.unwrap_or_default())
}
