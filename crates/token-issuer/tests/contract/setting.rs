//! A service with two realms, and the registry that it follows.

use std::num::NonZeroU32;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_api::common::v1::CatchUpRequest;
use latchkey_api::error::reason;
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::verify_response::{Fault, Outcome};
use latchkey_api::issuer::v1::*;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::{CreateRealmRequest, Realm};
use latchkey_api::revision::revision_of;
use latchkey_client_registry::{self as client_registry, RegistryService};
use latchkey_platform::clock::{ManualClock, SharedClock};
use latchkey_platform::database::Database;
use latchkey_platform::vault::FileMasterKey;
use latchkey_token_issuer::{Config, IssuerService, MIGRATIONS, SCHEMA, build};
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

pub(crate) const NOW_MS: i64 = 1_795_000_000_000;
/// The realms: equal but for their keys.
pub(crate) const REALMS: [&str; 2] = ["red", "blue"];

/// Each contract runs over both databases.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name($crate::setting::Setting::sqlite().await).await; })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name($crate::setting::Setting::postgres().await).await; })+
        }
    };
}
pub(crate) use contract;

pub(crate) struct Setting {
    pub(crate) service: Arc<IssuerService>,
    pub(crate) registry: Arc<RegistryService>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) url: String,
    key: SecretString,
    pub(crate) folder: TempDir,
    shutdown: CancellationToken,
    _shutdown: DropGuard,
}

impl Setting {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("issuer.db").display());
        Self::at(url, folder).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::at(latchkey_test_support::postgres().await, tempfile::tempdir().unwrap()).await
    }

    async fn at(url: String, folder: TempDir) -> Self {
        let (key, shutdown) = (FileMasterKey::generate(), CancellationToken::new());
        let clock = Arc::new(ManualClock::at_ms(NOW_MS));
        let registry = start_registry(&folder, &key, clock.clone(), &shutdown).await;
        let service = start(&url, &key, registry.clone(), clock.clone(), &shutdown).await;
        let _shutdown = shutdown.clone().drop_guard();
        let setting = Self { service, registry, clock, url, key, folder, shutdown, _shutdown };
        for realm in REALMS {
            setting.provision(realm).await;
        }
        setting
    }

    /// Another replica over the same database, or the same service after a restart.
    pub(crate) async fn another(&self) -> Arc<IssuerService> {
        start(&self.url, &self.key, self.registry.clone(), self.clock.clone(), &self.shutdown).await
    }

    pub(crate) async fn provision(&self, realm: &str) {
        let request = ProvisionRealmRequest { realm_id: realm.to_owned(), providers: Vec::new() };
        self.service.provision_realm(Request::new(request)).await.unwrap();
    }

    /// Has the registry publish a realm, and waits until the service has heard of it.
    pub(crate) async fn publish(&self, realm: &str) {
        let realm = Realm { id: realm.to_owned(), name: realm.to_owned(), ..Realm::default() };
        let request = CreateRealmRequest { realm: Some(realm), ..CreateRealmRequest::default() };
        let created = self.registry.create_realm(Request::new(request)).await.unwrap();
        let revision = revision_of(&created).unwrap();
        let request = CatchUpRequest { upstream: "client-registry".to_owned(), revision };
        self.service.catch_up(Request::new(request)).await.unwrap();
    }

    /// An access token signed with an algorithm.
    pub(crate) async fn issue(&self, realm: &str, algorithm: &str) -> String {
        issue(&self.service, realm, algorithm).await.unwrap()
    }

    pub(crate) async fn verified(&self, realm: &str, token: &str) -> VerifiedToken {
        match verify(&self.service, realm, token).await {
            Outcome::Verified(token) => token,
            Outcome::Fault(fault) => panic!("{:?}", Fault::try_from(fault)),
        }
    }

    pub(crate) async fn fault(&self, realm: &str, token: &str) -> Option<Fault> {
        match verify(&self.service, realm, token).await {
            Outcome::Verified(_) => None,
            Outcome::Fault(fault) => Some(Fault::try_from(fault).unwrap()),
        }
    }

    pub(crate) async fn jwks(&self, realm: &str) -> Vec<Value> {
        let request = PublicKeysRequest { realm_id: realm.to_owned() };
        let jwks = answer(self.service.public_keys(Request::new(request)).await).unwrap().jwks;
        let jwks: Value = serde_json::from_slice(&jwks).unwrap();
        jwks["keys"].as_array().unwrap().clone()
    }

    pub(crate) async fn list_keys(&self, realm: &str) -> ListKeysResponse {
        let request = ListKeysRequest { realm_id: realm.to_owned() };
        answer(self.service.list_keys(Request::new(request)).await).unwrap()
    }

    pub(crate) async fn providers(&self, realm: &str) -> Vec<KeyProvider> {
        let request = ListKeyProvidersRequest { realm_id: realm.to_owned() };
        answer(self.service.list_key_providers(Request::new(request)).await).unwrap().providers
    }

    pub(crate) async fn create(&self, provider: KeyProvider) -> Result<KeyProvider, Status> {
        let request = CreateKeyProviderRequest { provider: Some(provider), admin_event: None };
        Ok(answer(self.service.create_key_provider(Request::new(request)).await)?.provider.unwrap())
    }

    pub(crate) async fn update(&self, provider: KeyProvider) -> Result<KeyProvider, Status> {
        let request = UpdateKeyProviderRequest { provider: Some(provider), admin_event: None };
        Ok(answer(self.service.update_key_provider(Request::new(request)).await)?.provider.unwrap())
    }

    pub(crate) async fn delete(&self, realm: &str, id: &str) -> Result<(), Status> {
        let request =
            DeleteKeyProviderRequest { realm_id: realm.to_owned(), id: id.to_owned(), admin_event: None };
        self.service.delete_key_provider(Request::new(request)).await.map(drop)
    }
}

async fn start_registry(
    folder: &TempDir,
    key: &SecretString,
    clock: SharedClock,
    shutdown: &CancellationToken,
) -> Arc<RegistryService> {
    let url = format!("sqlite:{}", folder.path().join("registry.db").display());
    let database =
        Database::open(&url, 1, client_registry::SCHEMA, client_registry::MIGRATIONS).await.unwrap();
    let master = Arc::new(FileMasterKey::parse(key).unwrap());
    let config = client_registry::Config::default();
    client_registry::build(&config, database, master, clock, shutdown.clone()).await.unwrap()
}

async fn start(
    url: &str,
    key: &SecretString,
    registry: Arc<RegistryService>,
    clock: SharedClock,
    shutdown: &CancellationToken,
) -> Arc<IssuerService> {
    let database = Database::open(url, 5, SCHEMA, MIGRATIONS).await.unwrap();
    let master = Arc::new(FileMasterKey::parse(key).unwrap());
    // Tests look at keys themselves.
    let config =
        Config { pregenerated_rsa_keys: 0, key_rotation_look_every_ms: NonZeroU32::MAX, ..Config::default() };
    build(&config, database, master, registry, clock, shutdown.clone()).await.unwrap()
}

pub(crate) async fn issue(service: &IssuerService, realm: &str, algorithm: &str) -> Result<String, Status> {
    let request = IssueRequest {
        realm_id: realm.to_owned(),
        access_token: Some(access_token(algorithm)),
        ..IssueRequest::default()
    };
    Ok(answer(service.issue(Request::new(request)).await)?.access_token)
}

pub(crate) async fn verify(service: &IssuerService, realm: &str, token: &str) -> Outcome {
    let request = VerifyRequest { realm_id: realm.to_owned(), token: token.to_owned(), allow_expired: false };
    answer(service.verify(Request::new(request)).await).unwrap().outcome.unwrap()
}

pub(crate) fn access_token(algorithm: &str) -> TokenToSign {
    TokenToSign {
        algorithm: algorithm.to_owned(),
        header_type: "JWT".to_owned(),
        token_type: "Bearer".to_owned(),
        jti_prefix: "trrtcc:".to_owned(),
        lifetime_s: 300,
        issuer: "https://id.example/realms/red".to_owned(),
        azp: "orders".to_owned(),
        session_id: "session".to_owned(),
        scope: "email profile".to_owned(),
        claims: br#"{"aud":"account","sub":"subject"}"#.as_slice().into(),
        ..TokenToSign::default()
    }
}

pub(crate) fn provider(realm: &str, kind: &str, config: &[(&str, &str)]) -> KeyProvider {
    let list = |value: &str| StringList { values: vec![value.to_owned()] };
    KeyProvider {
        id: format!("{kind}-of-{realm}"),
        realm_id: realm.to_owned(),
        name: "added".to_owned(),
        provider_id: kind.to_owned(),
        config: config.iter().map(|(name, value)| ((*name).to_owned(), list(value))).collect(),
        ..KeyProvider::default()
    }
}

/// A provider with one setting changed.
pub(crate) fn with(mut provider: KeyProvider, name: &str, value: &str) -> KeyProvider {
    provider.config.insert(name.to_owned(), StringList { values: vec![value.to_owned()] });
    provider
}

pub(crate) fn setting<'a>(provider: &'a KeyProvider, name: &str) -> &'a str {
    &provider.config[name].values[0]
}

pub(crate) fn answer<T>(response: Result<Response<T>, Status>) -> Result<T, Status> {
    response.map(Response::into_inner)
}

pub(crate) fn why<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    reason(&answer.unwrap_err()).unwrap()
}

/// A part of a token: 0 its header, 1 its claims.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

/// A part of a token to be forged.
pub(crate) fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}
