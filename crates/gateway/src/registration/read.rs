//! `GET /realms/{realm}/clients-registrations/{provider}/{client_id}` (RFC 7592 section 2.1), and how the endpoint shows a client.

use super::{
    authorization::Registered,
    bearer::PresentedToken,
    client_metadata_response::{ShownMetadata, show_metadata},
    error::Error,
    events::CLIENT_INFO,
    provider::Provider,
    request::RegistrationRequest,
    tokens::{NewToken, REGISTRATION_ACCESS_TOKEN},
};
use crate::admin::{
    answer::json,
    client_parts::{mapping, shown_secret},
    representation::{ShownClient, show_client},
};
use axum::response::{IntoResponse as _, Response};
use latchkey_api::registry::v1::Client;
use serde_json::Value;

/// Answers the client with its secret.
pub(super) async fn read(request: RegistrationRequest) -> Response {
    let found = find(&request).await;
    request.record(CLIENT_INFO, &request.client_id, &found);
    found.unwrap_or_else(Error::into_response)
}

async fn find(request: &RegistrationRequest) -> Result<Response, Error> {
    let Registered { client, token } = request.may_view().await?;
    let token = match token {
        Some(token) => Some(request.kept(token).await?),
        None => None,
    };
    request.show(Shown { client: &client, token, issued: false }).await
}

/// A client that is shown.
pub(super) struct Shown<'a> {
    pub(super) client: &'a Client,
    /// The registration access token that it has from now on; `None` where an administrator asks.
    pub(super) token: Option<String>,
    /// Whether it is new.
    pub(super) issued: bool,
}

impl RegistrationRequest {
    /// The client as the provider writes it.
    pub(super) async fn show(&self, shown: Shown<'_>) -> Result<Response, Error> {
        let Shown { client, token, issued } = shown;
        let mapping = mapping(self.services(), &self.realm.id, &client.id).await?;
        let secret = shown_secret(self.services(), client).await?;
        let document = match self.provider {
            Provider::Default => {
                let shown = ShownClient { client, mapping: &mapping, secret: &secret, access: None };
                let mut document = show_client(&shown);
                document["defaultRoles"] = Value::Array(Vec::new());
                if let Some(token) = token {
                    document["registrationAccessToken"] = Value::from(token);
                }
                document
            }
            Provider::OpenIdConnect => show_metadata(&ShownMetadata {
                client,
                mapping: &mapping,
                secret: &secret,
                token: token.as_deref(),
                address: &self.address_of(&client.client_id),
                issued_at_s: issued.then_some(client.created_ms / 1000),
            }),
        };
        Ok(json(&document)?)
    }

    /// The token that was presented or, where the realm signs with another key by now, the same under that key.
    async fn kept(&self, presented: PresentedToken) -> Result<String, Error> {
        let again = NewToken {
            token_type: REGISTRATION_ACCESS_TOKEN,
            jti: &presented.id,
            lifetime_s: 0,
            allowed_origins: Some(presented.allowed_origins),
        };
        let again = again.sign(self.services(), &self.realm.id, &self.issuer).await?;
        // The header names the key.
        let header = |token: &str| token.split('.').next().map(str::to_owned);
        Ok(if header(&again) == header(&presented.token) { presented.token } else { again })
    }
}
