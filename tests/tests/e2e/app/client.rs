//! A client with a service account, and what it does at the realm's endpoints.

use reqwest::Method;
use serde_json::{Value, json};

use super::answer::basic;
use super::{Answer, Realm};

/// A client with a service account.
pub(crate) struct ServiceAccount<'a> {
    pub(crate) realm: &'a Realm<'a>,
    /// The UUID.
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
}

impl ServiceAccount<'_> {
    /// Its Basic header: both halves form-encoded, RFC 6749 section 2.3.1.
    pub(crate) fn basic(&self) -> String {
        let encode = |text: &str| text.replace('%', "%25").replace('+', "%2B").replace(' ', "+");
        basic(&encode(&self.client_id), &encode(&self.secret))
    }

    /// A form to an endpoint of its realm; an error when there was no answer.
    pub(crate) async fn try_post(&self, endpoint: &str, form: &[(&str, &str)]) -> reqwest::Result<Answer> {
        self.post_at(&self.realm.app.url(&self.realm.path(endpoint)), form).await
    }

    /// A form to an endpoint of its realm.
    pub(crate) async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        self.try_post(endpoint, form).await.unwrap()
    }

    /// A form to any address, with its Basic header.
    pub(crate) async fn post_at(&self, url: &str, form: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let request = self.realm.app.http.post(url).header("authorization", self.basic()).form(form);
        Answer::read(request.send().await?).await
    }

    /// A token by client credentials, or the refusal.
    pub(crate) async fn token(&self) -> Answer {
        self.token_with(&[]).await
    }

    /// The same with more parameters.
    pub(crate) async fn token_with(&self, more: &[(&str, &str)]) -> Answer {
        let form = [&[("grant_type", "client_credentials")], more].concat();
        self.post("token", &form).await
    }

    /// An access token.
    pub(crate) async fn access_token(&self) -> String {
        self.token().await.expect(200).text("access_token")
    }

    /// The answer to a refresh.
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Answer {
        self.post("token", &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// What introspection says of a token.
    pub(crate) async fn introspect(&self, token: &str) -> Value {
        self.post("token/introspect", &[("token", token)]).await.expect(200).json()
    }

    /// What introspection says of a refresh token.
    pub(crate) async fn introspect_refresh(&self, token: &str) -> Value {
        let form = [("token", token), ("token_type_hint", "refresh_token")];
        self.post("token/introspect", &form).await.expect(200).json()
    }

    /// Ends the session of a refresh token.
    pub(crate) async fn logout(&self, refresh_token: &str) -> Answer {
        self.post("logout", &[("refresh_token", refresh_token)]).await
    }

    /// The path of the client in the Admin REST API, below its realm.
    pub(crate) fn path(&self) -> String {
        format!("/clients/{}", self.id)
    }

    /// Changes settings of the client.
    pub(crate) async fn update(&self, settings: Value) {
        self.realm.admin(Method::PUT, &self.path(), Some(&settings)).await.expect(204);
    }

    /// The id of its service account.
    pub(crate) async fn user(&self) -> String {
        let user = self.realm.get(&format!("{}/service-account-user", self.path())).await;
        user["id"].as_str().unwrap().to_owned()
    }

    /// Gives realm roles to its service account.
    pub(crate) async fn grant(&self, roles: &[&Value]) {
        self.realm.add(&format!("/users/{}/role-mappings/realm", self.user().await), roles).await;
    }

    /// Gives roles of a client to its service account.
    pub(crate) async fn grant_of(&self, client: &ServiceAccount<'_>, roles: &[&Value]) {
        let path = format!("/users/{}/role-mappings/clients/{}", self.user().await, client.id);
        self.realm.add(&path, roles).await;
    }

    /// Lets realm roles through to its tokens.
    pub(crate) async fn let_through(&self, roles: &[&Value]) {
        self.realm.add(&format!("{}/scope-mappings/realm", self.path()), roles).await;
    }

    /// A new role of this client.
    pub(crate) async fn role(&self, name: &str) -> Value {
        let path = format!("{}/roles", self.path());
        self.realm.admin(Method::POST, &path, Some(&json!({"name": name}))).await.expect(201);
        self.realm.get(&format!("{path}/{name}")).await
    }

    /// Puts itself among the audience of its own tokens, so that it may introspect them.
    pub(crate) async fn hear_itself(&self) {
        let mapper = json!({
            "name": "self",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-audience-mapper",
            "config": {"included.client.audience": self.client_id, "access.token.claim": "true"},
        });
        self.realm.make(&format!("{}/protocol-mappers/models", self.path()), &mapper).await;
    }
}
