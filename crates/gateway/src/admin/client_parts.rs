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

/// Which secret of a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhichSecret {
    /// The one that counts.
    Newest,
    /// The youngest of those that it has replaced and that are still good.
    Replaced,
}

/// What there is of a secret.
pub(crate) enum Secret {
    /// In clear.
    Readable(String),
    /// Only recognised: the realm keeps hashes.
    Hashed,
    /// The client has none.
    Absent,
}

impl Secret {
    /// What can be shown of it.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::Readable(text) => Some(text),
            Self::Hashed | Self::Absent => None,
        }
    }

    /// Whether the client has it.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// A secret of a client.
pub(crate) async fn secret(
    services: &Services,
    realm_id: &str,
    id: &str,
    which: WhichSecret,
) -> Result<Secret, Error> {
    let request = GetClientSecretRequest {
        realm_id: realm_id.to_owned(),
        id: id.to_owned(),
        replaced: which == WhichSecret::Replaced,
    };
    match services.registry.get_client_secret(Request::new(request)).await {
        Ok(answer) => Ok(Secret::Readable(answer.into_inner().secret)),
        Err(status) => match reason(&status).as_deref() {
            Some("SECRET_NOT_FOUND") => Ok(Secret::Absent),
            Some("SECRET_UNREADABLE") => Ok(Secret::Hashed),
            _ => Err(status.into()),
        },
    }
}

/// The secret that the representation of a client shows; empty where there is none to show.
pub(crate) async fn shown_secret(services: &Services, client: &Client) -> Result<String, Error> {
    if client.public_client || client.bearer_only {
        return Ok(String::new());
    }
    let secret = secret(services, &client.realm_id, &client.id, WhichSecret::Newest).await?;
    Ok(secret.text().unwrap_or_default())
}
