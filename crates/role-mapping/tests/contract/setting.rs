//! A service beside the registry that it follows, with two realms.

use std::sync::Arc;

use latchkey_api::common::v1::{CatchUpRequest, Change, WatchRequest};
use latchkey_api::error::reason;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::{CreateRealmRequest, Realm};
use latchkey_api::roles::v1::role_mapping_server::RoleMapping as _;
use latchkey_api::roles::v1::*;
use latchkey_client_registry::RegistryService;
use latchkey_platform::clock::ManualClock;
use latchkey_platform::database::Database;
use latchkey_platform::vault::FileMasterKey;
use latchkey_role_mapping::RoleMappingService;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

const NOW_MS: i64 = 1_795_000_000_000;
/// The realms: equal but for their names.
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
    _folder: Option<TempDir>,
    _shutdown: DropGuard,
}

impl Setting {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        let (registry, roles) = (file("registry.db"), file("roles.db"));
        Self::at(&registry, &roles, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        // A schema each.
        let url = latchkey_test_support::postgres().await;
        Self::at(&url, &url, None).await
    }

    async fn at(registry_url: &str, url: &str, folder: Option<TempDir>) -> Self {
        let shutdown = CancellationToken::new();
        let clock = Arc::new(ManualClock::at_ms(NOW_MS));
        let registry = {
            use latchkey_client_registry::{Config, MIGRATIONS, SCHEMA, build};
            let database = Database::open(registry_url, 5, SCHEMA, MIGRATIONS).await.unwrap();
            let master = Arc::new(FileMasterKey::parse(&FileMasterKey::generate()).unwrap());
            build(&Config::default(), database, master, clock.clone(), shutdown.clone()).await.unwrap()
        };
        let service = {
            use latchkey_role_mapping::{Config, MIGRATIONS, SCHEMA, build};
            let database = Database::open(url, 5, SCHEMA, MIGRATIONS).await.unwrap();
            build(&Config::default(), database, registry.clone(), clock.clone(), shutdown.clone())
                .await
                .unwrap()
        };
        let setting = Self { service, registry, clock, _folder: folder, _shutdown: shutdown.drop_guard() };
        for name in REALMS {
            setting.create_realm(name).await;
        }
        setting
    }

    async fn create_realm(&self, name: &str) {
        let provisioned = ProvisionRealmRequest {
            realm_id: id_of(name),
            realm_name: name.to_owned(),
            ..ProvisionRealmRequest::default()
        };
        answer(self.service.provision_realm(Request::new(provisioned)).await).unwrap();
        let realm = Realm { id: id_of(name), name: name.to_owned(), enabled: true, ..Realm::default() };
        let request = CreateRealmRequest { realm: Some(realm), ..CreateRealmRequest::default() };
        let made = answer(self.registry.create_realm(Request::new(request)).await).unwrap();
        self.catch_up(made.revision).await;
    }

    /// Waits until the service has followed the registry so far.
    pub(crate) async fn catch_up(&self, revision: u64) {
        let request = CatchUpRequest { upstream: "client-registry".to_owned(), revision };
        answer(self.service.catch_up(Request::new(request)).await).unwrap();
    }

    /// A new user, by whose name its id is known.
    pub(crate) async fn create_user(&self, realm: &str, username: &str) -> String {
        let user = User {
            id: format!("id-of-{username}"),
            realm_id: id_of(realm),
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
}

pub(crate) fn answer<T>(response: Result<Response<T>, Status>) -> Result<T, Status> {
    response.map(Response::into_inner)
}

pub(crate) fn why<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    reason(&answer.unwrap_err()).unwrap()
}

pub(crate) fn id_of(realm: &str) -> String {
    format!("id-of-{realm}")
}
