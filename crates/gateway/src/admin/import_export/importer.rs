//! Makes what a document lists in a realm, and finds by name what it refers to.

use super::contents::{Roles, read_list};
use crate::Services;
use crate::admin::{
    error::Error,
    representation::{FederatedIdentityRepresentation, RoleRepresentation, UserRepresentation},
};
use latchkey_api::{
    common::v1::AdminEvent,
    roles::v1::{
        ChangeCompositesRequest, ChangeRoleMappingsRequest, CreateRoleRequest, CreateUserRequest,
        LinkFederatedIdentityRequest, ListCompositesRequest, ListRolesRequest, Role, RoleHolder,
        UpdateRoleRequest, User,
    },
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use tonic::Request;

/// The roles of a realm by their client's uuid (empty for a realm role) and name.
type RoleIndex = BTreeMap<(String, String), Role>;

/// An import under way.
pub(super) struct Importer<'a> {
    pub(super) services: &'a Services,
    pub(super) realm_id: &'a str,
    /// The clients' uuids by `clientId`.
    pub(super) clients: BTreeMap<String, String>,
    roles: RoleIndex,
}

impl<'a> Importer<'a> {
    /// An import into a realm with these clients (uuids by `clientId`), published or not.
    pub(super) async fn begin(
        services: &'a Services,
        realm_id: &'a str,
        clients: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let mut importer = Self { services, realm_id, clients, roles: RoleIndex::new() };
        importer.read_roles().await?;
        Ok(importer)
    }

    /// Reads anew which roles the realm has.
    pub(super) async fn read_roles(&mut self) -> Result<(), Error> {
        let request =
            ListRolesRequest { realm_id: self.realm_id.to_owned(), all: true, ..ListRolesRequest::default() };
        let listed = self.services.roles.list_roles(Request::new(request)).await?.into_inner().roles;
        let keyed = listed.into_iter().map(|role| ((role.client_uuid.clone(), role.name.clone()), role));
        self.roles = keyed.collect();
        Ok(())
    }

    /// The uuid of a client.
    pub(super) fn client(&self, client_id: &str) -> Result<String, Error> {
        self.clients.get(client_id).cloned().ok_or_else(|| unknown("client", client_id))
    }

    /// A role by its client's uuid (empty for a realm role) and name.
    pub(super) fn role(&self, client_uuid: &str, name: &str) -> Option<&Role> {
        self.roles.get(&(client_uuid.to_owned(), name.to_owned()))
    }

    /// Roles by name: realm roles, and client roles by `clientId`.
    pub(super) fn named_roles(
        &self,
        realm: &[String],
        clients: &BTreeMap<String, Vec<String>>,
    ) -> Result<Vec<Role>, Error> {
        let mut found = Vec::new();
        let mut add = |client_uuid: &str, name: &String| {
            found.push(self.role(client_uuid, name).cloned().ok_or_else(|| unknown("role", name))?);
            Ok::<_, Error>(())
        };
        for name in realm {
            add("", name)?;
        }
        for (client_id, names) in clients {
            let client_uuid = self.client(client_id)?;
            for name in names {
                add(&client_uuid, name)?;
            }
        }
        Ok(found)
    }

    /// What a role shall contain, by name.
    pub(super) fn contained(&self, representation: &RoleRepresentation) -> Result<Vec<Role>, Error> {
        let composites = representation.composites.clone().unwrap_or_default();
        self.named_roles(&composites.realm.unwrap_or_default(), &composites.client.unwrap_or_default())
    }

    /// What an imported user shall hold. Keycloak minds no unknown realm role here.
    pub(super) fn held(&self, representation: &UserRepresentation) -> Result<Vec<Role>, Error> {
        let mut realm = representation.realm_roles.clone().unwrap_or_default();
        realm.retain(|name| self.role("", name).is_some());
        self.named_roles(&realm, &representation.client_roles.clone().unwrap_or_default())
    }

    /// Makes all roles, then what they contain. One that is there already takes what is given for it. `default_role` contains
    /// nothing but what is given, if its name is.
    pub(super) async fn make_roles(
        &mut self,
        roles: &Roles,
        default_role: Option<&str>,
    ) -> Result<(), Error> {
        let mut given: Vec<(String, &RoleRepresentation)> =
            roles.realm.iter().map(|role| (String::new(), role)).collect();
        for (client_id, list) in &roles.client {
            let client_uuid = self.client(client_id)?;
            given.extend(list.iter().map(|role| (client_uuid.clone(), role)));
        }
        let mut made = Vec::with_capacity(given.len());
        for (client_uuid, representation) in given {
            let name = representation.name.as_deref().ok_or(Error::RoleNameMissing)?;
            let role = match self.role(&client_uuid, name).cloned() {
                Some(role) => self.change_role(role, representation).await?,
                None => {
                    let id = representation.id.clone().filter(|id| !id.is_empty());
                    let id = id.unwrap_or_else(random::uuid);
                    self.make_role(&client_uuid, id, representation, None).await?
                }
            };
            made.push((role, representation));
        }
        for (role, representation) in made {
            let is_default = role.client_uuid.is_empty() && default_role == Some(role.name.as_str());
            if is_default && representation.composites.is_some() {
                self.empty_role(&role).await?;
            }
            self.fill_role(&role, &self.contained(representation)?).await?;
        }
        Ok(())
    }

    /// Makes a role that contains nothing yet.
    pub(super) async fn make_role(
        &mut self,
        client_uuid: &str,
        id: String,
        representation: &RoleRepresentation,
        admin_event: Option<AdminEvent>,
    ) -> Result<Role, Error> {
        let role = Role {
            id,
            realm_id: self.realm_id.to_owned(),
            client_uuid: client_uuid.to_owned(),
            name: representation.name.clone().ok_or(Error::RoleNameMissing)?,
            description: representation.description.clone().unwrap_or_default(),
            attributes: representation.attribute_lists(),
            ..Role::default()
        };
        let request = CreateRoleRequest { role: Some(role.clone()), composites: Vec::new(), admin_event };
        self.services.roles.create_role(Request::new(request)).await?;
        self.roles.insert((role.client_uuid.clone(), role.name.clone()), role.clone());
        Ok(role)
    }

    /// Puts a description and attributes that are given over those of a role that is there.
    pub(super) async fn change_role(
        &self,
        role: Role,
        representation: &RoleRepresentation,
    ) -> Result<Role, Error> {
        let mut changed = role.clone();
        if let Some(description) = &representation.description {
            changed.description.clone_from(description);
        }
        if representation.attributes.is_some() {
            changed.attributes = representation.attribute_lists();
        }
        if changed != role {
            let request = UpdateRoleRequest { role: Some(changed.clone()), ..UpdateRoleRequest::default() };
            self.services.roles.update_role(Request::new(request)).await?;
        }
        Ok(changed)
    }

    /// Adds to what a role contains.
    pub(super) async fn fill_role(&self, role: &Role, parts: &[Role]) -> Result<(), Error> {
        self.change_composites(role, ids(parts), Vec::new()).await
    }

    /// Takes out all that a role contains.
    pub(super) async fn empty_role(&self, role: &Role) -> Result<(), Error> {
        let request = ListCompositesRequest { realm_id: self.realm_id.to_owned(), role_id: role.id.clone() };
        let parts = self.services.roles.list_composites(Request::new(request)).await?.into_inner().roles;
        self.change_composites(role, Vec::new(), ids(&parts)).await
    }

    async fn change_composites(
        &self,
        role: &Role,
        add_role_ids: Vec<String>,
        remove_role_ids: Vec<String>,
    ) -> Result<(), Error> {
        if add_role_ids.is_empty() && remove_role_ids.is_empty() {
            return Ok(());
        }
        let request = ChangeCompositesRequest {
            realm_id: self.realm_id.to_owned(),
            role_id: role.id.clone(),
            add_role_ids,
            remove_role_ids,
            admin_event: None,
        };
        self.services.roles.change_composites(Request::new(request)).await?;
        Ok(())
    }

    /// Makes a user with the roles that are given for it and no other; a service account where it names its client.
    pub(super) async fn make_user(
        &self,
        id: String,
        representation: &UserRepresentation,
        admin_event: Option<AdminEvent>,
    ) -> Result<(), Error> {
        let service_account_client_uuid = match &representation.service_account_client_id {
            Some(client_id) => self.client(client_id)?,
            None => String::new(),
        };
        let held = self.held(representation)?;
        let mut user = User {
            id: id.clone(),
            realm_id: self.realm_id.to_owned(),
            username: representation.username()?,
            service_account_client_uuid,
            ..User::default()
        };
        representation.apply(&mut user);
        let password =
            representation.credentials.iter().flatten().find_map(|credential| credential.value.as_ref());
        let request = CreateUserRequest {
            user: Some(user),
            password: password.map(|value| value.expose_secret().to_owned()).unwrap_or_default(),
            without_default_role: true,
            admin_event,
        };
        self.services.roles.create_user(Request::new(request)).await?;
        self.link(&id, representation).await?;
        self.map_roles(RoleHolder { user_id: id, ..RoleHolder::default() }, &held).await
    }

    /// Links a user to the outside accounts that its representation names.
    async fn link(&self, user_id: &str, representation: &UserRepresentation) -> Result<(), Error> {
        let given: Vec<FederatedIdentityRepresentation> = read_list(representation.federated_identities())?;
        for mut representation in given {
            let alias = representation.identity_provider.take().unwrap_or_default();
            let request = LinkFederatedIdentityRequest {
                realm_id: self.realm_id.to_owned(),
                user_id: user_id.to_owned(),
                identity: Some(representation.message(alias)),
                admin_event: None,
            };
            self.services.roles.link_federated_identity(Request::new(request)).await?;
        }
        Ok(())
    }

    /// Gives roles to a holder.
    pub(super) async fn map_roles(&self, holder: RoleHolder, roles: &[Role]) -> Result<(), Error> {
        if roles.is_empty() {
            return Ok(());
        }
        let request = ChangeRoleMappingsRequest {
            realm_id: self.realm_id.to_owned(),
            holder: Some(holder),
            add_role_ids: ids(roles),
            ..ChangeRoleMappingsRequest::default()
        };
        self.services.roles.change_role_mappings(Request::new(request)).await?;
        Ok(())
    }
}

fn ids(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.id.clone()).collect()
}

/// What an import names and the realm does not have.
pub(super) fn unknown(kind: &str, name: &str) -> Error {
    Error::Invalid(format!("Unable to find {kind} '{name}'"))
}
