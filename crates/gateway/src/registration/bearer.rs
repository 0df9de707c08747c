//! What a registration request shows for itself: one of four things, or nothing.

use super::{
    error::Error,
    request::RegistrationRequest,
    tokens::{INITIAL_ACCESS_TOKEN, REGISTRATION_ACCESS_TOKEN},
};
use crate::{
    admin::{self, caller::Caller},
    oidc::{
        live_token::{self, Lapsed},
        presented_token::{Scheme, in_header},
    },
};
use latchkey_api::{
    issuer::v1::VerifiedToken,
    registry::v1::{GetInitialAccessRequest, InitialAccess},
};
use serde::Deserialize;
use tonic::Request;

/// A verified bearer token, or none.
pub(super) enum Bearer {
    /// None, or a scheme other than Bearer.
    None,
    /// An initial access token, and whether it is good for another client.
    InitialAccess { id: String, usable: Result<InitialAccess, Error>, allowed_origins: Vec<String> },
    /// A registration access token; whose it is, is not known yet.
    Registration(PresentedToken),
    /// An access token, with the roles that its account holds.
    Access { caller: Box<Caller>, azp: String, allowed_origins: Vec<String> },
}

/// A registration access token as it was presented.
pub(super) struct PresentedToken {
    pub(super) token: String,
    pub(super) id: String,
    pub(super) allowed_origins: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Origins {
    #[serde(default, rename = "allowed-origins")]
    allowed_origins: Vec<String>,
}

impl RegistrationRequest {
    /// Verifies what the request shows. A token must be of this realm, by its keys and by its issuer.
    pub(super) async fn bearer(&self) -> Result<Bearer, Error> {
        let Some((Scheme::Bearer, token)) = in_header(&self.headers) else { return Ok(Bearer::None) };
        let verified = match live_token::verify(&self.app, &self.realm, &self.issuer, token).await {
            Ok(verified) => verified,
            Err(Lapsed::Failed(error)) => return Err(error.into()),
            Err(_) => return Err(Error::TokenInvalid),
        };
        let origins: Origins = serde_json::from_slice(&verified.claims).unwrap_or_default();
        let allowed_origins = origins.allowed_origins;
        let VerifiedToken { jti: id, azp, token_type, .. } = verified;
        match token_type.as_str() {
            "Bearer" => match Caller::authenticate(&self.app, &self.headers, &self.context, None).await {
                Ok(caller) => Ok(Bearer::Access { caller: Box::new(caller), azp, allowed_origins }),
                Err(admin::error::Error::Unauthorized) => Err(Error::TokenInvalid),
                Err(error) => Err(error.into()),
            },
            INITIAL_ACCESS_TOKEN => {
                let usable = match self.initial_access(&id).await {
                    Err(error @ Error::InitialAccessNotFound) => return Err(error),
                    Err(error @ (Error::Admin(_) | Error::Realm(_))) => return Err(error),
                    usable => usable,
                };
                Ok(Bearer::InitialAccess { id, usable, allowed_origins })
            }
            REGISTRATION_ACCESS_TOKEN => {
                Ok(Bearer::Registration(PresentedToken { token: token.to_owned(), id, allowed_origins }))
            }
            _ => Err(Error::TokenTypeInvalid),
        }
    }

    async fn initial_access(&self, id: &str) -> Result<InitialAccess, Error> {
        let request = GetInitialAccessRequest { realm_id: self.realm.id.clone(), id: id.to_owned() };
        let answer = self.services().registry.get_initial_access(Request::new(request)).await?.into_inner();
        let missing = admin::error::Error::IncompleteAnswer("an initial access token");
        answer.initial_access.ok_or(Error::Admin(missing))
    }
}
