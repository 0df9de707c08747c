//! `POST /realms/{realm}/clients-registrations/{provider}`: a client registers itself (RFC 7591 section 3).

use super::{
    authorization::Registrant,
    client_metadata::ClientMetadata,
    error::Error,
    events::CLIENT_REGISTER,
    provider::Provider,
    read::Shown,
    request::RegistrationRequest,
    tokens::{NewToken, REGISTRATION_ACCESS_TOKEN},
};
use crate::admin::{
    self, body::JsonBody, client_creation::register_client, representation::ClientRepresentation,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use latchkey_api::registry::v1::{Client, Registration};
use latchkey_platform::random;

/// The scope that a client gets as a default one when it only names optional ones: it puts `sub` into tokens.
const BASIC_SCOPE: &str = "basic";

/// Answers 201 with the client, its secret, and the token by which it is read and changed from now on.
pub(super) async fn create(
    request: RegistrationRequest,
    body: Result<JsonBody, admin::error::Error>,
) -> Response {
    let made = make(&request, body).await;
    let client_id = made.as_ref().map(|(client, _)| client.client_id.as_str()).unwrap_or_default();
    request.record(CLIENT_REGISTER, client_id, &made);
    match made {
        Ok((client, response)) => located(&request, &client, response),
        Err(error) => error.into_response(),
    }
}

async fn make(
    request: &RegistrationRequest,
    body: Result<JsonBody, admin::error::Error>,
) -> Result<(Client, Response), Error> {
    let representation = read(request.provider, &body?)?;
    let Registrant { initial_access_id, allowed_origins } = request.may_create().await?;
    request.check_policies(&representation, None, None).await?;
    let registration_token_id = random::uuid();
    let registration =
        Registration { initial_access_id, registration_token_id: registration_token_id.clone() };
    let services = request.services();
    let client = register_client(services, &request.realm.id, &representation, registration).await?;

    let token = NewToken {
        token_type: REGISTRATION_ACCESS_TOKEN,
        jti: &registration_token_id,
        lifetime_s: 0,
        allowed_origins: Some(allowed_origins),
    };
    let token = token.sign(services, &request.realm.id, &request.issuer).await?;
    let shown = Shown { client: &client, token: Some(token), issued: true };
    let response = request.show(shown).await?;
    Ok((client, response))
}

fn read(provider: Provider, body: &JsonBody) -> Result<ClientRepresentation, Error> {
    let mut representation = match provider {
        Provider::Default => body.read::<ClientRepresentation>()?,
        Provider::OpenIdConnect => {
            let metadata: ClientMetadata = body.read()?;
            if metadata.client_id.is_some() {
                return Err(Error::ClientIdIncluded);
            }
            metadata.representation()?
        }
    };
    if representation.optional_client_scopes.is_some() && representation.default_client_scopes.is_none() {
        representation.default_client_scopes = Some(vec![BASIC_SCOPE.to_owned()]);
    }
    Ok(representation)
}

fn located(request: &RegistrationRequest, client: &Client, mut response: Response) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(address) = HeaderValue::try_from(request.address_of(&client.client_id)) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}
