//! What a new realm's representation brings along: client scopes, clients, identity providers, roles and users, made one after the
//! other once the realm is there. The first that fails ends it, and the caller takes the realm away again.

use super::{
    client_creation::create_client,
    error::Error,
    representation::{
        ClientRepresentation, ClientScopeRepresentation, FederatedIdentityRepresentation,
        IdentityProviderRepresentation, RealmRepresentation, RoleRepresentation, UserRepresentation,
        check_alias, parse_value,
    },
};
use crate::Services;
use latchkey_api::{
    registry::v1::{CreateIdentityProviderRequest, ListClientsRequest, Realm},
    roles::v1::{
        ChangeCompositesRequest, ChangeRoleMappingsRequest, ClientScope, CreateClientScopeRequest,
        CreateRoleRequest, CreateUserRequest, GetRoleRequest, GetServiceAccountRequest,
        LinkFederatedIdentityRequest, ListClientScopesRequest, ListRoleMappingsRequest, Role, RoleHolder,
        RoleKey, UpdateUserRequest, User,
    },
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tonic::Request;

/// An import under way.
struct Import<'a> {
    services: &'a Services,
    realm: &'a Realm,
    /// The clients' uuids by `clientId`.
    clients: BTreeMap<String, String>,
}

/// A scope mapping as a whole-realm representation gives it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeMapping {
    client: Option<String>,
    client_scope: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

/// Makes what the representation lists.
pub(crate) async fn import_contents(
    services: &Services,
    realm: &Realm,
    representation: &RealmRepresentation,
) -> Result<(), Error> {
    let lists = [
        "clientScopes",
        "clients",
        "identityProviders",
        "roles",
        "users",
        "scopeMappings",
        "clientScopeMappings",
    ];
    if lists.iter().all(|list| representation.import(list).is_none()) {
        return Ok(());
    }
    let mut import = Import { services, realm, clients: BTreeMap::new() };
    import.client_scopes(representation.import("clientScopes")).await?;
    import.clients(representation.import("clients")).await?;
    import.identity_providers(representation.import("identityProviders")).await?;
    import.roles(representation.import("roles")).await?;
    import.scope_mappings("", representation.import("scopeMappings")).await?;
    if let Some(by_client) = representation.import("clientScopeMappings") {
        for (client_id, mappings) in by_client.as_object().ok_or(Error::UnreadableRealm)? {
            let client_uuid = import.client(client_id)?;
            import.scope_mappings(&client_uuid, Some(mappings)).await?;
        }
    }
    import.users(representation.import("users")).await
}

impl Import<'_> {
    fn realm_id(&self) -> String {
        self.realm.id.clone()
    }

    fn client(&self, client_id: &str) -> Result<String, Error> {
        self.clients.get(client_id).cloned().ok_or_else(|| unknown("client", client_id))
    }

    async fn client_scopes(&self, list: Option<&Value>) -> Result<(), Error> {
        let roles = &self.services.roles;
        let request = ListClientScopesRequest { realm_id: self.realm_id() };
        let known = roles.list_client_scopes(Request::new(request)).await?.into_inner().client_scopes;
        for document in items(list)? {
            let mut representation: ClientScopeRepresentation = parse_value(document.clone(), b"")?;
            let mut scope = ClientScope {
                id: representation.id.clone().unwrap_or_else(random::uuid),
                realm_id: self.realm_id(),
                ..ClientScope::default()
            };
            representation.apply(&mut scope);
            if known.iter().any(|known| known.name == scope.name) {
                continue;
            }
            let mappers = representation.protocol_mappers.take().unwrap_or_default();
            scope.protocol_mappers = mappers.into_iter().map(|mapper| mapper.message(random::uuid)).collect();
            let request = CreateClientScopeRequest { client_scope: Some(scope), admin_event: None };
            roles.create_client_scope(Request::new(request)).await?;
        }
        Ok(())
    }

    async fn clients(&mut self, list: Option<&Value>) -> Result<(), Error> {
        let request = ListClientsRequest { realm_id: self.realm_id(), ..ListClientsRequest::default() };
        let built_in = self.services.registry.list_clients(Request::new(request)).await?.into_inner();
        self.clients = built_in.clients.into_iter().map(|client| (client.client_id, client.id)).collect();
        let built_in: Vec<String> = self.clients.keys().cloned().collect();
        for document in items(list)? {
            let representation: ClientRepresentation = parse_value(document.clone(), b"")?;
            if representation.client_id.as_ref().is_some_and(|client_id| built_in.contains(client_id)) {
                continue;
            }
            let client = create_client(self.services, &self.realm.id, &representation, |_| None).await?;
            self.clients.insert(client.client_id, client.id);
        }
        Ok(())
    }

    async fn identity_providers(&self, list: Option<&Value>) -> Result<(), Error> {
        for document in items(list)? {
            let representation: IdentityProviderRepresentation = parse_value(document.clone(), b"")?;
            let alias = representation.alias.as_deref().unwrap_or_default();
            if alias.is_empty() {
                return Err(Error::UnreadableRealm);
            }
            check_alias(alias)?;
            let (identity_provider, client_secret) = representation.message(self.realm_id());
            let request = CreateIdentityProviderRequest {
                identity_provider: Some(identity_provider),
                client_secret,
                admin_event: None,
            };
            self.services.registry.create_identity_provider(Request::new(request)).await?;
        }
        Ok(())
    }

    async fn roles(&self, document: Option<&Value>) -> Result<(), Error> {
        let Some(document) = document else { return Ok(()) };
        let mut made: Vec<(Role, RoleRepresentation)> = Vec::new();
        for document in items(document.get("realm"))? {
            made.extend(self.role("", document).await?);
        }
        if let Some(by_client) = document.get("client").and_then(Value::as_object) {
            for (client_id, list) in by_client {
                let client_uuid = self.client(client_id)?;
                for document in items(Some(list))? {
                    made.extend(self.role(&client_uuid, document).await?);
                }
            }
        }
        for (role, representation) in made {
            let composites = representation.composites.unwrap_or_default();
            let ids = self.role_ids(composites.realm, composites.client).await?;
            if !ids.is_empty() {
                let request = ChangeCompositesRequest {
                    realm_id: self.realm_id(),
                    role_id: role.id,
                    add_role_ids: ids,
                    ..ChangeCompositesRequest::default()
                };
                self.services.roles.change_composites(Request::new(request)).await?;
            }
        }
        Ok(())
    }

    /// Makes one role; a built-in one is there already.
    async fn role(
        &self,
        client_uuid: &str,
        document: &Value,
    ) -> Result<Option<(Role, RoleRepresentation)>, Error> {
        let representation: RoleRepresentation = parse_value(document.clone(), b"")?;
        let name = representation.name.clone().ok_or(Error::RoleNameMissing)?;
        if self.find_role(client_uuid, &name).await?.is_some() {
            return Ok(None);
        }
        let role = Role {
            id: representation.id.clone().unwrap_or_else(random::uuid),
            realm_id: self.realm_id(),
            client_uuid: client_uuid.to_owned(),
            name,
            description: representation.description.clone().unwrap_or_default(),
            attributes: representation.attribute_lists(),
            ..Role::default()
        };
        let request = CreateRoleRequest { role: Some(role.clone()), ..CreateRoleRequest::default() };
        self.services.roles.create_role(Request::new(request)).await?;
        Ok(Some((role, representation)))
    }

    async fn find_role(&self, client_uuid: &str, name: &str) -> Result<Option<Role>, Error> {
        let key =
            RoleKey { client_uuid: client_uuid.to_owned(), name: name.to_owned(), ..RoleKey::default() };
        let request = GetRoleRequest { realm_id: self.realm_id(), role: Some(key) };
        match self.services.roles.get_role(Request::new(request)).await.map_err(Error::from) {
            Ok(answer) => Ok(answer.into_inner().role),
            Err(Error::RoleNotFound) => Ok(None),
            Err(other) => Err(other),
        }
    }

    async fn role_ids(
        &self,
        realm: Option<Vec<String>>,
        clients: Option<BTreeMap<String, Vec<String>>>,
    ) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for name in realm.unwrap_or_default() {
            let role = self.find_role("", &name).await?.ok_or_else(|| unknown("role", &name))?;
            ids.push(role.id);
        }
        for (client_id, names) in clients.unwrap_or_default() {
            let client_uuid = self.client(&client_id)?;
            for name in names {
                let role =
                    self.find_role(&client_uuid, &name).await?.ok_or_else(|| unknown("role", &name))?;
                ids.push(role.id);
            }
        }
        Ok(ids)
    }

    async fn scope_mappings(&self, client_uuid: &str, list: Option<&Value>) -> Result<(), Error> {
        for document in items(list)? {
            let mapping = ScopeMapping::deserialize(document).map_err(|_| Error::UnreadableRealm)?;
            let holder = match (mapping.client, mapping.client_scope) {
                (Some(client_id), _) => {
                    RoleHolder { client_uuid: self.client(&client_id)?, ..RoleHolder::default() }
                }
                (None, Some(name)) => {
                    RoleHolder { client_scope_id: self.client_scope(&name).await?, ..RoleHolder::default() }
                }
                (None, None) => continue,
            };
            let mut ids = Vec::new();
            for name in mapping.roles {
                let role = self.find_role(client_uuid, &name).await?.ok_or_else(|| unknown("role", &name))?;
                ids.push(role.id);
            }
            self.map_roles(holder, ids, Vec::new()).await?;
        }
        Ok(())
    }

    async fn client_scope(&self, name: &str) -> Result<String, Error> {
        let request = ListClientScopesRequest { realm_id: self.realm_id() };
        let known =
            self.services.roles.list_client_scopes(Request::new(request)).await?.into_inner().client_scopes;
        let scope = known.into_iter().find(|scope| scope.name == name);
        scope.map(|scope| scope.id).ok_or_else(|| unknown("client scope", name))
    }

    async fn users(&self, list: Option<&Value>) -> Result<(), Error> {
        for document in items(list)? {
            let representation: UserRepresentation = parse_value(document.clone(), b"")?;
            let user = match &representation.service_account_client_id {
                Some(client_id) => self.service_account(&self.client(client_id)?, &representation).await?,
                None => self.user(&representation).await?,
            };
            let mut realm_roles = Vec::new();
            for name in representation.realm_roles.clone().unwrap_or_default() {
                // Keycloak minds no unknown realm role here.
                if self.find_role("", &name).await?.is_some() {
                    realm_roles.push(name);
                }
            }
            let ids = self.role_ids(Some(realm_roles), representation.client_roles.clone()).await?;
            self.federated_identities(&user.id, representation.federated_identities()).await?;
            let holder = RoleHolder { user_id: user.id, ..RoleHolder::default() };
            self.map_roles(holder, ids, Vec::new()).await?;
        }
        Ok(())
    }

    async fn federated_identities(&self, user_id: &str, list: Option<&Value>) -> Result<(), Error> {
        for document in items(list)? {
            let mut representation: FederatedIdentityRepresentation = parse_value(document.clone(), b"")?;
            let identity_provider = representation.identity_provider.take().unwrap_or_default();
            let request = LinkFederatedIdentityRequest {
                realm_id: self.realm_id(),
                user_id: user_id.to_owned(),
                identity: Some(representation.message(identity_provider)),
                admin_event: None,
            };
            self.services.roles.link_federated_identity(Request::new(request)).await?;
        }
        Ok(())
    }

    async fn user(&self, representation: &UserRepresentation) -> Result<User, Error> {
        let mut user = User {
            id: representation.id.clone().unwrap_or_else(random::uuid),
            realm_id: self.realm_id(),
            username: representation.username()?,
            ..User::default()
        };
        representation.apply(&mut user);
        let password =
            representation.credentials.iter().flatten().find_map(|credential| credential.value.as_ref());
        let request = CreateUserRequest {
            user: Some(user.clone()),
            password: password.map(|value| value.expose_secret().to_owned()).unwrap_or_default(),
            without_default_role: representation.realm_roles.is_some(),
            admin_event: None,
        };
        self.services.roles.create_user(Request::new(request)).await?;
        Ok(user)
    }

    /// The service account of an imported client: it has exactly what is given, the default role too only if it is listed.
    async fn service_account(
        &self,
        client_uuid: &str,
        representation: &UserRepresentation,
    ) -> Result<User, Error> {
        let request = GetServiceAccountRequest {
            realm_id: self.realm_id(),
            client_uuid: client_uuid.to_owned(),
            create: true,
        };
        let roles = &self.services.roles;
        let user = roles.get_service_account(Request::new(request)).await?.into_inner().user;
        let mut user = user.ok_or(Error::IncompleteAnswer("a user"))?;
        let (enabled, holder) =
            (user.enabled, RoleHolder { user_id: user.id.clone(), ..RoleHolder::default() });
        representation.apply(&mut user);
        user.enabled = representation.enabled.unwrap_or(enabled);
        let request = UpdateUserRequest { user: Some(user.clone()), admin_event: None };
        roles.update_user(Request::new(request)).await?;
        let request = ListRoleMappingsRequest {
            realm_id: self.realm_id(),
            holder: Some(holder.clone()),
            effective: false,
        };
        let held = roles.list_role_mappings(Request::new(request)).await?.into_inner().roles;
        self.map_roles(holder, Vec::new(), held.into_iter().map(|role| role.id).collect()).await?;
        Ok(user)
    }

    async fn map_roles(
        &self,
        holder: RoleHolder,
        add_role_ids: Vec<String>,
        remove_role_ids: Vec<String>,
    ) -> Result<(), Error> {
        if add_role_ids.is_empty() && remove_role_ids.is_empty() {
            return Ok(());
        }
        let request = ChangeRoleMappingsRequest {
            realm_id: self.realm_id(),
            holder: Some(holder),
            add_role_ids,
            remove_role_ids,
            admin_event: None,
        };
        self.services.roles.change_role_mappings(Request::new(request)).await?;
        Ok(())
    }
}

fn items(list: Option<&Value>) -> Result<&[Value], Error> {
    match list {
        None => Ok(&[]),
        Some(list) => list.as_array().map(Vec::as_slice).ok_or(Error::UnreadableRealm),
    }
}

fn unknown(kind: &str, name: &str) -> Error {
    Error::Invalid(format!("Unable to find {kind} '{name}'"))
}
