//! Makes a client: role-mapping prepares what it starts with, the registry publishes it, and role-mapping confirms by following.
//! Whatever dies in between, there is a whole client or none.

use super::{
    error::Error,
    realm_creation::{catch_up_roles, is_definite},
    representation::{ClientRepresentation, check_client},
};
use crate::Services;
use latchkey_api::{
    common::v1::AdminEvent,
    error::reason,
    registry::v1::{
        Client, CreateClientRequest, FindClientRequest, GetClientRequest, NewClient, Registration,
    },
    roles::v1::{DropClientRequest, PrepareClientRequest},
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use tonic::Request;

/// Makes a client in a realm. `event` is asked for the administrator's act once the client's id is known.
pub(crate) async fn create_client(
    services: &Services,
    realm_id: &str,
    representation: &ClientRepresentation,
    event: impl FnOnce(&Client) -> Option<AdminEvent>,
) -> Result<Client, Error> {
    create(services, representation.new_client(realm_id, random::uuid), representation, None, event).await
}

/// The same for a client that registers itself, with what its registration does beside it.
pub(crate) async fn register_client(
    services: &Services,
    realm_id: &str,
    representation: &ClientRepresentation,
    registration: Registration,
) -> Result<Client, Error> {
    let client = representation.new_client(realm_id, random::uuid);
    create(services, client, representation, Some(registration), |_| None).await
}

/// The same for a client that comes with an import.
pub(crate) async fn create_imported_client(
    services: &Services,
    realm_id: &str,
    representation: &ClientRepresentation,
    event: impl FnOnce(&Client) -> Option<AdminEvent>,
) -> Result<Client, Error> {
    let client = representation.imported_client(realm_id, random::uuid);
    create(services, client, representation, None, event).await
}

async fn create(
    services: &Services,
    client: Client,
    representation: &ClientRepresentation,
    registration: Option<Registration>,
    event: impl FnOnce(&Client) -> Option<AdminEvent>,
) -> Result<Client, Error> {
    check_client(&client)?;
    if exists_by_client_id(services, &client).await? {
        return Err(Error::ClientExists(client.client_id));
    }
    // What is prepared replaces what was prepared under the id before: it must not be a published client's.
    if find_by_id(services, &client.realm_id, &client.id).await?.is_some() {
        return Err(Error::Duplicate);
    }

    let prepare = PrepareClientRequest {
        mapping: Some(representation.new_mapping(&client, random::uuid)),
        service_account: client.service_accounts_enabled,
    };
    services.roles.prepare_client(Request::new(prepare)).await.map_err(|status| {
        match reason(&status).as_deref() {
            Some("USERNAME_EXISTS") => Error::Duplicate,
            _ => status.into(),
        }
    })?;
    let secret = representation.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    let request = CreateClientRequest {
        admin_event: event(&client),
        client: Some(NewClient { client: Some(client.clone()), secret: secret.unwrap_or_default() }),
        registration,
    };
    match services.registry.create_client(Request::new(request)).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            catch_up_roles(services, answer.revision).await?;
            answer.client.ok_or(Error::IncompleteAnswer("a client"))
        }
        Err(status) => {
            if is_definite(&status) {
                drop_unpublished(services, &client.realm_id, &client.id).await;
            }
            Err(match reason(&status).as_deref() {
                Some("CLIENT_EXISTS") => Error::ClientExists(client.client_id),
                _ => status.into(),
            })
        }
    }
}

async fn exists_by_client_id(services: &Services, client: &Client) -> Result<bool, Error> {
    let request =
        FindClientRequest { realm_id: client.realm_id.clone(), client_id: client.client_id.clone() };
    match services.registry.find_client(Request::new(request)).await.map_err(Error::from) {
        Ok(_) => Ok(true),
        Err(Error::ClientNotFound) => Ok(false),
        Err(other) => Err(other),
    }
}

/// A client by its uuid, `None` where there is none.
pub(crate) async fn find_by_id(
    services: &Services,
    realm_id: &str,
    id: &str,
) -> Result<Option<Client>, Error> {
    let request = GetClientRequest { realm_id: realm_id.to_owned(), id: id.to_owned() };
    match services.registry.get_client(Request::new(request)).await.map_err(Error::from) {
        Ok(answer) => Ok(answer.into_inner().client),
        Err(Error::ClientNotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Takes back what was prepared, unless somebody else has published a client of that id meanwhile. If it fails, the sweep does it.
async fn drop_unpublished(services: &Services, realm_id: &str, id: &str) {
    let dropped = match find_by_id(services, realm_id, id).await {
        Ok(None) => {
            let request = DropClientRequest { realm_id: realm_id.to_owned(), id: id.to_owned() };
            services.roles.drop_client(Request::new(request)).await.map(drop).map_err(Error::from)
        }
        Ok(Some(_)) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = dropped {
        tracing::warn!(realm.id = realm_id, client.id = id, cause = %error, "an unpublished client is left to be swept");
    }
}
