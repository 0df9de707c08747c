//! Makes a realm: provision, then publish. Roles and keys, and what an import brings, are made under a fresh id that nobody can
//! reach by name; then the registry publishes realm and clients in one transaction. So a realm is there wholly or not at all,
//! whenever a process dies.

use super::{
    caller::MASTER,
    error::Error,
    import_export::{
        Contents, adopt_built_in_clients, identity_providers, import_contents, key_providers,
        realm_client_scopes,
    },
    realm_template::{NewBuiltIn, admin_client, first_clients},
    representation::{RealmRepresentation, check_realm_name, default_role_name, remember_default_role},
};
use crate::{Services, limits};
use latchkey_api::{
    common::v1::CatchUpRequest,
    error::{Kind, reason},
    issuer::v1 as issuer,
    registry::v1::{CreateRealmRequest, GetRealmRequest, NewClient, Realm, get_realm_request::Key},
    roles::v1 as roles,
};
use latchkey_platform::random;
use tonic::Request;

/// The name under which dependents follow the registry's change log.
const REGISTRY: &str = "client-registry";

/// Makes a realm with what Keycloak gives a new one and what the representation lists. `maker` is the user of master who makes it,
/// if any: he gets its admin roles.
pub(crate) async fn create_realm(
    services: &Services,
    representation: &RealmRepresentation,
    maker: Option<&str>,
) -> Result<Realm, Error> {
    let name =
        representation.realm.as_deref().filter(|name| !name.is_empty()).ok_or(Error::RealmNameMissing)?;
    check_realm_name(name).map_err(Error::NewRealmNameCharacter)?;
    let mut realm = representation.new_realm(name, random::uuid);
    let contents = Contents::read(representation)?;
    remember_default_role(&mut realm, contents.default_role.as_deref());
    limits::check(&realm.attributes).map_err(Error::Invalid)?;
    let identity_providers = identity_providers(&realm.id, &contents)?;
    for key in [Key::Name(realm.name.clone()), Key::Id(realm.id.clone())] {
        if find_realm(services, key).await?.is_some() {
            return Err(Error::RealmExists(realm.name));
        }
    }

    let is_master = realm.name == MASTER;
    let admin_client = if is_master { None } else { Some(admin_client_of(services, &realm).await?) };
    let mut clients = first_clients(&realm.id, &realm.name, is_master);
    adopt_built_in_clients(&mut clients, &contents)?;
    let mut clients = provision(services, &realm, clients, &contents).await?;
    match Box::pin(import_contents(services, &realm, &clients, &contents)).await {
        Ok(imported) => clients.extend(imported),
        Err(error) => {
            drop_unpublished(services, &realm.id).await;
            return Err(error.of_import());
        }
    }
    let request = CreateRealmRequest {
        realm: Some(realm.clone()),
        clients,
        admin_client,
        created_by_user_id: maker.unwrap_or_default().to_owned(),
        admin_event: None,
        identity_providers,
    };
    match services.registry.create_realm(Request::new(request)).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            catch_up_roles(services, answer.revision).await?;
            answer.realm.ok_or(Error::IncompleteAnswer("a realm"))
        }
        Err(status) => {
            let exists =
                matches!(reason(&status).as_deref(), Some("REALM_EXISTS" | "ID_EXISTS" | "CLIENT_EXISTS"));
            if is_definite(&status) {
                drop_unpublished(services, &realm.id).await;
            }
            Err(if exists { Error::RealmExists(realm.name) } else { status.into() })
        }
    }
}

/// Makes roles, client scopes and keys; answers the clients that are to be published.
async fn provision(
    services: &Services,
    realm: &Realm,
    clients: Vec<NewBuiltIn>,
    contents: &Contents,
) -> Result<Vec<NewClient>, Error> {
    let (clients, mappings): (Vec<_>, Vec<_>) = clients
        .into_iter()
        .map(|NewBuiltIn { client, mapping }| {
            (NewClient { client: Some(client), secret: String::new() }, mapping)
        })
        .unzip();
    let roles = roles::ProvisionRealmRequest {
        realm_id: realm.id.clone(),
        realm_name: realm.name.clone(),
        master: realm.name == MASTER,
        clients: mappings,
        client_scopes: realm_client_scopes(&realm.id, contents),
        default_role_name: default_role_name(realm),
    };
    let providers = key_providers(&realm.id, contents);
    let keys = issuer::ProvisionRealmRequest { realm_id: realm.id.clone(), providers };
    let (roles, keys) = futures::join!(
        services.roles.provision_realm(Request::new(roles)),
        services.issuer.provision_realm(Request::new(keys)),
    );
    if let Err(status) = roles.map(drop).and(keys.map(drop)) {
        drop_unpublished(services, &realm.id).await;
        return Err(Error::from(status).of_import());
    }
    Ok(clients)
}

async fn admin_client_of(services: &Services, realm: &Realm) -> Result<NewClient, Error> {
    let master = find_realm(services, Key::Name(MASTER.to_owned())).await?.ok_or(Error::RealmNotFound)?;
    Ok(NewClient { client: Some(admin_client(&master.id, &realm.name)), secret: String::new() })
}

/// A realm by name or id, `None` where there is none.
pub(crate) async fn find_realm(services: &Services, key: Key) -> Result<Option<Realm>, Error> {
    let request = GetRealmRequest { key: Some(key) };
    match services.registry.get_realm(Request::new(request)).await.map_err(Error::from) {
        Ok(answer) => Ok(answer.into_inner().realm),
        Err(Error::RealmNotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Takes back what was provisioned. If it fails, the sweep of what was never published does it later.
async fn drop_unpublished(services: &Services, realm_id: &str) {
    let roles = roles::DropRealmRequest { realm_id: realm_id.to_owned() };
    let keys = issuer::DropRealmRequest { realm_id: realm_id.to_owned() };
    let (roles, keys) = futures::join!(
        services.roles.drop_realm(Request::new(roles)),
        services.issuer.drop_realm(Request::new(keys)),
    );
    if let Err(status) = roles.map(drop).and(keys.map(drop)) {
        tracing::warn!(realm.id = realm_id, cause = %status, "an unpublished realm is left to be swept");
    }
}

/// Whether a failed write is known not to have happened. Where it is not, what was prepared must stay.
pub(crate) fn is_definite(status: &tonic::Status) -> bool {
    matches!(
        Kind::of(status),
        Kind::Conflict
            | Kind::Invalid
            | Kind::Precondition
            | Kind::NotFound
            | Kind::Aborted
            | Kind::Forbidden
    )
}

/// Waits until role-mapping has followed the registry so far.
pub(crate) async fn catch_up_roles(services: &Services, revision: u64) -> Result<(), Error> {
    let request = CatchUpRequest { upstream: REGISTRY.to_owned(), revision };
    services.roles.catch_up(Request::new(request)).await?;
    Ok(())
}

/// The same of token-issuer.
pub(crate) async fn catch_up_keys(services: &Services, revision: u64) -> Result<(), Error> {
    let request = CatchUpRequest { upstream: REGISTRY.to_owned(), revision };
    services.issuer.catch_up(Request::new(request)).await?;
    Ok(())
}
