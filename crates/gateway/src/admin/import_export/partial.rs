//! `/admin/realms/{realm}/partialImport`: clients, roles and users are added to a realm that is there.

use super::{
    importer::Importer,
    plan::{Document, Plan, PlannedRole, name_of},
};
use crate::App;
use crate::admin::{
    answer::json,
    authorization::{Admin, ManageRealm, RealmAdmin},
    body::JsonBody,
    client_creation::create_imported_client,
    client_deletion::delete_client,
    clients::shown_in_event,
    error::{Answer, Error},
    representation::{default_role_name, show_role},
};
use axum::{Router, routing::post};
use latchkey_api::{
    common::v1::AdminEvent,
    registry::v1::{Client, ListClientsRequest},
    roles::v1::{DeleteRoleRequest, DeleteServiceAccountRequest, DeleteUserRequest, Role},
};
use latchkey_platform::random;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tonic::Request;

const CLIENT: &str = "CLIENT";
const REALM_ROLE: &str = "REALM_ROLE";
const CLIENT_ROLE: &str = "CLIENT_ROLE";
const USER: &str = "USER";

/// What was done with a thing.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Action {
    Added,
    Skipped,
    Overwritten,
}

/// One line of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    action: Action,
    resource_type: &'static str,
    resource_name: String,
    id: String,
}

/// An import under way.
struct PartialImport<'a> {
    admin: &'a RealmAdmin,
    importer: Importer<'a>,
    results: Vec<Done>,
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/admin/realms/{realm}/partialImport", post(partial_import))
}

async fn partial_import(admin: Admin<ManageRealm>, body: JsonBody) -> Answer {
    let document = Document::read(&body.document()?)?;
    let request = ListClientsRequest { realm_id: admin.realm_id(), ..ListClientsRequest::default() };
    let clients = admin.services().registry.list_clients(Request::new(request)).await?.into_inner().clients;
    let clients: BTreeMap<String, Client> =
        clients.into_iter().map(|client| (client.client_id.clone(), client)).collect();
    let ids = clients.iter().map(|(client_id, client)| (client_id.clone(), client.id.clone())).collect();
    let importer = Importer::begin(admin.services(), &admin.realm.id, ids).await?;
    let plan = Box::pin(document.plan(&admin, &importer, &clients)).await?;
    let import = PartialImport { admin: &admin, importer, results: Vec::new() };
    json(&Box::pin(import.carry_out(plan)).await?)
}

impl PartialImport<'_> {
    async fn carry_out(mut self, plan: Plan) -> Result<Value, Error> {
        self.clients(&plan).await?;
        self.roles(&plan).await?;
        self.users(&plan).await?;
        let count = |action| self.results.iter().filter(|done| done.action == action).count();
        Ok(json!({
            "overwritten": count(Action::Overwritten),
            "added": count(Action::Added),
            "skipped": count(Action::Skipped),
            "results": self.results,
        }))
    }

    async fn clients(&mut self, plan: &Plan) -> Result<(), Error> {
        let (services, realm) = (self.admin.services(), &self.admin.realm);
        for planned in &plan.clients {
            if let Some(existing) = planned.existing.as_ref().filter(|_| planned.skip) {
                self.report(Action::Skipped, CLIENT, &existing.client_id, &existing.id);
                continue;
            }
            if let Some(existing) = &planned.existing {
                delete_client(services, &realm.name, existing, None).await?;
            }
            let action = action(planned.existing.is_some());
            let event = |client: &Client| {
                let path = format!("clients/{}", client.id);
                self.event(action, CLIENT, &path, Some(shown_in_event(client)))
            };
            let client = create_imported_client(services, &realm.id, &planned.representation, event).await?;
            if client.service_accounts_enabled {
                // As in Keycloak, which makes it when it is first asked for.
                let request = DeleteServiceAccountRequest {
                    realm_id: realm.id.clone(),
                    client_uuid: client.id.clone(),
                };
                services.roles.delete_service_account(Request::new(request)).await?;
            }
            self.report(action, CLIENT, &client.client_id, &client.id);
            self.importer.clients.insert(client.client_id, client.id);
        }
        // Those of clients that were made anew are gone.
        self.importer.read_roles().await
    }

    async fn roles(&mut self, plan: &Plan) -> Result<(), Error> {
        let default_role = default_role_name(&self.admin.realm);
        let mut made = Vec::with_capacity(plan.roles.len());
        for planned in &plan.roles {
            let client_uuid = match planned.client_id.as_str() {
                "" => String::new(),
                client_id => self.importer.client(client_id)?,
            };
            let name = planned.role.representation.name.as_deref().unwrap_or_default();
            let existing = self.importer.role(&client_uuid, name).cloned();
            if let Some(existing) = existing.as_ref().filter(|_| planned.role.skip) {
                self.report_role(Action::Skipped, planned, existing);
                continue;
            }
            let overwritten = planned.role.existing.is_some();
            let role = match existing {
                // It cannot go, since every new account gets it.
                Some(role) if client_uuid.is_empty() && role.name == default_role => {
                    self.importer.empty_role(&role).await?;
                    self.importer.change_role(role, &planned.role.representation).await?
                }
                existing => {
                    if let Some(role) = existing {
                        self.delete_role(role).await?;
                    }
                    self.make_role(&client_uuid, planned).await?
                }
            };
            if overwritten {
                self.report_role(Action::Overwritten, planned, &role);
            }
            // Also one that was overwritten, as Keycloak has it.
            self.report_role(Action::Added, planned, &role);
            made.push((role, planned));
        }
        for (role, planned) in made {
            let parts = self.importer.contained(&planned.role.representation)?;
            self.importer.fill_role(&role, &parts).await?;
        }
        Ok(())
    }

    async fn make_role(&mut self, client_uuid: &str, planned: &PlannedRole) -> Result<Role, Error> {
        let id = random::uuid();
        let (kind, path) = match client_uuid {
            "" => (REALM_ROLE, format!("roles/{id}")),
            client_uuid => (CLIENT_ROLE, format!("clients/{client_uuid}")),
        };
        let shown = Role {
            id: id.clone(),
            realm_id: self.admin.realm_id(),
            client_uuid: client_uuid.to_owned(),
            name: planned.role.representation.name.clone().unwrap_or_default(),
            ..Role::default()
        };
        let action = action(planned.role.existing.is_some());
        let event = self.event(action, kind, &path, Some(show_role(&shown, true)));
        self.importer.make_role(client_uuid, id, &planned.role.representation, event).await
    }

    async fn delete_role(&self, role: Role) -> Result<(), Error> {
        let request = DeleteRoleRequest { realm_id: self.admin.realm_id(), id: role.id, admin_event: None };
        self.admin.services().roles.delete_role(Request::new(request)).await?;
        Ok(())
    }

    async fn users(&mut self, plan: &Plan) -> Result<(), Error> {
        for planned in &plan.users {
            let name = name_of(&planned.representation);
            if let Some(existing) = planned.existing.as_ref().filter(|_| planned.skip) {
                self.report(Action::Skipped, USER, name, &existing.id);
                continue;
            }
            if let Some(existing) = &planned.existing {
                let request = DeleteUserRequest {
                    realm_id: self.admin.realm_id(),
                    id: existing.id.clone(),
                    admin_event: None,
                };
                match self
                    .admin
                    .services()
                    .roles
                    .delete_user(Request::new(request))
                    .await
                    .map_err(Error::from)
                {
                    // A service account went with its client.
                    Ok(_) | Err(Error::UserNotFound) => {}
                    Err(other) => return Err(other),
                }
                self.admin.end_sessions_of_user(&existing.id).await?;
            }
            let (id, action) = (random::uuid(), action(planned.existing.is_some()));
            let event = self.event(action, USER, &format!("users/{id}"), None);
            self.importer.make_user(id.clone(), &planned.representation, event).await?;
            self.report(action, USER, name, &id);
        }
        Ok(())
    }

    fn report(&mut self, action: Action, resource_type: &'static str, name: &str, id: &str) {
        self.results.push(Done { action, resource_type, resource_name: name.to_owned(), id: id.to_owned() });
    }

    /// A client's role goes by the id of its client.
    fn report_role(&mut self, action: Action, planned: &PlannedRole, role: &Role) {
        match role.client_uuid.as_str() {
            "" => self.report(action, REALM_ROLE, &planned.name(), &role.id),
            client_uuid => self.report(action, CLIENT_ROLE, &planned.name(), client_uuid),
        }
    }

    fn event(
        &self,
        action: Action,
        resource_type: &'static str,
        path: &str,
        shown: Option<Value>,
    ) -> Option<AdminEvent> {
        let operation = if action == Action::Overwritten { "UPDATE" } else { "CREATE" };
        self.admin.event(operation, resource_type, path, shown)
    }
}

fn action(exists: bool) -> Action {
    if exists { Action::Overwritten } else { Action::Added }
}
