//! `/admin/realms/{realm}/clients` and `…/clients/{id}`.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, ManageClients, QueryClients, RealmAdmin, ViewClients},
    body::JsonBody,
    caller::{MASTER, REALM_MANAGEMENT},
    client_creation::create_client,
    error::{Answer, Error},
    query::Query,
    realm_creation::catch_up_roles,
    realm_template::is_built_in,
    realms::MERGES,
    representation::{Access, ClientRepresentation, MASK, ShownClient, check_client, show_client, show_user},
};
use crate::App;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use latchkey_api::{
    common::v1::AdminEvent,
    error::{Kind, reason},
    registry::v1::{
        Client, DeleteClientRequest, GetClientRequest, GetClientSecretRequest, ListClientsRequest,
        UpdateClientRequest,
    },
    roles::v1::{
        ClientMapping, DeleteServiceAccountRequest, GetServiceAccountRequest, ListClientMappingsRequest,
        UpdateClientMappingRequest, User,
    },
    session::v1::EndAllRequest,
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Request;

/// The client (uuid) that a path names.
#[derive(Deserialize)]
pub(super) struct ClientPath {
    pub(super) id: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/clients", get(list).post(create))
        .route("/admin/realms/{realm}/clients/{id}", get(show).put(update).delete(delete))
        .route("/admin/realms/{realm}/clients/{id}/service-account-user", get(service_account_user))
        .route("/admin/realms/{realm}/clients/{id}/push-revocation", post(push_revocation))
}

impl RealmAdmin {
    /// The client that a path names.
    pub(super) async fn client(&self, id: &str) -> Result<Client, Error> {
        let request = GetClientRequest { realm_id: self.realm_id(), id: id.to_owned() };
        let answer = self.services().registry.get_client(Request::new(request)).await?.into_inner();
        answer.client.ok_or(Error::IncompleteAnswer("a client"))
    }

    /// What role-mapping holds for clients, by their uuids.
    async fn mappings(&self, ids: Vec<String>) -> Result<Vec<ClientMapping>, Error> {
        let request = ListClientMappingsRequest { realm_id: self.realm_id(), ids };
        let answer = self.services().roles.list_client_mappings(Request::new(request)).await?;
        Ok(answer.into_inner().mappings)
    }

    /// What role-mapping holds for one client.
    pub(super) async fn mapping(&self, id: &str) -> Result<ClientMapping, Error> {
        self.mappings(vec![id.to_owned()]).await?.pop().ok_or(Error::ClientNotFound)
    }

    /// Who may manage clients may not manage those that carry admin roles.
    fn access_to(&self, client: &Client) -> Access {
        Access { manage: self.may::<ManageClients>() && !carries_admin_roles(&self.realm.name, client) }
    }

    /// A client as the caller sees it.
    pub(super) async fn show_client(&self, client: &Client) -> Result<Value, Error> {
        let mapping = self.mapping(&client.id).await?;
        let secret = if client.public_client || client.bearer_only {
            String::new()
        } else {
            self.secret_of(&client.id).await?.unwrap_or_default()
        };
        let access = Some(self.access_to(client));
        Ok(show_client(&ShownClient { client, mapping: &mapping, secret: &secret, access }))
    }

    /// The newest secret of a client; `None` where there is none to show.
    pub(super) async fn secret_of(&self, id: &str) -> Result<Option<String>, Error> {
        let request = GetClientSecretRequest { realm_id: self.realm_id(), id: id.to_owned() };
        match self.services().registry.get_client_secret(Request::new(request)).await {
            Ok(answer) => Ok(Some(answer.into_inner().secret)),
            Err(status) if reason(&status).as_deref() == Some("SECRET_NOT_FOUND") => Ok(None),
            Err(status) => Err(status.into()),
        }
    }
}

/// Whether a client's roles are admin roles: of its own realm or, in master, of another.
pub(super) fn carries_admin_roles(realm: &str, client: &Client) -> bool {
    let by_name = if realm == MASTER {
        client.client_id.ends_with("-realm")
    } else {
        client.client_id == REALM_MANAGEMENT
    };
    by_name && client.attributes.get("realm_client").is_some_and(|value| value == "true")
}

async fn list(admin: Admin<QueryClients>, query: Query) -> Answer {
    if let Some(search) = query.text("q").filter(|search| !search.is_empty()) {
        let attribute = search.split(':').next().unwrap_or_default().to_owned();
        return Err(Error::SearchAttribute(attribute));
    }
    let page = query.page()?;
    if !admin.may::<ViewClients>() || page.max == Some(0) {
        return json(&json!([]));
    }
    let request = ListClientsRequest {
        realm_id: admin.realm_id(),
        client_id: query.text("clientId").unwrap_or_default().to_owned(),
        contains: query.flag("search").unwrap_or(false),
        page: Some(page),
        with_secrets: true,
    };
    let found = admin.services().registry.list_clients(Request::new(request)).await?.into_inner();
    let ids: Vec<String> = found.clients.iter().map(|client| client.id.clone()).collect();
    let mappings = if ids.is_empty() { Vec::new() } else { admin.mappings(ids).await? };
    let mut shown = Vec::with_capacity(found.clients.len());
    for (index, client) in found.clients.iter().enumerate() {
        // One without a mapping was deleted between the two questions.
        let Some(mapping) = mappings.iter().find(|mapping| mapping.id == client.id) else { continue };
        let secret = found.secrets.get(index).map_or("", String::as_str);
        let secret = if client.public_client || client.bearer_only { "" } else { secret };
        let access = Some(admin.access_to(client));
        shown.push(show_client(&ShownClient { client, mapping, secret, access }));
    }
    json(&shown)
}

async fn create(admin: Admin<ManageClients>, body: JsonBody) -> Answer {
    let representation: ClientRepresentation = body.read()?;
    let client = create_client(admin.services(), &admin.realm.id, &representation, |client| {
        let path = format!("clients/{}", client.id);
        admin.event("CREATE", "CLIENT", &path, Some(shown_in_event(client)))
    })
    .await?;
    created(&admin.app, &admin.context, &[&admin.realm.name, "clients", &client.id])
}

async fn show(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    json(&admin.show_client(&client).await?)
}

async fn update(admin: Admin<ManageClients>, Path(path): Path<ClientPath>, body: JsonBody) -> Answer {
    let stored = admin.client(&path.id).await?;
    let representation: ClientRepresentation = body.read()?;
    let secret = representation.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    let secret = secret.filter(|secret| secret != MASK).unwrap_or_default();
    if carries_admin_roles(&admin.realm.name, &stored) {
        return Err(Error::Forbidden);
    }
    let event = admin.event(
        "UPDATE",
        "CLIENT",
        &format!("clients/{}", stored.id),
        Some(shown_in_event(&{
            let mut client = stored.clone();
            representation.apply(&mut client);
            client
        })),
    );
    let (before, after) =
        rewrite(&admin, stored, &secret, event, |client| representation.apply(client)).await?;
    update_mapping(&admin, &representation, &after).await?;
    if before.service_accounts_enabled != after.service_accounts_enabled {
        switch_service_account(&admin, &after).await?;
    }
    Ok(no_content())
}

/// Merges a change into a client and writes it, anew when somebody else was quicker. Answers what it was and what it is.
async fn rewrite(
    admin: &RealmAdmin,
    mut stored: Client,
    secret: &str,
    event: Option<AdminEvent>,
    merge: impl Fn(&mut Client),
) -> Result<(Client, Client), Error> {
    for _ in 0..MERGES {
        let mut client = stored.clone();
        merge(&mut client);
        check_client(&client)?;
        let request = UpdateClientRequest {
            client: Some(client),
            secret: secret.to_owned(),
            admin_event: event.clone(),
        };
        match admin.services().registry.update_client(Request::new(request)).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let client = answer.client.ok_or(Error::IncompleteAnswer("a client"))?;
                let cascades = client.client_id != stored.client_id
                    || client.service_accounts_enabled != stored.service_accounts_enabled;
                if cascades {
                    catch_up_roles(admin.services(), answer.revision).await?;
                }
                return Ok((stored, client));
            }
            Err(status) if Kind::of(&status) == Kind::Aborted => stored = admin.client(&stored.id).await?,
            Err(status) => return Err(status.into()),
        }
    }
    Err(Error::Contended("the client"))
}

/// What of an update is role-mapping's: full scope and, if they are given, the mappers. Lists of scopes in an update are ignored.
async fn update_mapping(
    admin: &RealmAdmin,
    representation: &ClientRepresentation,
    client: &Client,
) -> Result<(), Error> {
    let mappers = representation.mapper_messages(random::uuid);
    if representation.full_scope_allowed.is_none() && mappers.is_none() {
        return Ok(());
    }
    let current = admin.mapping(&client.id).await?;
    let full_scope = representation.full_scope_allowed.filter(|full| *full != current.full_scope_allowed);
    let mappers = mappers.filter(|mappers| *mappers != current.protocol_mappers);
    if full_scope.is_none() && mappers.is_none() {
        return Ok(());
    }
    let request = UpdateClientMappingRequest {
        realm_id: admin.realm_id(),
        id: client.id.clone(),
        full_scope_allowed: full_scope,
        replace_protocol_mappers: mappers.is_some(),
        protocol_mappers: mappers.unwrap_or_default(),
        admin_event: None,
    };
    admin.services().roles.update_client_mapping(Request::new(request)).await?;
    Ok(())
}

/// Makes the service account of a client that has just been given one, or takes it away.
async fn switch_service_account(admin: &RealmAdmin, client: &Client) -> Result<(), Error> {
    let roles = &admin.services().roles;
    if client.service_accounts_enabled {
        let request = GetServiceAccountRequest {
            realm_id: admin.realm_id(),
            client_uuid: client.id.clone(),
            create: true,
        };
        roles.get_service_account(Request::new(request)).await?;
    } else {
        let request =
            DeleteServiceAccountRequest { realm_id: admin.realm_id(), client_uuid: client.id.clone() };
        roles.delete_service_account(Request::new(request)).await?;
    }
    Ok(())
}

async fn delete(admin: Admin<ManageClients>, Path(path): Path<ClientPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    if carries_admin_roles(&admin.realm.name, &client) {
        return Err(Error::Forbidden);
    }
    if is_built_in(&client.client_id) {
        return Err(Error::BuiltInClient);
    }
    let path = format!("clients/{}", client.id);
    let event = admin.event("DELETE", "CLIENT", &path, Some(shown_in_event(&client)));
    remove_client(&admin, &client, event).await?;
    Ok(no_content())
}

/// Deletes a client with what other services hold for it.
pub(super) async fn remove_client(
    admin: &RealmAdmin,
    client: &Client,
    event: Option<AdminEvent>,
) -> Result<(), Error> {
    let request =
        DeleteClientRequest { realm_id: admin.realm_id(), id: client.id.clone(), admin_event: event };
    let revision =
        admin.services().registry.delete_client(Request::new(request)).await?.into_inner().revision;
    let sessions = EndAllRequest {
        realm_id: admin.realm_id(),
        client_uuid: client.id.clone(),
        ..EndAllRequest::default()
    };
    let (roles, sessions) = futures::join!(
        catch_up_roles(admin.services(), revision),
        admin.services().sessions.end_all(Request::new(sessions)),
    );
    if let Err(status) = sessions {
        // Nobody can use them without their client, and they expire.
        tracing::warn!(client.id = client.id, cause = %status, "sessions of a deleted client are left to expire");
    }
    roles
}

async fn service_account_user(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    let user = service_account(&admin, &path.id).await?;
    json(&show_user(&user))
}

/// The service account of a client, made anew if it was deleted.
async fn service_account(admin: &RealmAdmin, id: &str) -> Result<User, Error> {
    let client = admin.client(id).await?;
    if !client.service_accounts_enabled {
        return Err(Error::ServiceAccountOff(client.client_id));
    }
    let request =
        GetServiceAccountRequest { realm_id: admin.realm_id(), client_uuid: client.id, create: true };
    let answer = admin.services().roles.get_service_account(Request::new(request)).await?.into_inner();
    answer.user.ok_or(Error::IncompleteAnswer("a user"))
}

/// No client has an admin URL to be told at.
async fn push_revocation(
    admin: Admin<ManageClients>,
    Path(path): Path<ClientPath>,
) -> Result<Response, Error> {
    admin.client(&path.id).await?;
    json(&json!({}))
}

/// A client in an event: what the registry holds of it, without any secret.
pub(super) fn shown_in_event(client: &Client) -> Value {
    let mapping = ClientMapping::default();
    let mut shown = show_client(&ShownClient { client, mapping: &mapping, secret: "", access: None });
    if let Value::Object(members) = &mut shown {
        for foreign in ["fullScopeAllowed", "defaultClientScopes", "optionalClientScopes"] {
            members.remove(foreign);
        }
    }
    shown
}
