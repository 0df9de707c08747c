//! `/admin/realms/{realm}/partial-export`: a realm as a document, without users but service accounts, and without any secret.

use crate::App;
use crate::admin::{
    answer::json,
    authorization::{Admin, ManageRealm, QueryUsers, RealmAdmin, ViewClients},
    error::{Answer, Error},
    query::Query,
    realms::show_whole,
    representation::{
        KEY_PROVIDER_TYPE, MASK, ShownClient, show_client, show_client_scope, show_key_provider, show_role,
        show_user,
    },
    server_info::KEYCLOAK,
};
use axum::{
    Router,
    http::{HeaderValue, header},
    routing::post,
};
use futures::future::try_join_all;
use latchkey_api::{
    issuer::v1::{KeyProvider, ListKeyProvidersRequest},
    registry::v1::{Client, ListClientsRequest},
    roles::v1::{
        ClientMapping, ClientScope, ListClientMappingsRequest, ListClientScopesRequest,
        ListCompositesRequest, ListRealmClientScopesRequest, ListRoleMappingsRequest, ListRolesRequest,
        ListUsersRequest, Role, RoleHolder, User,
    },
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tonic::Request;

/// How many questions about single things are asked at the same time.
const AT_ONCE: usize = 8;

pub(super) fn router() -> Router<App> {
    Router::new().route("/admin/realms/{realm}/partial-export", post(partial_export))
}

async fn partial_export(admin: Admin<ManageRealm>, query: Query) -> Answer {
    let with_clients = query.flag("exportClients").unwrap_or(false);
    let with_roles = query.flag("exportGroupsAndRoles").unwrap_or(false);
    if with_clients {
        admin.require::<ViewClients>()?;
    }
    if with_roles && !admin.may::<QueryUsers>() && !admin.caller.may(&admin.realm, &["query-groups"]) {
        return Err(Error::Forbidden);
    }
    let mut document = show_whole(admin.services(), &admin.realm).await?;
    document["keycloakVersion"] = Value::from(KEYCLOAK);
    let export = Export { admin: &admin };
    let clients = if with_clients { export.clients().await? } else { Vec::new() };
    let scopes = export.client_scopes(&mut document).await?;
    export.scope_mappings(&clients, &scopes, &mut document).await?;
    export.components(&mut document).await?;
    if with_clients {
        document["clients"] = export.show_clients(&clients).await?;
        document["users"] = export.service_accounts(&clients, with_roles).await?;
    }
    if with_roles {
        document["groups"] = json!([]);
        document["roles"] = export.roles(with_clients).await?;
    }
    let mut answer = json(&document)?;
    // Streamed there, and so without a charset.
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(answer)
}

struct Export<'a> {
    admin: &'a RealmAdmin,
}

impl Export<'_> {
    async fn clients(&self) -> Result<Vec<Client>, Error> {
        let request = ListClientsRequest { realm_id: self.admin.realm_id(), ..ListClientsRequest::default() };
        Ok(self.admin.services().registry.list_clients(Request::new(request)).await?.into_inner().clients)
    }

    /// The realm's client scopes and its lists of them.
    async fn client_scopes(&self, document: &mut Value) -> Result<Vec<ClientScope>, Error> {
        let roles = &self.admin.services().roles;
        let request = ListClientScopesRequest { realm_id: self.admin.realm_id() };
        let scopes = roles.list_client_scopes(Request::new(request)).await?.into_inner().client_scopes;
        let request = ListRealmClientScopesRequest { realm_id: self.admin.realm_id() };
        let lists = roles.list_realm_client_scopes(Request::new(request)).await?.into_inner();
        let names = |list: &[ClientScope]| list.iter().map(|scope| scope.name.clone()).collect::<Value>();
        document["clientScopes"] = scopes.iter().map(show_client_scope).collect();
        document["defaultDefaultClientScopes"] = names(&lists.default_scopes);
        document["defaultOptionalClientScopes"] = names(&lists.optional_scopes);
        Ok(scopes)
    }

    /// `scopeMappings` of realm roles, and `clientScopeMappings` of client roles by the client they belong to.
    async fn scope_mappings(
        &self,
        clients: &[Client],
        scopes: &[ClientScope],
        document: &mut Value,
    ) -> Result<(), Error> {
        let of_clients = clients.iter().map(|client| {
            let holder = RoleHolder { client_uuid: client.id.clone(), ..RoleHolder::default() };
            ("client", &client.client_id, holder)
        });
        let of_scopes = scopes.iter().map(|scope| {
            let holder = RoleHolder { client_scope_id: scope.id.clone(), ..RoleHolder::default() };
            ("clientScope", &scope.name, holder)
        });
        let holders: Vec<_> = of_clients.chain(of_scopes).collect();
        let held = self.held_by(holders.iter().map(|(_, _, holder)| holder.clone()).collect()).await?;

        let (mut of_realm, mut of_clients) = (Vec::new(), BTreeMap::<String, Vec<Value>>::new());
        for ((kind, name, _), roles) in holders.iter().zip(&held) {
            for (client_id, names) in by_client(roles) {
                let mapping = json!({ *kind: name, "roles": names });
                match client_id.as_str() {
                    "" => of_realm.push(mapping),
                    _ => of_clients.entry(client_id).or_default().push(mapping),
                }
            }
        }
        if !of_realm.is_empty() {
            document["scopeMappings"] = Value::from(of_realm);
        }
        if !of_clients.is_empty() {
            document["clientScopeMappings"] = json!(of_clients);
        }
        Ok(())
    }

    /// What each of these holds directly, in their order.
    async fn held_by(&self, holders: Vec<RoleHolder>) -> Result<Vec<Vec<Role>>, Error> {
        let mut held = Vec::with_capacity(holders.len());
        for some in holders.chunks(AT_ONCE) {
            held.extend(try_join_all(some.iter().map(|holder| self.held(holder.clone()))).await?);
        }
        Ok(held)
    }

    async fn held(&self, holder: RoleHolder) -> Result<Vec<Role>, Error> {
        let request = ListRoleMappingsRequest {
            realm_id: self.admin.realm_id(),
            holder: Some(holder),
            effective: false,
        };
        let answer = self.admin.services().roles.list_role_mappings(Request::new(request)).await?;
        Ok(answer.into_inner().roles)
    }

    async fn components(&self, document: &mut Value) -> Result<(), Error> {
        let request = ListKeyProvidersRequest { realm_id: self.admin.realm_id() };
        let answer = self.admin.services().issuer.list_key_providers(Request::new(request)).await?;
        let show = |provider: &KeyProvider| {
            let mut shown = show_key_provider(provider);
            if let Value::Object(members) = &mut shown {
                // The place in the document says it.
                members.remove("providerType");
                members.remove("parentId");
                members.insert("subComponents".to_owned(), json!({}));
            }
            shown
        };
        let providers: Vec<Value> = answer.into_inner().providers.iter().map(show).collect();
        document["components"] = json!({ KEY_PROVIDER_TYPE: providers });
        Ok(())
    }

    async fn show_clients(&self, clients: &[Client]) -> Result<Value, Error> {
        let request = ListClientMappingsRequest { realm_id: self.admin.realm_id(), ids: Vec::new() };
        let mappings = self.admin.services().roles.list_client_mappings(Request::new(request)).await?;
        let mappings = mappings.into_inner().mappings;
        let mappings: BTreeMap<&str, &ClientMapping> =
            mappings.iter().map(|mapping| (mapping.id.as_str(), mapping)).collect();
        // One without a mapping was deleted between the two questions.
        let shown = clients.iter().filter_map(|client| {
            let mapping = mappings.get(client.id.as_str())?;
            let secret = if client.public_client || client.bearer_only { "" } else { MASK };
            Some(show_client(&ShownClient { client, mapping, secret, access: None }))
        });
        Ok(shown.collect())
    }

    /// The users that stand for the clients; what they hold, if roles are wanted.
    async fn service_accounts(&self, clients: &[Client], with_roles: bool) -> Result<Value, Error> {
        let request = ListUsersRequest {
            realm_id: self.admin.realm_id(),
            service_accounts: true,
            ..ListUsersRequest::default()
        };
        let users = self.admin.services().roles.list_users(Request::new(request)).await?.into_inner().users;
        let client_ids: BTreeMap<&str, &str> =
            clients.iter().map(|client| (client.id.as_str(), client.client_id.as_str())).collect();
        let accounts = users.iter().filter_map(|user| {
            let client_id = client_ids.get(user.service_account_client_uuid.as_str())?;
            let mut shown = show_user(user);
            shown["serviceAccountClientId"] = Value::from(*client_id);
            shown["credentials"] = json!([]);
            Some((user, shown))
        });
        let (accounts, mut shown): (Vec<&User>, Vec<Value>) = accounts.unzip();
        if with_roles {
            let holder = |user: &&User| RoleHolder { user_id: user.id.clone(), ..RoleHolder::default() };
            let held = self.held_by(accounts.iter().map(holder).collect()).await?;
            for (shown, roles) in shown.iter_mut().zip(&held) {
                shown["groups"] = json!([]);
                let mut of_clients = by_client(roles);
                if let Some(of_realm) = of_clients.remove("") {
                    shown["realmRoles"] = json!(of_realm);
                }
                if !of_clients.is_empty() {
                    shown["clientRoles"] = json!(of_clients);
                }
            }
        }
        Ok(Value::from(shown))
    }

    /// The realm's roles, and those of its clients if they are wanted, with what they contain by name.
    async fn roles(&self, of_clients: bool) -> Result<Value, Error> {
        let request =
            ListRolesRequest { realm_id: self.admin.realm_id(), all: true, ..ListRolesRequest::default() };
        let roles = self.admin.services().roles.list_roles(Request::new(request)).await?.into_inner().roles;
        let wanted: Vec<Role> =
            roles.into_iter().filter(|role| of_clients || role.client_uuid.is_empty()).collect();
        let mut by_client = BTreeMap::<String, Vec<Value>>::new();
        for some in wanted.chunks(AT_ONCE) {
            let shown = try_join_all(some.iter().map(|role| self.show_role(role))).await?;
            for (role, shown) in some.iter().zip(shown) {
                by_client.entry(role.client_id.clone()).or_default().push(shown);
            }
        }
        let mut document = Map::new();
        document.insert("realm".to_owned(), json!(by_client.remove("").unwrap_or_default()));
        if of_clients {
            document.insert("client".to_owned(), json!(by_client));
        }
        Ok(Value::from(document))
    }

    async fn show_role(&self, role: &Role) -> Result<Value, Error> {
        let mut shown = show_role(role, false);
        if !role.composite {
            return Ok(shown);
        }
        let request = ListCompositesRequest { realm_id: self.admin.realm_id(), role_id: role.id.clone() };
        let parts = self.admin.services().roles.list_composites(Request::new(request)).await?.into_inner();
        let mut of_clients = by_client(&parts.roles);
        let mut composites = Map::new();
        if let Some(of_realm) = of_clients.remove("") {
            composites.insert("realm".to_owned(), json!(of_realm));
        }
        if !of_clients.is_empty() {
            composites.insert("client".to_owned(), json!(of_clients));
        }
        shown["composites"] = Value::from(composites);
        Ok(shown)
    }
}

/// Names of roles by the `clientId` of their client; realm roles under the empty text.
fn by_client(roles: &[Role]) -> BTreeMap<String, Vec<&str>> {
    let mut names = BTreeMap::<String, Vec<&str>>::new();
    for role in roles {
        names.entry(role.client_id.clone()).or_default().push(&role.name);
    }
    names
}
