//! A realm of a scenario's own.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, ServiceAccount, TestApp};

/// The secret of clients that are made with one.
pub(crate) const SECRET: &str = "correct horse/battery+staple";

/// A realm of a scenario's own.
pub(crate) struct Realm<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) name: String,
}

impl Realm<'_> {
    /// The path of one of its OpenID Connect endpoints.
    pub(crate) fn path(&self, endpoint: &str) -> String {
        format!("/realms/{}/protocol/openid-connect/{endpoint}", self.name)
    }

    /// Its issuer.
    pub(crate) fn issuer(&self) -> String {
        self.app.url(&format!("/realms/{}", self.name))
    }

    /// A public document below the realm.
    pub(crate) async fn document(&self, path: &str) -> Answer {
        let url = self.app.url(&format!("/realms/{}{path}", self.name));
        Answer::read(self.app.http.get(url).send().await.unwrap()).await.unwrap()
    }

    /// A form to one of its OpenID Connect endpoints without any header of ours.
    pub(crate) async fn post_form(&self, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.app.http.post(self.app.url(&self.path(endpoint))).form(form);
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// A request of the administrator below the realm.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.app.admin(method, &format!("/{}{path}", self.name), body).await
    }

    /// What the administrator reads there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.admin(Method::GET, path, None).await.expect(200).json()
    }

    /// Makes something there, and says its id.
    pub(crate) async fn make(&self, path: &str, body: &Value) -> String {
        self.admin(Method::POST, path, Some(body)).await.made()
    }

    /// Adds a list of things there.
    pub(crate) async fn add(&self, path: &str, things: &[&Value]) {
        self.admin(Method::POST, path, Some(&json!(things))).await.expect(204);
    }

    /// Changes settings of the realm.
    pub(crate) async fn update(&self, settings: Value) {
        self.admin(Method::PUT, "", Some(&settings)).await.expect(204);
    }

    /// A new realm role.
    pub(crate) async fn role(&self, name: &str) -> Value {
        self.admin(Method::POST, "/roles", Some(&json!({"name": name}))).await.expect(201);
        self.get(&format!("/roles/{name}")).await
    }

    /// A new client with a service account and a secret.
    pub(crate) async fn create_service_account(&self, client_id: &str) -> ServiceAccount<'_> {
        self.create_service_account_with(client_id, json!({})).await
    }

    /// A new client with a service account, a secret, and these settings.
    pub(crate) async fn create_service_account_with(
        &self,
        client_id: &str,
        settings: Value,
    ) -> ServiceAccount<'_> {
        let mut client = json!({
            "clientId": client_id,
            "secret": SECRET,
            "publicClient": false,
            "serviceAccountsEnabled": true,
            "standardFlowEnabled": false,
        });
        client.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let id = self.make("/clients", &client).await;
        ServiceAccount { realm: self, id, client_id: client_id.to_owned(), secret: SECRET.to_owned() }
    }

    /// A new client whose tokens come with refresh tokens.
    pub(crate) async fn create_refreshing(&self, client_id: &str) -> ServiceAccount<'_> {
        let settings = json!({"attributes": {"client_credentials.use_refresh_token": "true"}});
        self.create_service_account_with(client_id, settings).await
    }
}
