//! A service beside the registry that it follows, with two realms.

use std::sync::Arc;

use latchkey_api::common::v1::{CatchUpRequest, Change, WatchRequest};
use latchkey_api::error::reason;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::{
    Client, CreateClientRequest, CreateRealmRequest, CreateRealmResponse, NewClient, Realm,
};
use latchkey_api::roles::v1::role_mapping_server::RoleMapping as _;
use latchkey_api::roles::v1::*;
use latchkey_client_registry::{self as client_registry, RegistryService};
use latchkey_platform::clock::ManualClock;
use latchkey_platform::database::Database;
use latchkey_platform::vault::FileMasterKey;
use latchkey_role_mapping::{Config, MIGRATIONS, RoleMappingService, SCHEMA, build};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

const NOW_MS: i64 = 1_795_000_000_000;
/// The realms, provisioned but not published: equal but for their names, which are their ids.
pub(crate) const REALMS: [&str; 2] = ["red", "blue"];

/// Each contract runs over both databases.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
              async fn $name() { super::$name($crate::setting::Setting::sqlite().await).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
              async fn $name() { super::$name($crate::setting::Setting::postgres().await).await; })+
        }
    };
}
pub(crate) use contract;

pub(crate) struct Setting {
    pub(crate) service: Arc<RoleMappingService>,
    pub(crate) registry: Arc<RegistryService>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) url: String,
    _folder: Option<TempDir>,
    _shutdown: DropGuard,
}

impl Setting {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        let (registry, roles) = (file("registry.db"), file("roles.db"));
        Self::at(&registry, roles, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        // A schema each.
        let url = latchkey_test_support::postgres().await;
        Self::at(&url.clone(), url, None).await
    }

    async fn at(registry_url: &str, url: String, folder: Option<TempDir>) -> Self {
        let shutdown = CancellationToken::new();
        let clock = Arc::new(ManualClock::at_ms(NOW_MS));
        let registry = start_registry(registry_url, clock.clone(), &shutdown).await;
        let database = Database::open(&url, 5, SCHEMA, MIGRATIONS).await.unwrap();
        let service = build(&Config::default(), database, registry.clone(), clock.clone(), shutdown.clone())
            .await
            .unwrap();
        let setting =
            Self { service, registry, clock, url, _folder: folder, _shutdown: shutdown.drop_guard() };
        for realm in REALMS {
            setting.provision(provisioned(realm)).await.unwrap();
        }
        setting
    }

    /// The same with its realms published.
    pub(crate) async fn published(self) -> Self {
        for realm in REALMS {
            self.publish(realm).await;
        }
        self
    }

    pub(crate) async fn provision(&self, request: ProvisionRealmRequest) -> Result<(), Status> {
        self.service.provision_realm(Request::new(request)).await.map(drop)
    }

    /// Has the registry publish a realm, and waits until the service has heard of it.
    pub(crate) async fn publish(&self, realm: &str) {
        let realm = Realm { id: realm.to_owned(), name: realm.to_owned(), enabled: true, ..Realm::default() };
        let request = CreateRealmRequest { realm: Some(realm), ..CreateRealmRequest::default() };
        let created: CreateRealmResponse =
            answer(self.registry.create_realm(Request::new(request)).await).unwrap();
        self.catch_up(created.revision).await;
    }

    /// The same for a client.
    pub(crate) async fn publish_client(&self, realm: &str, id: &str) {
        let client = Client {
            id: id.to_owned(),
            realm_id: realm.to_owned(),
            client_id: format!("client-{id}"),
            ..Client::default()
        };
        let client = Some(NewClient { client: Some(client), secret: String::new() });
        let request = CreateClientRequest { client, ..CreateClientRequest::default() };
        let created = answer(self.registry.create_client(Request::new(request)).await).unwrap();
        self.catch_up(created.revision).await;
    }

    /// Waits until the service has followed the registry so far.
    pub(crate) async fn catch_up(&self, revision: u64) {
        let request = CatchUpRequest { upstream: "client-registry".to_owned(), revision };
        self.service.catch_up(Request::new(request)).await.unwrap();
    }

    /// A new user, by whose name its id is known.
    pub(crate) async fn create_user(&self, realm: &str, username: &str) -> String {
        let user = User {
            id: format!("id-of-{username}"),
            realm_id: realm.to_owned(),
            username: username.to_owned(),
            enabled: true,
            ..User::default()
        };
        let request = CreateUserRequest { user: Some(user), ..CreateUserRequest::default() };
        answer(self.service.create_user(Request::new(request)).await).unwrap().user.unwrap().id
    }

    /// The newest change.
    pub(crate) async fn newest_change(&self) -> Change {
        use futures::StreamExt as _;
        let from_revision = self.service.changes().head() - 1;
        let request = Request::new(WatchRequest { from_revision });
        let mut changes = self.service.watch(request).await.unwrap().into_inner();
        changes.next().await.unwrap().unwrap().change.unwrap()
    }

    /// Prepares a client with a service account.
    pub(crate) async fn prepare(&self, realm: &str, id: &str) -> ClientMapping {
        let mapping = ClientMapping { realm_default_scopes: true, ..mapping(realm, id) };
        let request = PrepareClientRequest { mapping: Some(mapping), service_account: true };
        answer(self.service.prepare_client(Request::new(request)).await).unwrap().mapping.unwrap()
    }

    pub(crate) async fn client(&self, realm: &str, id: &str) -> Option<ClientMapping> {
        let request = ListClientMappingsRequest { realm_id: realm.to_owned(), ids: vec![id.to_owned()] };
        answer(self.service.list_client_mappings(Request::new(request)).await).unwrap().mappings.pop()
    }

    /// The names of a realm's client scopes: all, the default ones, the optional ones.
    pub(crate) async fn scopes(&self, realm: &str) -> [Vec<String>; 3] {
        let request = ListClientScopesRequest { realm_id: realm.to_owned() };
        let all = answer(self.service.list_client_scopes(Request::new(request)).await).unwrap().client_scopes;
        let request = ListRealmClientScopesRequest { realm_id: realm.to_owned() };
        let lists = answer(self.service.list_realm_client_scopes(Request::new(request)).await).unwrap();
        [all, lists.default_scopes, lists.optional_scopes]
            .map(|scopes| scopes.into_iter().map(|scope| scope.name).collect())
    }

    /// The names of a realm's own roles.
    pub(crate) async fn roles(&self, realm: &str) -> Vec<String> {
        let request = ListRolesRequest { realm_id: realm.to_owned(), ..ListRolesRequest::default() };
        let roles = answer(self.service.list_roles(Request::new(request)).await).unwrap().roles;
        roles.into_iter().map(|role| role.name).collect()
    }
}

async fn start_registry(
    url: &str,
    clock: Arc<ManualClock>,
    shutdown: &CancellationToken,
) -> Arc<RegistryService> {
    let database =
        Database::open(url, 5, client_registry::SCHEMA, client_registry::MIGRATIONS).await.unwrap();
    let master = Arc::new(FileMasterKey::parse(&FileMasterKey::generate()).unwrap());
    let config = client_registry::Config::default();
    client_registry::build(&config, database, master, clock, shutdown.clone()).await.unwrap()
}

/// What a realm is provisioned with: its client `account`.
pub(crate) fn provisioned(realm: &str) -> ProvisionRealmRequest {
    let account = ClientMapping { client_id: "account".to_owned(), ..mapping(realm, "account") };
    ProvisionRealmRequest {
        realm_id: realm.to_owned(),
        realm_name: realm.to_owned(),
        clients: vec![account],
        ..ProvisionRealmRequest::default()
    }
}

fn mapping(realm: &str, id: &str) -> ClientMapping {
    ClientMapping {
        realm_id: realm.to_owned(),
        id: id.to_owned(),
        client_id: format!("client-{id}"),
        ..ClientMapping::default()
    }
}

pub(crate) fn answer<T>(response: Result<Response<T>, Status>) -> Result<T, Status> {
    response.map(Response::into_inner)
}

pub(crate) fn why<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    reason(&answer.unwrap_err()).unwrap()
}
