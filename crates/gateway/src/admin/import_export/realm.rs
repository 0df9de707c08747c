//! A whole realm in one document. What it lists is made before the realm is published, under an id that nobody can reach: so an
//! import that fails, or dies, leaves nothing.

use super::{
    contents::{Contents, ScopeMapping},
    importer::{Importer, unknown},
};
use crate::Services;
use crate::admin::{
    error::Error,
    realm_template::NewBuiltIn,
    representation::{ClientRepresentation, UserRepresentation, check_alias, check_client},
};
use latchkey_api::{
    issuer::v1::KeyProvider,
    registry::v1::{NewClient, NewIdentityProvider, Realm},
    roles::v1::{
        ClientScope, GetServiceAccountRequest, ImportedClientScopes, ListClientScopesRequest,
        PrepareClientRequest, RoleHolder,
    },
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use std::collections::{BTreeMap, BTreeSet};
use tonic::Request;

/// Imported clients may send who logs out back to where he came from.
const POST_LOGOUT: &str = "post.logout.redirect.uris";

/// The client scopes that are given instead of the built-in ones; none where none are given.
pub(crate) fn realm_client_scopes(realm_id: &str, contents: &Contents) -> Option<ImportedClientScopes> {
    let given = contents.client_scopes.as_ref()?;
    let client_scopes = given.iter().map(|representation| {
        let id = representation.id.clone().filter(|id| !id.is_empty());
        let mut scope = ClientScope {
            id: id.unwrap_or_else(random::uuid),
            realm_id: realm_id.to_owned(),
            ..ClientScope::default()
        };
        representation.apply(&mut scope);
        let mappers = representation.protocol_mappers.clone().unwrap_or_default();
        scope.protocol_mappers = mappers.into_iter().map(|mapper| mapper.message(random::uuid)).collect();
        scope
    });
    Some(ImportedClientScopes {
        client_scopes: client_scopes.collect(),
        default_client_scopes: contents.default_client_scopes.clone(),
        optional_client_scopes: contents.optional_client_scopes.clone(),
    })
}

/// The key providers that are given instead of the default ones; empty where none are.
pub(crate) fn key_providers(realm_id: &str, contents: &Contents) -> Vec<KeyProvider> {
    let given = contents.key_providers.iter().flatten();
    given
        .map(|representation| {
            let id = representation.id.clone().filter(|id| !id.is_empty());
            let mut provider = KeyProvider {
                id: id.unwrap_or_else(random::uuid),
                realm_id: realm_id.to_owned(),
                ..KeyProvider::default()
            };
            representation.apply(&mut provider);
            provider
        })
        .collect()
}

/// The outside issuers that the realm trusts from the start.
///
/// # Errors
/// [`Error::UnreadableRealm`] for one without an alias, and the error of an alias that can't be one.
pub(crate) fn identity_providers(
    realm_id: &str,
    contents: &Contents,
) -> Result<Vec<NewIdentityProvider>, Error> {
    let given = contents.identity_providers.iter();
    given
        .map(|representation| {
            let alias = representation.alias.as_deref().filter(|alias| !alias.is_empty());
            check_alias(alias.ok_or(Error::UnreadableRealm)?)?;
            let (identity_provider, client_secret) = representation.clone().message(realm_id.to_owned());
            Ok(NewIdentityProvider { identity_provider: Some(identity_provider), client_secret })
        })
        .collect()
}

/// Gives built-in clients the form that the document has of them; their roles and mappers stay the built-in ones.
pub(crate) fn adopt_built_in_clients(built_in: &mut [NewBuiltIn], contents: &Contents) -> Result<(), Error> {
    for new in built_in {
        let client_id = Some(&new.client.client_id);
        let given = contents.clients.iter().find(|given| given.client_id.as_ref() == client_id);
        let Some(given) = given else { continue };
        let attributes = std::mem::take(&mut new.client.attributes);
        new.client = given.imported_client(&new.client.realm_id, random::uuid);
        for (name, value) in attributes {
            if given.attributes.as_ref().is_none_or(|given| !given.contains_key(&name)) {
                new.client.attributes.insert(name, value);
            }
        }
        check_client(&new.client)?;
        new.mapping.id.clone_from(&new.client.id);
    }
    Ok(())
}

/// Makes what the document lists in a realm that is provisioned with these clients but not yet published. Answers the clients
/// that are to be published beside them.
pub(crate) async fn import_contents(
    services: &Services,
    realm: &Realm,
    built_in: &[NewClient],
    contents: &Contents,
) -> Result<Vec<NewClient>, Error> {
    if contents.is_empty() {
        return Ok(Vec::new());
    }
    let known = built_in.iter().filter_map(|new| new.client.as_ref());
    let known = known.map(|client| (client.client_id.clone(), client.id.clone())).collect();
    let mut import = RealmImport {
        importer: Importer::begin(services, &realm.id, known).await?,
        built_in: built_in.iter().filter_map(|new| Some(new.client.as_ref()?.client_id.clone())).collect(),
    };
    let clients = import.clients(&contents.clients).await?;
    import.importer.make_roles(&contents.roles, contents.default_role.as_deref()).await?;
    import.scope_mappings(contents).await?;
    import.service_accounts(&contents.clients, &contents.users).await?;
    for user in &contents.users {
        let id = user.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(random::uuid);
        import.importer.make_user(id, user, None).await?;
    }
    Ok(clients)
}

struct RealmImport<'a> {
    importer: Importer<'a>,
    /// `clientId`s of the clients that the realm begins with.
    built_in: BTreeSet<String>,
}

impl RealmImport<'_> {
    /// Prepares the clients that are given beside the built-in ones.
    async fn clients(&mut self, given: &[ClientRepresentation]) -> Result<Vec<NewClient>, Error> {
        let mut seen = BTreeSet::new();
        let mut clients = Vec::with_capacity(given.len());
        for representation in given {
            let mut client = representation.imported_client(self.importer.realm_id, random::uuid);
            if !seen.insert(client.client_id.clone()) {
                return Err(Error::ImportConflict);
            }
            if self.built_in.contains(&client.client_id) {
                continue;
            }
            client.attributes.entry(POST_LOGOUT.to_owned()).or_insert_with(|| "+".to_owned());
            check_client(&client)?;
            let request = PrepareClientRequest {
                mapping: Some(representation.new_mapping(&client, random::uuid)),
                service_account: false,
            };
            self.importer.services.roles.prepare_client(Request::new(request)).await?;
            self.importer.clients.insert(client.client_id.clone(), client.id.clone());
            let secret = representation.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
            clients.push(NewClient { client: Some(client), secret: secret.unwrap_or_default() });
        }
        Ok(clients)
    }

    async fn scope_mappings(&self, contents: &Contents) -> Result<(), Error> {
        let request = ListClientScopesRequest { realm_id: self.importer.realm_id.to_owned() };
        let scopes = self.importer.services.roles.list_client_scopes(Request::new(request)).await?;
        let scopes = scopes.into_inner().client_scopes;
        let scopes: BTreeMap<String, String> =
            scopes.into_iter().map(|scope| (scope.name, scope.id)).collect();
        self.map_scopes("", &contents.scope_mappings, &scopes).await?;
        for (client_id, mappings) in &contents.client_scope_mappings {
            self.map_scopes(&self.importer.client(client_id)?, mappings, &scopes).await?;
        }
        Ok(())
    }

    /// Lets roles of one client (or of the realm, where its uuid is empty) through clients and client scopes.
    async fn map_scopes(
        &self,
        client_uuid: &str,
        mappings: &[ScopeMapping],
        scopes: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        for mapping in mappings {
            let holder = match (&mapping.client, &mapping.client_scope) {
                (Some(client_id), _) => {
                    RoleHolder { client_uuid: self.importer.client(client_id)?, ..RoleHolder::default() }
                }
                (None, Some(name)) => {
                    let id = scopes.get(name).ok_or_else(|| unknown("client scope", name))?;
                    RoleHolder { client_scope_id: id.clone(), ..RoleHolder::default() }
                }
                (None, None) => continue,
            };
            let mut roles = Vec::with_capacity(mapping.roles.len());
            for name in &mapping.roles {
                let role = self.importer.role(client_uuid, name);
                roles.push(role.cloned().ok_or_else(|| unknown("role", name))?);
            }
            self.importer.map_roles(holder, &roles).await?;
        }
        Ok(())
    }

    /// A client whose service account is not among the users that are given gets one with the default role.
    async fn service_accounts(
        &self,
        clients: &[ClientRepresentation],
        users: &[UserRepresentation],
    ) -> Result<(), Error> {
        for client in clients.iter().filter(|client| client.service_accounts_enabled == Some(true)) {
            let is_given = |user: &UserRepresentation| {
                user.service_account_client_id.is_some() && user.service_account_client_id == client.client_id
            };
            let client_uuid = client.client_id.as_ref().and_then(|id| self.importer.clients.get(id));
            if let Some(client_uuid) = client_uuid.filter(|_| !users.iter().any(is_given)) {
                let request = GetServiceAccountRequest {
                    realm_id: self.importer.realm_id.to_owned(),
                    client_uuid: client_uuid.clone(),
                    create: true,
                };
                self.importer.services.roles.get_service_account(Request::new(request)).await?;
            }
        }
        Ok(())
    }
}
