//! Dynamic client registration: RFC 7591, RFC 7592.

mod attacks;
mod crash;
mod default_provider;
mod initial_access;
mod openid_connect;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Realm, ServiceAccount};

impl Realm<'_> {
    /// A new initial access token for so many clients.
    pub(crate) async fn initial_access_token(&self, count: u32) -> String {
        let limits = json!({"count": count, "expiration": 600});
        self.admin(Method::POST, "/clients-initial-access", Some(&limits)).await.expect(201).text("token")
    }

    /// A request to the registration endpoint; `path` begins with the provider.
    pub(crate) async fn registration(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        let url = self.app.url(&format!("/realms/{}/clients-registrations/{path}", self.name));
        let mut request = self.app.http.request(method, url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// Registers a client in the form of the Admin REST API.
    pub(crate) async fn register(&self, token: &str, client: &Value) -> Answer {
        self.registration(Method::POST, "default", token, Some(client)).await
    }

    /// The client that an answer of the registration endpoint (RFC 7591) tells of.
    pub(crate) async fn registered(&self, answer: &Answer) -> ServiceAccount<'_> {
        let client_id = answer.text("client_id");
        let found = self.get(&format!("/clients?clientId={client_id}")).await;
        ServiceAccount {
            realm: self,
            id: found[0]["id"].as_str().unwrap().to_owned(),
            client_id,
            secret: answer.json()["client_secret"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
