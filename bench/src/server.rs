//! Starting the server under test, and preparing its realms through the Admin REST API.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_backends::process;
use nix::sys::signal::Signal;
use reqwest::Client;
use serde_json::{Value, json};

use crate::process::latchkey_processes;

/// How the services are deployed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All in one process, on SQLite.
    AllInOne,
    /// A process each, with mutual TLS, PostgreSQL and Redis.
    Separate,
}

impl Shape {
    /// As the report names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AllInOne => "all in one process (SQLite)",
            Self::Separate => "separate processes (mutual TLS, PostgreSQL, Redis)",
        }
    }
}

const CLIENT: &str = "product-sa-client";
const PASSWORD: &str = "password";

/// A server that runs. Dropping it stops it with all its processes.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
    binary: PathBuf,
    shape: Shape,
}

impl Server {
    /// Starts `binary dev` with its data below `folder`, and waits until it answers.
    pub(crate) async fn start(binary: &Path, shape: Shape, folder: &Path) -> anyhow::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], process::free_port()?));
        let child = launch(binary, shape, folder, address)?;
        let mut this = Self { child, address, folder: folder.to_owned(), binary: binary.to_owned(), shape };
        this.wait_for("/realms/master", Duration::from_secs(60)).await?;
        Ok(this)
    }

    /// Stops it, starts it again on its data, and says how long it took from the start to the first token of `realm`.
    pub(crate) async fn restart_to_first_token(&mut self, realm: &str) -> anyhow::Result<Duration> {
        process::stop(&mut self.child, Signal::SIGTERM, Duration::from_secs(30));
        let start = Instant::now();
        self.child = launch(&self.binary, self.shape, &self.folder, self.address)?;
        let request = self.token_request(realm, "grant_type=client_credentials");
        loop {
            if let Ok(mut connection) = crate::load::Connection::open(self.address).await
                && connection.exchange(&request).await.is_ok()
            {
                return Ok(start.elapsed());
            }
            ensure!(start.elapsed() < Duration::from_secs(60), "no token within 60 s of the start");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The processes of Latchkey: neither PostgreSQL nor Redis is among them.
    pub(crate) fn processes(&self) -> Vec<u32> {
        latchkey_processes(self.child.id())
    }

    /// A token request of a realm's client.
    pub(crate) fn token_request(&self, realm: &str, form: &str) -> Vec<u8> {
        self.form_request(realm, "token", form)
    }

    /// A form to one of a realm's endpoints, with the client's Basic authentication.
    pub(crate) fn form_request(&self, realm: &str, endpoint: &str, form: &str) -> Vec<u8> {
        let path = format!("/realms/{realm}/protocol/openid-connect/{endpoint}");
        crate::load::form_post(self.address, &path, &[("Authorization", &basic())], form)
    }

    /// Makes a client of a realm that authenticates by assertions under a key.
    pub(crate) async fn prepare_signer(
        &self,
        realm: &str,
        client_id: &str,
        jwk: &Value,
    ) -> anyhow::Result<()> {
        let http = Client::new();
        let token = self.administrator(&http).await?;
        let client = json!({"clientId": client_id, "serviceAccountsEnabled": true, "clientAuthenticatorType": "client-jwt",
            "attributes": {"use.jwks.string": "true", "jwks.string": json!({"keys": [jwk]}).to_string()}});
        let url = format!("http://{}/admin/realms/{realm}/clients", self.address);
        http.post(url).bearer_auth(token).json(&client).send().await?.error_for_status()?;
        Ok(())
    }

    /// Lets a realm ask for so many tokens a second.
    pub(crate) async fn limit(&self, realm: &str, per_second: u32) -> anyhow::Result<()> {
        let http = Client::new();
        let token = self.administrator(&http).await?;
        let attributes = json!({"attributes": {"latchkey.rate-limit.per-second": per_second.to_string()}});
        let url = format!("http://{}/admin/realms/{realm}", self.address);
        http.put(url).bearer_auth(token).json(&attributes).send().await?.error_for_status()?;
        Ok(())
    }

    /// An access token of the administrator.
    async fn administrator(&self, http: &Client) -> anyhow::Result<String> {
        let answer: Value = http
            .post(format!("http://{}/realms/master/protocol/openid-connect/token", self.address))
            .form(&[
                ("grant_type", "password"),
                ("client_id", "admin-cli"),
                ("username", "admin"),
                ("password", "admin"),
            ])
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        Ok(answer["access_token"].as_str().context("no token for the administrator")?.to_owned())
    }

    /// Makes a realm that signs with `algorithm` and, in it, the client. With `sessions` each token has a refresh token.
    pub(crate) async fn prepare(&self, realm: &str, algorithm: &str, sessions: bool) -> anyhow::Result<()> {
        let http = Client::new();
        let base = format!("http://{}", self.address);
        let token = self.administrator(&http).await?;
        let realms = format!("{base}/admin/realms");
        let post = async |url: &str, body: Value| -> anyhow::Result<()> {
            let answer = http.post(url).bearer_auth(&token).json(&body).send().await?;
            if !answer.status().is_success() {
                bail!("POST {url}: {} {}", answer.status(), answer.text().await?);
            }
            Ok(())
        };
        post(&realms, json!({"realm": realm, "enabled": true, "defaultSignatureAlgorithm": algorithm, "ssoSessionIdleTimeout": 1800})).await?;
        let audience = json!({"name": "self", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
            "config": {"included.client.audience": CLIENT, "access.token.claim": "true"}});
        post(
            &format!("{realms}/{realm}/clients"),
            json!({"clientId": CLIENT, "secret": PASSWORD, "publicClient": false, "serviceAccountsEnabled": true,
                "attributes": {"client_credentials.use_refresh_token": sessions.to_string()},
                "protocolMappers": if sessions { json!([]) } else { json!([audience]) }}),
        )
        .await
    }

    async fn wait_for(&mut self, path: &str, patience: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + patience;
        let url = format!("http://{}{path}", self.address);
        let http = Client::new();
        loop {
            if http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            ensure!(Instant::now() < end, "the server did not answer within {patience:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        process::stop(&mut self.child, Signal::SIGTERM, Duration::from_secs(30));
    }
}

/// The client's Basic authentication.
pub(crate) fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{PASSWORD}")))
}

fn launch(binary: &Path, shape: Shape, folder: &Path, address: SocketAddr) -> anyhow::Result<Child> {
    let mut command: Command = process::bound_to_parent(binary, None);
    command.arg("dev");
    if shape == Shape::Separate {
        command.arg("--split");
    }
    command.arg("--listen").arg(address.to_string()).arg("--data").arg(folder);
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.with_extension("log"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    process::spawn(command).context("starting the server")
}
