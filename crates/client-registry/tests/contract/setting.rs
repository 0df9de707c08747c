//! A service with two realms.

use std::sync::Arc;

use latchkey_api::common::v1::{Change, WatchRequest};
use latchkey_api::error::reason;
use latchkey_api::registry::v1::authenticate_response::Outcome;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use latchkey_client_registry::{Config, MIGRATIONS, RegistryService, SCHEMA, build};
use latchkey_platform::clock::ManualClock;
use latchkey_platform::database::Database;
use latchkey_platform::vault::FileMasterKey;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

pub(crate) const NOW_MS: i64 = 1_795_000_000_000;
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
    pub(crate) service: Arc<RegistryService>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) url: String,
    key: SecretString,
    pub(crate) folder: Option<TempDir>,
    _shutdown: DropGuard,
}

impl Setting {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("registry.db").display());
        Self::at(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::at(latchkey_test_support::postgres().await, None).await
    }

    async fn at(url: String, folder: Option<TempDir>) -> Self {
        let key = FileMasterKey::generate();
        let clock = Arc::new(ManualClock::at_ms(NOW_MS));
        let (service, _shutdown) = start(&url, &key, &clock).await;
        let setting = Self { service, clock, url, key, folder, _shutdown };
        setting.create_realm(realm("master"), Vec::new()).await.unwrap();
        for name in REALMS {
            setting.create_realm(realm(name), vec![confidential(name, "orders", "password")]).await.unwrap();
        }
        setting
    }

    /// Another replica over the same database, or the same service after a restart.
    pub(crate) async fn another(&self) -> (Arc<RegistryService>, DropGuard) {
        start(&self.url, &self.key, &self.clock).await
    }

    /// The same service with other settings.
    pub(crate) async fn with_config(&self, config: &Config) -> (Arc<RegistryService>, DropGuard) {
        start_with(config, &self.url, &self.key, &self.clock).await
    }

    /// The same service with other master keys; `{old}` stands for the one that it was made with.
    pub(crate) async fn with_master_keys(&self, keys: &str) -> (Arc<RegistryService>, DropGuard) {
        let keys = keys.replace("{old}", self.key.expose_secret());
        start(&self.url, &SecretString::from(keys), &self.clock).await
    }

    pub(crate) async fn create_realm(
        &self,
        realm: Realm,
        clients: Vec<NewClient>,
    ) -> Result<CreateRealmResponse, Status> {
        let admin_client = (realm.name != "master").then(|| admin_client(&realm.name));
        let request =
            CreateRealmRequest { realm: Some(realm), clients, admin_client, ..CreateRealmRequest::default() };
        answer(self.service.create_realm(Request::new(request)).await)
    }

    pub(crate) async fn realm(&self, name: &str) -> Realm {
        get_realm(&self.service, name).await.unwrap()
    }

    pub(crate) async fn create(&self, client: NewClient) -> Result<CreateClientResponse, Status> {
        let request = CreateClientRequest { client: Some(client), ..CreateClientRequest::default() };
        answer(self.service.create_client(Request::new(request)).await)
    }

    pub(crate) async fn find(&self, realm: &str, client_id: &str) -> Result<Client, Status> {
        let request = FindClientRequest { realm_id: id_of(realm), client_id: client_id.to_owned() };
        Ok(answer(self.service.find_client(Request::new(request)).await)?.client.unwrap())
    }

    pub(crate) async fn update(&self, client: Client, secret: &str) -> Result<Client, Status> {
        let request = UpdateClientRequest {
            client: Some(client),
            secret: secret.to_owned(),
            ..UpdateClientRequest::default()
        };
        Ok(answer(self.service.update_client(Request::new(request)).await)?.client.unwrap())
    }

    pub(crate) async fn set_secret(
        &self,
        realm: &str,
        id: &str,
        secret: &str,
        keep_previous_s: i64,
    ) -> SetClientSecretResponse {
        let request = SetClientSecretRequest {
            realm_id: id_of(realm),
            id: id.to_owned(),
            secret: secret.to_owned(),
            keep_previous_s: Some(keep_previous_s),
            admin_event: None,
        };
        answer(self.service.set_client_secret(Request::new(request)).await).unwrap()
    }

    pub(crate) async fn secret(&self, realm: &str, id: &str) -> Result<String, Status> {
        let request = GetClientSecretRequest { realm_id: id_of(realm), id: id.to_owned(), replaced: false };
        Ok(answer(self.service.get_client_secret(Request::new(request)).await)?.secret)
    }

    pub(crate) async fn list(&self, request: ListClientsRequest) -> ListClientsResponse {
        answer(self.service.list_clients(Request::new(request)).await).unwrap()
    }

    pub(crate) async fn authenticate(&self, request: AuthenticateRequest) -> Outcome {
        authenticate(&self.service, request).await
    }

    /// Whether a secret is a client's.
    pub(crate) async fn passes(&self, realm: &str, client_id: &str, secret: &str) -> bool {
        passes(&self.service, realm, client_id, secret).await
    }

    /// The change with a revision.
    pub(crate) async fn change(&self, revision: u64) -> Change {
        use futures::StreamExt as _;
        let request = WatchRequest { from_revision: revision - 1 };
        let mut changes = self.service.watch(Request::new(request)).await.unwrap().into_inner();
        let change = changes.next().await.unwrap().unwrap().change.unwrap();
        assert_eq!(change.revision, revision);
        change
    }
}

async fn start(url: &str, key: &SecretString, clock: &Arc<ManualClock>) -> (Arc<RegistryService>, DropGuard) {
    start_with(&Config::default(), url, key, clock).await
}

async fn start_with(
    config: &Config,
    url: &str,
    key: &SecretString,
    clock: &Arc<ManualClock>,
) -> (Arc<RegistryService>, DropGuard) {
    let shutdown = CancellationToken::new();
    let database = Database::open(url, 5, SCHEMA, MIGRATIONS).await.unwrap();
    let master = Arc::new(FileMasterKey::parse(key).unwrap());
    let service = build(config, database, master, clock.clone(), shutdown.clone()).await.unwrap();
    (service, shutdown.drop_guard())
}

pub(crate) async fn get_realm(service: &RegistryService, name: &str) -> Result<Realm, Status> {
    let key = Some(get_realm_request::Key::Name(name.to_owned()));
    Ok(answer(service.get_realm(Request::new(GetRealmRequest { key })).await)?.realm.unwrap())
}

pub(crate) async fn authenticate(service: &RegistryService, request: AuthenticateRequest) -> Outcome {
    answer(service.authenticate(Request::new(request)).await).unwrap().outcome.unwrap()
}

pub(crate) async fn passes(service: &RegistryService, realm: &str, client_id: &str, secret: &str) -> bool {
    let outcome = authenticate(service, by_secret(realm, client_id, secret)).await;
    matches!(outcome, Outcome::Authenticated(_))
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

pub(crate) fn realm(name: &str) -> Realm {
    Realm {
        id: id_of(name),
        name: name.to_owned(),
        enabled: true,
        access_token_lifespan_s: 300,
        attributes: [("frontendUrl".to_owned(), "https://id.example".to_owned())].into(),
        settings_json: r#"{"displayName":"shown"}"#.to_owned(),
        ..Realm::default()
    }
}

pub(crate) fn client(realm: &str, client_id: &str) -> Client {
    Client {
        id: format!("uuid-of-{client_id}"),
        realm_id: id_of(realm),
        client_id: client_id.to_owned(),
        enabled: true,
        service_accounts_enabled: true,
        client_authenticator_type: "client-secret".to_owned(),
        web_origins: vec!["https://app.example".to_owned()],
        settings_json: r#"{"consentRequired":false}"#.to_owned(),
        ..Client::default()
    }
}

/// A confidential client as the service answers it, whose secret is of the second `NOW_MS`.
pub(crate) fn with_dated_secret(mut client: Client) -> Client {
    let date = (NOW_MS / 1000).to_string();
    client.attributes.insert("client.secret.creation.time".to_owned(), date);
    client
}

pub(crate) fn confidential(realm: &str, client_id: &str, secret: &str) -> NewClient {
    NewClient { client: Some(client(realm, client_id)), secret: secret.to_owned() }
}

fn admin_client(realm: &str) -> NewClient {
    let client = Client { bearer_only: true, ..client("master", &format!("{realm}-realm")) };
    NewClient { client: Some(client), secret: String::new() }
}

pub(crate) fn by_secret(realm: &str, client_id: &str, secret: &str) -> AuthenticateRequest {
    AuthenticateRequest {
        realm: realm.to_owned(),
        client_id: Some(client_id.to_owned()),
        client_secret: Some(secret.to_owned()),
        source: CredentialSource::Body.into(),
        ..AuthenticateRequest::default()
    }
}
