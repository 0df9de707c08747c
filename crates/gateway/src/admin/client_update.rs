//! Changes a client: the registry first, then what role-mapping holds for it.

use super::{
    client_creation::find_by_id,
    client_parts::mapping,
    error::Error,
    realm_creation::catch_up_roles,
    realms::MERGES,
    representation::{ClientRepresentation, MASK, check_client},
};
use crate::Services;
use latchkey_api::{
    common::v1::AdminEvent,
    error::Kind,
    registry::v1::{Client, RegistrationTokenRotation, UpdateClientRequest},
    roles::v1::{
        ClientMapping, DeleteServiceAccountRequest, GetServiceAccountRequest, UpdateClientMappingRequest,
    },
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use tonic::Request;

/// A change of a client. What the representation leaves out stays as it is.
pub(crate) struct ClientUpdate<'a> {
    pub(crate) representation: &'a ClientRepresentation,
    pub(crate) event: Option<AdminEvent>,
    /// For a client that changes itself: the registration access token that is used up by it.
    pub(crate) rotation: Option<RegistrationTokenRotation>,
    /// Whether lists of client scopes count: if one is given, both are replaced. In an administrator's update Keycloak ignores them.
    pub(crate) replaces_scopes: bool,
}

impl ClientUpdate<'_> {
    /// Makes the change, anew when somebody else was quicker. Answers what the client is now.
    pub(crate) async fn apply(self, services: &Services, stored: Client) -> Result<Client, Error> {
        let (before, after) = self.rewrite(services, stored).await?;
        self.update_mapping(services, &after).await?;
        if before.service_accounts_enabled != after.service_accounts_enabled {
            switch_service_account(services, &after).await?;
        }
        Ok(after)
    }

    /// Merges the change into the client and writes it. Answers what it was and what it is.
    async fn rewrite(&self, services: &Services, mut stored: Client) -> Result<(Client, Client), Error> {
        let secret = self.representation.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let secret = secret.filter(|secret| secret != MASK).unwrap_or_default();
        for _ in 0..MERGES {
            let mut client = stored.clone();
            self.representation.apply(&mut client);
            check_client(&client)?;
            let request = UpdateClientRequest {
                client: Some(client),
                secret: secret.clone(),
                admin_event: self.event.clone(),
                rotation: self.rotation.clone(),
            };
            match services.registry.update_client(Request::new(request)).await {
                Ok(answer) => {
                    let answer = answer.into_inner();
                    let client = answer.client.ok_or(Error::IncompleteAnswer("a client"))?;
                    let cascades = client.client_id != stored.client_id
                        || client.service_accounts_enabled != stored.service_accounts_enabled;
                    if cascades {
                        catch_up_roles(services, answer.revision).await?;
                    }
                    return Ok((stored, client));
                }
                Err(status) if Kind::of(&status) == Kind::Aborted => {
                    let again = find_by_id(services, &stored.realm_id, &stored.id).await?;
                    stored = again.ok_or(Error::ClientNotFound)?;
                }
                Err(status) => return Err(status.into()),
            }
        }
        Err(Error::Contended("the client"))
    }

    /// What of an update is role-mapping's: full scope and, if they are given, the mappers and the scopes.
    async fn update_mapping(&self, services: &Services, client: &Client) -> Result<(), Error> {
        let representation = self.representation;
        let mappers = representation.mapper_messages(random::uuid);
        let scopes = representation.scope_lists().filter(|_| self.replaces_scopes);
        if representation.full_scope_allowed.is_none() && mappers.is_none() && scopes.is_none() {
            return Ok(());
        }
        let current = mapping(services, &client.realm_id, &client.id).await?;
        let full_scope = representation.full_scope_allowed.filter(|full| *full != current.full_scope_allowed);
        let mappers = mappers.filter(|mappers| *mappers != current.protocol_mappers);
        let scopes = scopes.filter(|scopes| !are_same(scopes, &current));
        if full_scope.is_none() && mappers.is_none() && scopes.is_none() {
            return Ok(());
        }
        let replace_client_scopes = scopes.is_some();
        let (default_client_scopes, optional_client_scopes) = scopes.unwrap_or_default();
        let request = UpdateClientMappingRequest {
            realm_id: client.realm_id.clone(),
            id: client.id.clone(),
            full_scope_allowed: full_scope,
            replace_protocol_mappers: mappers.is_some(),
            protocol_mappers: mappers.unwrap_or_default(),
            admin_event: None,
            replace_client_scopes,
            default_client_scopes,
            optional_client_scopes,
        };
        services.roles.update_client_mapping(Request::new(request)).await?;
        Ok(())
    }
}

fn are_same((default, optional): &(Vec<String>, Vec<String>), current: &ClientMapping) -> bool {
    let same = |given: &[String], held: &[String]| {
        given.len() == held.len() && given.iter().all(|name| held.contains(name))
    };
    same(default, &current.default_client_scopes) && same(optional, &current.optional_client_scopes)
}

/// Makes the service account of a client that has just been given one, or takes it away.
async fn switch_service_account(services: &Services, client: &Client) -> Result<(), Error> {
    let (realm_id, client_uuid) = (client.realm_id.clone(), client.id.clone());
    if client.service_accounts_enabled {
        let request = GetServiceAccountRequest { realm_id, client_uuid, create: true };
        services.roles.get_service_account(Request::new(request)).await?;
    } else {
        let request = DeleteServiceAccountRequest { realm_id, client_uuid };
        services.roles.delete_service_account(Request::new(request)).await?;
    }
    Ok(())
}
