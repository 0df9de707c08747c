//! Deletes a client: the registry first, and the others follow its log.

use super::{
    clients::carries_admin_roles, error::Error, realm_creation::catch_up_roles, realm_template::is_built_in,
};
use crate::Services;
use latchkey_api::{
    common::v1::AdminEvent,
    registry::v1::{Client, DeleteClientRequest},
    session::v1::EndAllRequest,
};
use tonic::Request;

/// Deletes a client with its service account, its roles and its sessions.
///
/// # Errors
/// [`Error::Forbidden`] for one whose roles are admin roles, [`Error::BuiltInClient`] for another that every realm has.
pub(crate) async fn delete_client(
    services: &Services,
    realm_name: &str,
    client: &Client,
    event: Option<AdminEvent>,
) -> Result<(), Error> {
    if carries_admin_roles(realm_name, client) {
        return Err(Error::Forbidden);
    }
    if is_built_in(&client.client_id) {
        return Err(Error::BuiltInClient);
    }
    let request =
        DeleteClientRequest { realm_id: client.realm_id.clone(), id: client.id.clone(), admin_event: event };
    let revision = services.registry.delete_client(Request::new(request)).await?.into_inner().revision;
    let sessions = EndAllRequest {
        realm_id: client.realm_id.clone(),
        client_uuid: client.id.clone(),
        ..EndAllRequest::default()
    };
    let (roles, sessions) = futures::join!(
        catch_up_roles(services, revision),
        services.sessions.end_all(Request::new(sessions)),
    );
    if let Err(status) = sessions {
        // Nobody can use them without their client, and they expire.
        tracing::warn!(client.id = client.id, cause = %status, "sessions of a deleted client are left to expire");
    }
    roles
}
