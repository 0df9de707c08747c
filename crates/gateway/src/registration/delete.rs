//! `DELETE /realms/{realm}/clients-registrations/{provider}/{client_id}` (RFC 7592 section 2.3).

use super::{authorization::Registered, error::Error, events::CLIENT_DELETE, request::RegistrationRequest};
use crate::admin::{answer::no_content, client_deletion::delete_client};
use axum::response::{IntoResponse as _, Response};

/// Answers 204. The client's tokens, sessions and service account go with it.
pub(super) async fn delete(request: RegistrationRequest) -> Response {
    let deleted = remove(&request).await;
    request.record(CLIENT_DELETE, &request.client_id, &deleted);
    deleted.map_or_else(Error::into_response, |()| no_content())
}

async fn remove(request: &RegistrationRequest) -> Result<(), Error> {
    let Registered { client, .. } = request.may_update().await?;
    Ok(delete_client(request.services(), &request.realm.name, &client, None).await?)
}
