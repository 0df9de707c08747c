//! `/admin/realms/{realm}/clients` and `…/clients/{id}`.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, ManageClients, QueryClients, RealmAdmin, ViewClients},
    body::JsonBody,
    caller::{MASTER, REALM_MANAGEMENT},
    client_creation::create_client,
    client_deletion::delete_client,
    client_parts::{self, Secret, WhichSecret, mappings},
    client_update::ClientUpdate,
    error::{Answer, Error},
    query::Query,
    representation::{Access, ClientRepresentation, ShownClient, show_client, show_user},
};
use crate::App;
use axum::{Router, extract::Path, routing::get};
use latchkey_api::{
    registry::v1::{Client, GetClientRequest, ListClientsRequest},
    roles::v1::{ClientMapping, GetServiceAccountRequest, User},
};
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
}

impl RealmAdmin {
    /// The client that a path names.
    pub(super) async fn client(&self, id: &str) -> Result<Client, Error> {
        let request = GetClientRequest { realm_id: self.realm_id(), id: id.to_owned() };
        let answer = self.services().registry.get_client(Request::new(request)).await?.into_inner();
        answer.client.ok_or(Error::IncompleteAnswer("a client"))
    }

    /// What role-mapping holds for one client.
    pub(super) async fn mapping(&self, id: &str) -> Result<ClientMapping, Error> {
        client_parts::mapping(self.services(), &self.realm.id, id).await
    }

    /// Who may manage clients may not manage those that carry admin roles.
    fn access_to(&self, client: &Client) -> Access {
        Access { manage: self.may::<ManageClients>() && !carries_admin_roles(&self.realm.name, client) }
    }

    /// A client as the caller sees it.
    pub(super) async fn show_client(&self, client: &Client) -> Result<Value, Error> {
        let mapping = self.mapping(&client.id).await?;
        let secret = client_parts::shown_secret(self.services(), client).await?;
        let access = Some(self.access_to(client));
        Ok(show_client(&ShownClient { client, mapping: &mapping, secret: &secret, access }))
    }

    /// A secret of a client.
    pub(super) async fn secret_of(&self, id: &str, which: WhichSecret) -> Result<Secret, Error> {
        client_parts::secret(self.services(), &self.realm.id, id, which).await
    }
}

/// Whether a client's roles are admin roles: of its own realm or, in master, of another.
pub(crate) fn carries_admin_roles(realm: &str, client: &Client) -> bool {
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
    let mappings =
        if ids.is_empty() { Vec::new() } else { mappings(admin.services(), &admin.realm.id, ids).await? };
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
    let event = |client: &Client| {
        let path = format!("clients/{}", client.id);
        admin.event("CREATE", "CLIENT", &path, Some(shown_in_event(client)))
    };
    let client = create_client(admin.services(), &admin.realm.id, &representation, event).await?;
    created(&admin.app, &admin.context, &[&admin.realm.name, "clients", &client.id])
}

async fn show(admin: Admin<ViewClients>, Path(path): Path<ClientPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    json(&admin.show_client(&client).await?)
}

async fn update(admin: Admin<ManageClients>, Path(path): Path<ClientPath>, body: JsonBody) -> Answer {
    let stored = admin.client(&path.id).await?;
    let representation: ClientRepresentation = body.read()?;
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
    let update =
        ClientUpdate { representation: &representation, event, rotation: None, replaces_scopes: false };
    update.apply(admin.services(), stored).await?;
    Ok(no_content())
}

async fn delete(admin: Admin<ManageClients>, Path(path): Path<ClientPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    let path = format!("clients/{}", client.id);
    let event = admin.event("DELETE", "CLIENT", &path, Some(shown_in_event(&client)));
    delete_client(admin.services(), &admin.realm.name, &client, event).await?;
    Ok(no_content())
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
