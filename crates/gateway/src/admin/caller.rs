//! Who calls the Admin REST API: the account behind a bearer token, with the roles that it holds now and that its token lets through.

use super::error::Error;
use crate::{
    App,
    oidc::{
        self,
        binding::Confirmation,
        dpop::{self, ProvenRequest},
        presented_token::{Scheme, in_header},
    },
    request_context::RequestContext,
};
use axum::http::{HeaderMap, Method};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_api::{
    issuer::v1::{VerifiedToken, VerifyRequest, verify_response::Outcome as Verification},
    registry::v1::{Client, FindClientRequest, GetRealmRequest, Realm, get_realm_request::Key},
    roles::v1::{
        GrantedRole, Resolution, ResolveRequest, resolve_request::Account,
        resolve_response::Outcome as Resolved,
    },
    session::v1::CheckRequest,
};
use serde::Deserialize;
use tonic::Request;

/// The realm whose administrators may administer all.
pub(crate) const MASTER: &str = "master";
/// The client whose roles are the admin roles of its own realm, in every realm but master.
pub(crate) const REALM_MANAGEMENT: &str = "realm-management";
/// Token types that open the Admin REST API.
const ACCESS_TOKEN_TYPES: &[&str] = &["Bearer", "DPoP"];

/// The client whose roles are a realm's admin roles, as tokens of another realm (master) or of its own know it.
pub(crate) fn admin_client_in_master(realm: &str) -> String {
    format!("{realm}-realm")
}

/// An authenticated administrator; what he may do is another question.
pub(crate) struct Caller {
    /// The realm that issued his token.
    pub(crate) realm: Realm,
    /// The client (uuid) that it was issued to.
    pub(crate) client_uuid: String,
    pub(crate) user_id: String,
    /// His token's id, and when it expires (seconds since the epoch).
    pub(crate) token_jti: String,
    pub(crate) token_expires_at_s: i64,
    roles: Vec<GrantedRole>,
}

impl Caller {
    /// Verifies the access token of a request and looks its account up. Without the request's method and path a token that is bound
    /// to a key (RFC 9449) cannot be proven, and does not count.
    pub(crate) async fn authenticate(
        app: &App,
        headers: &HeaderMap,
        context: &RequestContext,
        target: Option<(&Method, &str)>,
    ) -> Result<Self, Error> {
        let (scheme, token) = in_header(headers).ok_or(Error::Unauthorized)?;
        let realm = realm_of(app, token).await?;
        let verified = verify(app, &realm, token).await?;
        let client = client_of(app, &realm, &verified).await?;
        if verified.issued_at_s < realm.not_before_s.max(client.not_before_s) {
            return Err(Error::Unauthorized);
        }
        let bound = Confirmation::of(&verified.claims)
            .map_err(|_| Error::IncompleteAnswer("claims that are a JSON object"))?;
        if !bound.fits_certificate(&client, context) {
            return Err(Error::Unauthorized);
        }
        match bound.jkt {
            None if scheme == Scheme::Bearer => {}
            None => return Err(Error::Unauthorized),
            Some(jkt) => {
                let (method, path) = target.ok_or(Error::Unauthorized)?;
                let proven = ProvenRequest {
                    app,
                    context,
                    realm_id: &realm.id,
                    headers,
                    method: method.clone(),
                    path,
                    access_token: Some(token),
                    nonce: false,
                };
                dpop::prove(&proven, scheme, &jkt).await.map_err(|error| match error {
                    oidc::error::Error::Service(status) => status.into(),
                    _ => Error::Unauthorized,
                })?;
            }
        }
        let user_id = user_of(app, &realm, &verified).await?;
        let resolution = resolve(app, &realm, &client, &user_id, &verified).await?;
        let account = resolution.account.ok_or(Error::IncompleteAnswer("an account"))?;
        if verified.issued_at_s < account.not_before_s {
            return Err(Error::Unauthorized);
        }
        Ok(Self {
            realm,
            client_uuid: client.id,
            user_id: account.id,
            token_jti: verified.jti,
            token_expires_at_s: verified.expires_at_s,
            roles: resolution.roles,
        })
    }

    /// Whether the token is of master, whose roles may open other realms.
    pub(crate) fn is_of_master(&self) -> bool {
        self.realm.name == MASTER
    }

    /// Whether he holds one of the admin roles of a realm.
    pub(crate) fn may(&self, realm: &Realm, any_of: &[&str]) -> bool {
        self.admin_roles(realm).any(|role| any_of.contains(&role))
    }

    /// Whether he holds any admin role of a realm.
    pub(crate) fn has_any_role_in(&self, realm: &Realm) -> bool {
        self.admin_roles(realm).next().is_some()
    }

    /// Whether he holds any admin role at all.
    pub(crate) fn is_administrator(&self) -> bool {
        if self.is_of_master() {
            self.roles.iter().any(|role| role.client_id.ends_with("-realm"))
                || self.has_master_role(&["admin", "create-realm"])
        } else {
            self.has_any_role_in(&self.realm)
        }
    }

    /// Whether he may make realms.
    pub(crate) fn may_create_realms(&self) -> bool {
        self.is_of_master() && self.has_master_role(&["create-realm", "admin"])
    }

    /// Whether he holds this very role of a client.
    pub(crate) fn holds_client_role(&self, client_id: &str, name: &str) -> bool {
        self.roles.iter().any(|role| role.client_id == client_id && role.name == name)
    }

    /// Whether he holds one of these realm roles of master.
    pub(crate) fn has_master_role(&self, any_of: &[&str]) -> bool {
        self.is_of_master()
            && self.roles.iter().any(|role| role.client_id.is_empty() && any_of.contains(&role.name.as_str()))
    }

    fn admin_roles<'a>(&'a self, realm: &'a Realm) -> impl Iterator<Item = &'a str> {
        let client_id = if self.is_of_master() {
            admin_client_in_master(&realm.name)
        } else if self.realm.id == realm.id {
            REALM_MANAGEMENT.to_owned()
        } else {
            String::new()
        };
        self.roles
            .iter()
            .filter(move |role| !client_id.is_empty() && role.client_id == client_id)
            .map(|role| role.name.as_str())
    }

    #[cfg(test)]
    pub(crate) fn for_tests(realm: Realm, roles: Vec<GrantedRole>) -> Self {
        Self {
            realm,
            client_uuid: String::new(),
            user_id: String::new(),
            token_jti: String::new(),
            token_expires_at_s: 0,
            roles,
        }
    }
}

/// The realm that a token claims to be of. Nothing is believed yet: its keys must verify the token.
async fn realm_of(app: &App, token: &str) -> Result<Realm, Error> {
    #[derive(Deserialize)]
    struct Unverified {
        iss: String,
    }
    let payload = token.split('.').nth(1).ok_or(Error::Unauthorized)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Error::Unauthorized)?;
    let Unverified { iss } = serde_json::from_slice(&payload).map_err(|_| Error::Unauthorized)?;
    let (_, name) = iss.rsplit_once("/realms/").ok_or(Error::Unauthorized)?;
    let name = percent_encoding::percent_decode_str(name).decode_utf8().map_err(|_| Error::Unauthorized)?;
    find_realm(app, &name).await.map_err(|error| match error {
        Error::RealmNotFound => Error::Unauthorized,
        other => other,
    })
}

/// A realm by its name.
pub(crate) async fn find_realm(app: &App, name: &str) -> Result<Realm, Error> {
    let request = GetRealmRequest { key: Some(Key::Name(name.to_owned())) };
    let answer = app.services.registry.get_realm(Request::new(request)).await?.into_inner();
    answer.realm.ok_or(Error::IncompleteAnswer("a realm"))
}

async fn verify(app: &App, realm: &Realm, token: &str) -> Result<VerifiedToken, Error> {
    let request =
        VerifyRequest { realm_id: realm.id.clone(), token: token.to_owned(), ..VerifyRequest::default() };
    let answer = app.services.issuer.verify(Request::new(request)).await?.into_inner();
    match answer.outcome {
        Some(Verification::Verified(verified))
            if ACCESS_TOKEN_TYPES.contains(&verified.token_type.as_str()) =>
        {
            Ok(verified)
        }
        _ => Err(Error::Unauthorized),
    }
}

async fn client_of(app: &App, realm: &Realm, token: &VerifiedToken) -> Result<Client, Error> {
    let request = FindClientRequest { realm_id: realm.id.clone(), client_id: token.azp.clone() };
    let found = app.services.registry.find_client(Request::new(request)).await;
    let client = match found.map_err(Error::from) {
        Ok(answer) => answer.into_inner().client.ok_or(Error::IncompleteAnswer("a client"))?,
        Err(Error::ClientNotFound) => return Err(Error::Unauthorized),
        Err(other) => return Err(other),
    };
    if client.enabled { Ok(client) } else { Err(Error::Unauthorized) }
}

/// The account: the token's subject or, in a lightweight token without one, its session's user. Its session must live and the token
/// not be revoked.
async fn user_of(app: &App, realm: &Realm, token: &VerifiedToken) -> Result<String, Error> {
    let request = CheckRequest {
        realm_id: realm.id.clone(),
        session_id: token.session_id.clone(),
        jti: token.jti.clone(),
        ..CheckRequest::default()
    };
    let answer = app.services.sessions.check(Request::new(request)).await?.into_inner();
    if answer.revoked || !answer.session_active {
        return Err(Error::Unauthorized);
    }
    let user_id = match (token.subject.is_empty(), answer.session) {
        (false, _) => token.subject.clone(),
        (true, Some(session)) => session.user_id,
        (true, None) => String::new(),
    };
    if user_id.is_empty() { Err(Error::Unauthorized) } else { Ok(user_id) }
}

async fn resolve(
    app: &App,
    realm: &Realm,
    client: &Client,
    user_id: &str,
    token: &VerifiedToken,
) -> Result<Resolution, Error> {
    // The token names the scopes it shows; those it hides are defaults of the client, which asking for the others adds.
    let mut request = ResolveRequest {
        realm_id: realm.id.clone(),
        client_uuid: client.id.clone(),
        account: Some(Account::UserId(user_id.to_owned())),
        scope: Some(token.scope.clone()),
        roles: true,
        ..ResolveRequest::default()
    };
    let answer = app.services.roles.resolve(Request::new(request.clone())).await?.into_inner();
    match answer.outcome {
        Some(Resolved::Resolution(resolution)) => return Ok(resolution),
        Some(Resolved::Refusal(refusal)) if refusal.reason() == scope_refusal() => request.scope = None,
        _ => return Err(Error::Unauthorized),
    }
    // A scope of the token has been taken from the client since: what is left are its default scopes.
    match app.services.roles.resolve(Request::new(request)).await?.into_inner().outcome {
        Some(Resolved::Resolution(resolution)) => Ok(resolution),
        _ => Err(Error::Unauthorized),
    }
}

fn scope_refusal() -> latchkey_api::roles::v1::resolve_refusal::Reason {
    latchkey_api::roles::v1::resolve_refusal::Reason::InvalidScope
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(name: &str) -> Realm {
        Realm { id: format!("{name}-id"), name: name.to_owned(), ..Realm::default() }
    }

    fn role(client_id: &str, name: &str) -> GrantedRole {
        GrantedRole { client_id: client_id.to_owned(), name: name.to_owned(), ..GrantedRole::default() }
    }

    #[test]
    fn a_realms_own_roles_open_no_other_realm() {
        let caller = Caller::for_tests(
            realm("a"),
            vec![
                role(REALM_MANAGEMENT, "manage-clients"),
                role("b-realm", "manage-clients"),
                role("", "admin"),
            ],
        );
        assert!(caller.may(&realm("a"), &["view-clients", "manage-clients"]));
        assert!(!caller.may(&realm("a"), &["manage-users"]));
        assert!(!caller.has_any_role_in(&realm("b")));
        assert!(!caller.may_create_realms());
    }

    #[test]
    fn masters_accounts_hold_the_roles_of_the_realms_admin_clients() {
        let caller = Caller::for_tests(realm(MASTER), vec![role("a-realm", "view-clients")]);
        assert!(caller.may(&realm("a"), &["view-clients"]));
        assert!(!caller.has_any_role_in(&realm("b")));
        assert!(!caller.has_any_role_in(&realm(MASTER)) && caller.is_administrator());
        assert!(!caller.may_create_realms());
        // A client of another name, whatever its roles are called, administers nothing.
        let caller = Caller::for_tests(realm(MASTER), vec![role(REALM_MANAGEMENT, "realm-admin")]);
        assert!(!caller.is_administrator());
    }
}
