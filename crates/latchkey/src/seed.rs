//! The realm `demo`, made through the Admin REST API as a user would make it.

use std::net::SocketAddr;

use anyhow::Context as _;
use latchkey::all_in_one::Administrator;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::http::Request;

/// The realm of the README's first example.
pub(crate) const REALM: &str = "demo";
/// Its client.
pub(crate) const CLIENT_ID: &str = "product-sa-client";
/// The client's secret: everybody knows it, so this realm is for trying only.
pub(crate) const CLIENT_SECRET: &str = "password";

struct Admin {
    address: SocketAddr,
    token: String,
}

/// Makes the realm `demo` with its client, unless it is there.
pub(crate) async fn seed(address: SocketAddr, administrator: &Administrator) -> anyhow::Result<()> {
    if Request::new("GET", format!("/realms/{REALM}")).send(address).await?.status == 200 {
        return Ok(());
    }
    let admin = Admin::sign_in(address, administrator).await?;
    let realm = json!({
        "realm": REALM,
        // Enabled at the end: whoever finds the realm finds it whole.
        "enabled": false,
        "accessTokenLifespan": 60,
        "ssoSessionIdleTimeout": 600,
        "attributes": {"compatibility": "classic"},
    });
    if admin.find(&format!("/{REALM}")).await?.is_none() {
        admin.make("", &realm).await?;
    }
    let client = admin.client().await?;
    let account = admin.get(&format!("/{REALM}/clients/{client}/service-account-user")).await?;
    let account = account["id"].as_str().context("the service account has no id")?;

    // The account holds two roles; the client's scope lets one of them through.
    let (reader, writer) = (admin.role("product-reader").await?, admin.role("product-writer").await?);
    admin.make(&format!("/{REALM}/users/{account}/role-mappings/realm"), &json!([reader, writer])).await?;
    admin.make(&format!("/{REALM}/clients/{client}/scope-mappings/realm"), &json!([reader])).await?;
    admin.call("PUT", &format!("/{REALM}"), &json!({"enabled": true})).await
}

impl Admin {
    async fn sign_in(address: SocketAddr, administrator: &Administrator) -> anyhow::Result<Self> {
        let answer = Request::new("POST", "/realms/master/protocol/openid-connect/token")
            .form(&[
                ("grant_type", "password"),
                ("client_id", "admin-cli"),
                ("username", &administrator.username),
                ("password", administrator.password.expose_secret()),
            ])
            .succeed(address)
            .await
            .context("signing the administrator in")?;
        let token = answer.json()?["access_token"].as_str().context("no access token")?.to_owned();
        Ok(Self { address, token })
    }

    fn request(&self, method: &'static str, path: &str) -> Request {
        Request::new(method, format!("/admin/realms{path}"))
            .header("Authorization", format!("Bearer {}", self.token))
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.request("GET", path).succeed(self.address).await?.json()
    }

    async fn find(&self, path: &str) -> anyhow::Result<Option<Value>> {
        let answer = self.request("GET", path).send(self.address).await?;
        if answer.status == 404 { Ok(None) } else { answer.json().map(Some) }
    }

    async fn make(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        self.call("POST", path, body).await
    }

    async fn call(&self, method: &'static str, path: &str, body: &Value) -> anyhow::Result<()> {
        self.request(method, path).json(body).succeed(self.address).await.map(drop)
    }

    /// The id of the client; made if need be.
    async fn client(&self) -> anyhow::Result<String> {
        let found = self.get(&format!("/{REALM}/clients?clientId={CLIENT_ID}")).await?;
        if let Some(id) = found[0]["id"].as_str() {
            return Ok(id.to_owned());
        }
        let client = json!({
            "clientId": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "publicClient": false,
            "serviceAccountsEnabled": true,
            "standardFlowEnabled": false,
            "fullScopeAllowed": false,
        });
        self.request("POST", &format!("/{REALM}/clients"))
            .json(&client)
            .succeed(self.address)
            .await?
            .location_id()
    }

    /// A realm role; made if need be.
    async fn role(&self, name: &str) -> anyhow::Result<Value> {
        let path = format!("/{REALM}/roles/{name}");
        if let Some(role) = self.find(&path).await? {
            return Ok(role);
        }
        self.make(&format!("/{REALM}/roles"), &json!({"name": name})).await?;
        self.get(&path).await
    }
}
