//! Who may register a client, and who may read, change and delete one.

use super::{
    bearer::{Bearer, PresentedToken},
    error::Error,
    provider::Provider,
    request::RegistrationRequest,
};
use latchkey_api::registry::v1::{CheckRegistrationTokenRequest, Client, FindClientRequest};
use tonic::{Code, Request};

/// Who may register a client.
pub(super) struct Registrant {
    /// The initial access token that it takes; empty for an administrator.
    pub(super) initial_access_id: String,
    /// What the client's registration access token inherits.
    pub(super) allowed_origins: Vec<String>,
}

/// Who may use a client that is registered.
pub(super) struct Registered {
    pub(super) client: Client,
    /// The client's own token; `None` for an administrator.
    pub(super) token: Option<PresentedToken>,
}

impl RegistrationRequest {
    /// Anybody else is refused, as by a realm's policies of its first day no host is trusted.
    pub(super) async fn may_create(&self) -> Result<Registrant, Error> {
        match self.bearer().await? {
            Bearer::InitialAccess { id, usable, allowed_origins } => {
                usable?;
                Ok(Registrant { initial_access_id: id, allowed_origins })
            }
            Bearer::Access { caller, allowed_origins, .. } => {
                if !caller.may(&self.realm, &["manage-clients", "create-client"]) {
                    return Err(Error::RoleMissing);
                }
                Ok(Registrant { initial_access_id: String::new(), allowed_origins })
            }
            Bearer::None | Bearer::Registration(_) => {
                Err(Error::Policy { policy: "Trusted Hosts", details: "Host not trusted" })
            }
        }
    }

    pub(super) async fn may_view(&self) -> Result<Registered, Error> {
        self.may(&["manage-clients", "view-clients"], Error::InitialAccessNotAllowed, Error::MayNotView).await
    }

    /// Change, or delete.
    pub(super) async fn may_update(&self) -> Result<Registered, Error> {
        self.may(&["manage-clients"], Error::MayNotUpdate, Error::MayNotUpdate).await
    }

    async fn may(&self, roles: &[&str], initial_access: Error, other: Error) -> Result<Registered, Error> {
        match self.bearer().await? {
            Bearer::Access { caller, azp, .. } => {
                if let Some(own) = self.find_client(&azp).await? {
                    self.check_protocol(&own)?;
                }
                if !caller.may(&self.realm, roles) {
                    return Err(Error::RoleMissing);
                }
                let client = self.find_client(&self.client_id).await?.ok_or(Error::ClientNotFound)?;
                Ok(Registered { client, token: None })
            }
            Bearer::Registration(token) => {
                let client = self.client_of(&token).await?.ok_or(other)?;
                self.check_protocol(&client)?;
                Ok(Registered { client, token: Some(token) })
            }
            Bearer::InitialAccess { .. } => Err(initial_access),
            Bearer::None => Err(other),
        }
    }

    /// The client of the path, if the token is its present one.
    async fn client_of(&self, token: &PresentedToken) -> Result<Option<Client>, Error> {
        let request = CheckRegistrationTokenRequest {
            realm_id: self.realm.id.clone(),
            client_id: self.client_id.clone(),
            token_id: token.id.clone(),
        };
        match self.services().registry.check_registration_token(Request::new(request)).await {
            Ok(answer) => Ok(answer.into_inner().client),
            Err(status) if status.code() == Code::Unauthenticated => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    async fn find_client(&self, client_id: &str) -> Result<Option<Client>, Error> {
        let request = FindClientRequest { realm_id: self.realm.id.clone(), client_id: client_id.to_owned() };
        match self.services().registry.find_client(Request::new(request)).await {
            Ok(answer) => Ok(answer.into_inner().client),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    fn check_protocol(&self, client: &Client) -> Result<(), Error> {
        let fits = client.protocol.is_empty() || client.protocol == Provider::OpenIdConnect.name();
        if self.provider == Provider::OpenIdConnect && !fits {
            return Err(Error::WrongProtocol);
        }
        Ok(())
    }
}
