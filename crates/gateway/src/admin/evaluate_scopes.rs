//! `/admin/realms/{realm}/clients/{id}/evaluate-scopes`: what a client would get for given scopes.

use super::{
    answer::json,
    authorization::{Admin, RealmAdmin, ViewClients, ViewUsers},
    clients::ClientPath,
    error::{Answer, Error},
    query::Query,
    representation::show_role,
};
use crate::{App, address::base_url, oidc::session_lifetime::access_token_lifespan};
use axum::{Router, extract::Path, routing::get};
use bytes::Bytes;
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{
        ClientMapping, ClientScope, GetUserRequest, ListRoleMappingsRequest, ListRolesRequest,
        ProtocolMapper, Resolution, ResolveRefusal, ResolveRequest, Role, RoleHolder, get_user_request,
        resolve_refusal::Reason, resolve_request::Account, resolve_response::Outcome,
    },
};
use latchkey_platform::{
    clock::{Clock as _, SystemClock},
    random,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tonic::Request;

const OPENID: &str = "openid";
/// As long as Keycloak's session ids.
const SESSION_ID_LENGTH: usize = 24;

/// The client (uuid), and the realm's name or a client (uuid) whose roles are asked for.
#[derive(Deserialize)]
struct ContainerPath {
    id: String,
    container: String,
}

/// The destinations of claims that can be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Example {
    AccessToken,
    IdToken,
    Userinfo,
}

/// A client with the client scopes in use for some `scope`.
struct Evaluation {
    admin: Admin<ViewClients>,
    client: Client,
    mapping: ClientMapping,
    scopes: Vec<ClientScope>,
    /// `scope` without what the client does not have: that is passed over here.
    known: String,
}

pub(super) fn router() -> Router<App> {
    let at = |end: &str| format!("/admin/realms/{{realm}}/clients/{{id}}/evaluate-scopes/{end}");
    Router::new()
        .route(
            &at("generate-example-access-token"),
            get(async |admin, path, query| example(admin, path, query, Example::AccessToken).await),
        )
        .route(
            &at("generate-example-id-token"),
            get(async |admin, path, query| example(admin, path, query, Example::IdToken).await),
        )
        .route(
            &at("generate-example-userinfo"),
            get(async |admin, path, query| example(admin, path, query, Example::Userinfo).await),
        )
        .route(&at("protocol-mappers"), get(protocol_mappers))
        .route(&at("scope-mappings/{container}/granted"), get(granted))
        .route(&at("scope-mappings/{container}/not-granted"), get(not_granted))
}

impl Evaluation {
    async fn of(admin: Admin<ViewClients>, id: &str, query: &Query) -> Result<Self, Error> {
        let client = admin.client(id).await?;
        let mapping = admin.mapping(id).await?;
        let asked: Vec<&str> = query.text("scope").unwrap_or_default().split_ascii_whitespace().collect();
        let has = |list: &[String], name: &str| list.iter().any(|known| known == name);
        let mut scopes = admin.client_scopes().await?;
        scopes.retain(|scope| {
            has(&mapping.default_client_scopes, &scope.name)
                || has(&mapping.optional_client_scopes, &scope.name) && asked.contains(&scope.name.as_str())
        });
        let known = asked.into_iter().filter(|name| {
            *name == OPENID
                || has(&mapping.default_client_scopes, name)
                || has(&mapping.optional_client_scopes, name)
        });
        let known = known.collect::<Vec<_>>().join(" ");
        Ok(Self { client, mapping, scopes, known, admin })
    }

    /// The roles of the realm, or of one of its clients, by whether the client lets them through.
    async fn roles(&self, container: &str, granted: bool) -> Answer {
        let client_uuid = if container == self.admin.realm.name {
            String::new()
        } else {
            match self.admin.client(container).await {
                Ok(client) => client.id,
                Err(Error::ClientNotFound) => return Err(Error::RoleContainerNotFound),
                Err(other) => return Err(other),
            }
        };
        let within = self.within_scope().await?;
        let request =
            ListRolesRequest { realm_id: self.admin.realm_id(), client_uuid, ..ListRolesRequest::default() };
        let roles = self.admin.services().roles.list_roles(Request::new(request)).await?.into_inner().roles;
        let passes = |role: &Role| {
            self.mapping.full_scope_allowed
                || role.client_uuid == self.client.id
                || within.contains(role.id.as_str())
        };
        let shown = roles.iter().filter(|role| passes(role) == granted).map(|role| show_role(role, true));
        json(&shown.collect::<Vec<_>>())
    }

    /// The ids of the roles that are mapped to the client or to a scope in use, with what they contain.
    async fn within_scope(&self) -> Result<BTreeSet<String>, Error> {
        let mut within = BTreeSet::new();
        if self.mapping.full_scope_allowed {
            return Ok(within);
        }
        let own = RoleHolder { client_uuid: self.client.id.clone(), ..RoleHolder::default() };
        let of_scopes = self
            .scopes
            .iter()
            .map(|scope| RoleHolder { client_scope_id: scope.id.clone(), ..RoleHolder::default() });
        for holder in std::iter::once(own).chain(of_scopes) {
            let request = ListRoleMappingsRequest {
                realm_id: self.admin.realm_id(),
                holder: Some(holder),
                effective: true,
            };
            let answer = self.admin.services().roles.list_role_mappings(Request::new(request)).await?;
            within.extend(answer.into_inner().roles.into_iter().map(|role| role.id));
        }
        Ok(within)
    }

    async fn resolve(&self, user_id: String, example: Example) -> Result<Resolution, Error> {
        let request = ResolveRequest {
            realm_id: self.admin.realm_id(),
            client_uuid: self.client.id.clone(),
            account: Some(Account::UserId(user_id)),
            scope: Some(self.known.clone()).filter(|scope| !scope.is_empty()),
            web_origins: self.client.web_origins.clone(),
            access_token: example == Example::AccessToken,
            id_token: example == Example::IdToken,
            userinfo: example == Example::Userinfo,
            session: true,
            ..ResolveRequest::default()
        };
        match self.admin.services().roles.resolve(Request::new(request)).await?.into_inner().outcome {
            Some(Outcome::Resolution(resolution)) => Ok(resolution),
            Some(Outcome::Refusal(refusal)) => Err(refused(&refusal)),
            None => Err(Error::IncompleteAnswer("an outcome of role resolution")),
        }
    }

    /// The claims that the issuer would add.
    fn issued(&self, claims: &mut Map<String, Value>, kind: &str) {
        let now_s = SystemClock.now_s();
        let lifetime_s = access_token_lifespan(&self.admin.realm, &self.client, 0);
        let issuer = base_url::issuer(&self.admin.app.config, &self.admin.context, &self.admin.realm);
        for (name, value) in [
            ("exp", Value::from(now_s.saturating_add(lifetime_s))),
            ("iat", Value::from(now_s)),
            ("jti", Value::from(random::uuid())),
            ("iss", Value::from(issuer)),
            ("typ", Value::from(kind)),
            ("azp", Value::from(self.client.client_id.as_str())),
            ("sid", Value::from(random::alphanumeric(SESSION_ID_LENGTH))),
        ] {
            claims.insert(name.to_owned(), value);
        }
    }
}

async fn example(
    admin: Admin<ViewClients>,
    Path(path): Path<ClientPath>,
    query: Query,
    example: Example,
) -> Answer {
    let evaluation = Evaluation::of(admin, &path.id, &query).await?;
    let user_id = query.text("userId").filter(|id| !id.is_empty()).ok_or(Error::NoUserId)?;
    check_user(&evaluation.admin, &evaluation.client, user_id).await?;
    let resolution = evaluation.resolve(user_id.to_owned(), example).await?;
    let mut claims = match example {
        Example::AccessToken => object(&resolution.access_token_claims)?,
        Example::IdToken => object(&resolution.id_token_claims)?,
        Example::Userinfo => object(&resolution.userinfo_claims)?,
    };
    match example {
        Example::AccessToken => {
            evaluation.issued(&mut claims, "Bearer");
            claims.insert("scope".to_owned(), Value::from(resolution.scope));
        }
        Example::IdToken => evaluation.issued(&mut claims, "ID"),
        Example::Userinfo => {}
    }
    json(&claims)
}

/// The user must be there. Whoever may not see users is shown no more of them than the client's own service account.
async fn check_user(admin: &RealmAdmin, client: &Client, user_id: &str) -> Result<(), Error> {
    let key = Some(get_user_request::Key::Id(user_id.to_owned()));
    let request = GetUserRequest { realm_id: admin.realm_id(), key };
    match admin.services().roles.get_user(Request::new(request)).await.map_err(Error::from) {
        Ok(answer) => {
            let user = answer.into_inner().user.ok_or(Error::IncompleteAnswer("a user"))?;
            if user.service_account_client_uuid == client.id { Ok(()) } else { admin.require::<ViewUsers>() }
        }
        Err(Error::UserNotFound) => Err(Error::NoUserFound),
        Err(other) => Err(other),
    }
}

fn refused(refusal: &ResolveRefusal) -> Error {
    match refusal.reason() {
        Reason::ClientNotFound => Error::ClientNotFound,
        Reason::AccountNotFound => Error::NoUserFound,
        Reason::AccountDisabled => Error::Invalid("User is disabled".to_owned()),
        Reason::InvalidScope => Error::Invalid("Invalid scopes".to_owned()),
        Reason::AudienceNotAvailable | Reason::Unspecified => {
            Error::IncompleteAnswer("the reason of a refusal")
        }
    }
}

fn object(claims: &Bytes) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(claims).map_err(|_| Error::IncompleteAnswer("claims that are a JSON object"))
}

/// The mappers of the scopes in use and of the client itself.
async fn protocol_mappers(admin: Admin<ViewClients>, Path(path): Path<ClientPath>, query: Query) -> Answer {
    let evaluation = Evaluation::of(admin, &path.id, &query).await?;
    let show = |mapper: &ProtocolMapper, id: &str, name: &str, kind: &str| {
        json!({
            "mapperId": mapper.id,
            "mapperName": mapper.name,
            "containerId": id,
            "containerName": name,
            "containerType": kind,
            "protocolMapper": mapper.protocol_mapper,
        })
    };
    let mut shown = Vec::new();
    for scope in evaluation.scopes.iter().filter(|scope| scope.protocol == evaluation.client.protocol) {
        let of_scope = scope.protocol_mappers.iter();
        shown.extend(of_scope.map(|mapper| show(mapper, &scope.id, &scope.name, "client-scope")));
    }
    let own = evaluation.mapping.protocol_mappers.iter();
    shown.extend(own.map(|mapper| show(mapper, &evaluation.client.id, "", "client")));
    json(&shown)
}

async fn granted(admin: Admin<ViewClients>, Path(path): Path<ContainerPath>, query: Query) -> Answer {
    Evaluation::of(admin, &path.id, &query).await?.roles(&path.container, true).await
}

async fn not_granted(admin: Admin<ViewClients>, Path(path): Path<ContainerPath>, query: Query) -> Answer {
    Evaluation::of(admin, &path.id, &query).await?.roles(&path.container, false).await
}
