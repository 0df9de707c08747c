//! The server under test as the scenarios see it.

mod answer;
mod certificates;
mod client;
mod deadline;
mod gateway;
mod issuer;
pub(crate) mod jws;
mod realm;
mod resource_server;
mod server;
mod told_client;

pub(crate) use answer::{Answer, basic, claims, header_of};
pub(crate) use certificates::{Authority, Identity, Subject};
pub(crate) use client::ServiceAccount;
pub(crate) use deadline::{PATIENCE, eventually};
pub(crate) use gateway::Gateway;
pub(crate) use issuer::{Issuer, KeyServer};
pub(crate) use realm::{Realm, SECRET};
pub(crate) use resource_server::ResourceServer;
pub(crate) use server::{Server, Setup, Shape, kill_process, program};
pub(crate) use told_client::ToldClient;

use std::ops::AsyncFnOnce;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use reqwest::{Client, ClientBuilder, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

/// Makes two tests of each scenario: one for each shape.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod all_in_one {
            $(#[test] fn $name() { crate::app::run(crate::app::Shape::AllInOne, super::$name); })*
        }
        mod separate {
            $(#[test] fn $name() { crate::app::run(crate::app::Shape::Separate, super::$name); })*
        }
    };
}

/// The runtime of all tests: connections to the shared servers outlive a test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

static ALL_IN_ONE: LazyLock<TestApp> = LazyLock::new(|| TestApp::shared(Shape::AllInOne));
static SEPARATE: LazyLock<TestApp> = LazyLock::new(|| TestApp::shared(Shape::Separate));

/// How long an administrator's token is used; it lives for 60 s.
const TOKEN_USE: Duration = Duration::from_secs(20);

/// Runs a scenario against the shared server of a shape.
pub(crate) fn run(shape: Shape, scenario: impl AsyncFnOnce(&TestApp)) {
    let app: &TestApp = match shape {
        Shape::AllInOne => &ALL_IN_ONE,
        Shape::Separate => &SEPARATE,
    };
    RUNTIME.block_on(scenario(app));
}

/// Runs a scenario that starts a server of its own.
pub(crate) fn run_alone(scenario: impl Future<Output = ()>) {
    RUNTIME.block_on(scenario);
}

/// An HTTP client that does not wait for ever.
pub(crate) fn client() -> ClientBuilder {
    Client::builder().timeout(Duration::from_secs(30))
}

/// A server, with its administrator signed in.
pub(crate) struct TestApp {
    pub(crate) server: Server,
    pub(crate) http: Client,
    scheme: &'static str,
    admin: Mutex<Option<(Instant, String)>>,
}

impl TestApp {
    fn shared(shape: Shape) -> Self {
        let server = Server::start_shared(Setup::of(shape), &format!("{shape:?}"));
        RUNTIME.block_on(Self::of(server))
    }

    /// A server of this scenario's own.
    pub(crate) async fn start(setup: Setup) -> Self {
        let server = tokio::task::spawn_blocking(move || Server::start(setup)).await.unwrap();
        Self::of(server).await
    }

    async fn of(server: Server) -> Self {
        let http = client().build().unwrap();
        let app = Self { server, http, scheme: "http", admin: Mutex::new(None) };
        app.until_it_serves().await;
        app
    }

    /// A server for several scenarios whose TLS ends at its gateway, with a certificate that the authority has signed.
    pub(crate) fn shared_with_tls(setup: Setup, name: &str, authority: &Authority) -> Self {
        let files = authority.server().write();
        let setup = setup
            .with("LATCHKEY_GATEWAY__TLS__CERTIFICATE", files.certificate())
            .with("LATCHKEY_GATEWAY__TLS__KEY", files.key());
        let server = Server::start_shared(setup, name);
        let http = client().tls_certs_only([authority.certificate()]).build().unwrap();
        let app = Self { server, http, scheme: "https", admin: Mutex::new(None) };
        RUNTIME.block_on(eventually("the server serves", Duration::from_secs(90), async || {
            app.server.assert_runs();
            app.sign_in().await
        }));
        app
    }

    /// Waits until the server answers, its administrator can sign in, and it has made the realm `demo`.
    pub(crate) async fn until_it_serves(&self) {
        eventually("the server serves", Duration::from_secs(90), async || {
            self.server.assert_runs();
            self.sign_in().await?;
            self.demo_token().await
        })
        .await;
    }

    /// What a client that knows the classic service accounts gets from the realm `demo`.
    pub(crate) async fn demo_token(&self) -> Option<Answer> {
        let request = self
            .http
            .post(self.url("/auth/realms/demo/protocol/openid-connect/token"))
            .header("authorization", "Basic cHJvZHVjdC1zYS1jbGllbnQ6cGFzc3dvcmQ=")
            .form(&[("grant_type", "client_credentials")]);
        let answer = Answer::read(request.send().await.ok()?).await.ok()?;
        (answer.status == 200).then_some(answer)
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.server.address)
    }

    async fn sign_in(&self) -> Option<String> {
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", self.server.administrator.0.as_str()),
            ("password", self.server.administrator.1.as_str()),
        ];
        let url = self.url("/realms/master/protocol/openid-connect/token");
        let answer = self.http.post(url).form(&form).send().await.ok()?;
        let answer = Answer::read(answer).await.ok()?;
        (answer.status == 200).then(|| answer.text("access_token"))
    }

    /// An access token of the administrator; waited for where a service is away that a scenario has hurt.
    pub(crate) async fn admin_token(&self) -> String {
        let mut kept = self.admin.lock().await;
        if let Some((born, token)) = &*kept
            && born.elapsed() < TOKEN_USE
        {
            return token.clone();
        }
        let token = eventually("the administrator signs in", PATIENCE, async || self.sign_in().await).await;
        *kept = Some((Instant::now(), token.clone()));
        token
    }

    /// A request of the administrator to `/admin/realms{path}`; an error when there was no answer.
    pub(crate) async fn try_admin(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Answer> {
        let token = self.admin_token().await;
        let request = self.http.request(method, self.url(&format!("/admin/realms{path}"))).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        Answer::read(request.send().await?).await
    }

    /// A request of the administrator to `/admin/realms{path}`.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.try_admin(method, path, body).await.unwrap()
    }

    /// A new realm with a name of its own.
    pub(crate) async fn realm(&self) -> Realm<'_> {
        self.realm_with(json!({})).await
    }

    /// A new realm with these settings.
    pub(crate) async fn realm_with(&self, settings: Value) -> Realm<'_> {
        let name = format!("e{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let mut realm = json!({"realm": name, "enabled": true});
        realm.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        self.admin(Method::POST, "", Some(&realm)).await.expect(201);
        Realm { app: self, name }
    }
}
