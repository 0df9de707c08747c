//! `/admin/realms/{realm}/identity-provider`: the outside issuers that a realm trusts.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, ManageIdentityProviders, RealmAdmin, ViewIdentityProviders},
    body::JsonBody,
    error::{Answer, Error},
    query::Query,
    realm_creation::catch_up_roles,
    realms::MERGES,
    representation::{
        IdentityProviderRepresentation, TestedAssertion, check_alias, show_identity_provider,
        show_identity_provider_briefly, show_tested_assertion,
    },
};
use crate::{App, oidc::authenticate::assertion_audiences};
use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use latchkey_api::{
    common::v1::AdminEvent,
    error::{Kind, reason},
    registry::v1::{
        CreateIdentityProviderRequest, DeleteIdentityProviderRequest, GetIdentityProviderRequest,
        IdentityProvider, ListIdentityProvidersRequest, TestAssertionRequest, UpdateIdentityProviderRequest,
    },
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json as object;
use tonic::Request;

/// How many a list answers where nothing is said.
const DEFAULT_MAX: usize = 100;

/// The identity provider that a path names.
#[derive(Deserialize)]
struct ProviderPath {
    alias: String,
}

/// The kind of identity provider that a path names.
#[derive(Deserialize)]
struct KindPath {
    kind: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/identity-provider/instances", get(list).post(create))
        .route(
            "/admin/realms/{realm}/identity-provider/instances/{alias}",
            get(show).put(update).delete(delete),
        )
        .route("/admin/realms/{realm}/identity-provider/instances/{alias}/mappers", get(mappers))
        .route(
            "/admin/realms/{realm}/identity-provider/instances/{alias}/test-assertion",
            post(test_assertion),
        )
        .route("/admin/realms/{realm}/identity-provider/providers/{kind}", get(kind))
}

impl RealmAdmin {
    /// The realm's identity providers, in the order of their aliases.
    pub(super) async fn identity_providers(&self) -> Result<Vec<IdentityProvider>, Error> {
        let request = ListIdentityProvidersRequest { realm_id: self.realm_id() };
        let answer = self.services().registry.list_identity_providers(Request::new(request)).await?;
        Ok(answer.into_inner().identity_providers)
    }

    async fn identity_provider(&self, alias: &str) -> Result<IdentityProvider, Error> {
        let request = GetIdentityProviderRequest { realm_id: self.realm_id(), alias: alias.to_owned() };
        let answer = self.services().registry.get_identity_provider(Request::new(request)).await?;
        answer.into_inner().identity_provider.ok_or(Error::IncompleteAnswer("an identity provider"))
    }
}

async fn list(admin: Admin<ViewIdentityProviders>, query: Query) -> Answer {
    let page = query.page()?;
    let search = query.text("search").unwrap_or_default();
    let brief = query.flag("briefRepresentation").unwrap_or(false);
    let providers = admin.identity_providers().await?;
    let max = page.max.map_or(DEFAULT_MAX, |max| max as usize);
    let listed = providers.iter().filter(|provider| is_found(&provider.alias, search));
    let listed = listed.skip(page.first as usize).take(max);
    let show = if brief { show_identity_provider_briefly } else { show_identity_provider };
    json(&listed.map(show).collect::<Vec<_>>())
}

/// Keycloak's search: the beginning, with `*` for anything; or all of it in quotes. The case of letters does not count.
fn is_found(alias: &str, search: &str) -> bool {
    let (alias, search) = (alias.to_lowercase(), search.to_lowercase());
    if let Some(exact) = search.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return alias == exact;
    }
    let mut rest = alias.as_str();
    for (index, part) in search.split('*').enumerate() {
        let position = if index == 0 { rest.starts_with(part).then_some(0) } else { rest.find(part) };
        let Some(position) = position else { return false };
        rest = &rest[position + part.len()..];
    }
    true
}

async fn create(admin: Admin<ManageIdentityProviders>, body: JsonBody) -> Answer {
    let representation: IdentityProviderRepresentation = body.read()?;
    let alias = representation.alias.clone().filter(|alias| !alias.is_empty());
    let alias = alias.ok_or_else(|| Error::Invalid("path is null".to_owned()))?;
    check_alias(&alias)?;
    let (mut provider, client_secret) = representation.message(admin.realm_id());
    if provider.id.is_empty() {
        provider.id = random::uuid();
    }
    let request = CreateIdentityProviderRequest {
        admin_event: event(&admin, "CREATE", &provider),
        identity_provider: Some(provider),
        client_secret,
    };
    match admin.services().registry.create_identity_provider(Request::new(request)).await {
        Ok(_) => {}
        Err(status) if reason(&status).as_deref() == Some("IDENTITY_PROVIDER_EXISTS") => {
            return Err(Error::IdentityProviderExists(alias));
        }
        Err(status) => return Err(status.into()),
    }
    created(&admin.app, &admin.context, &[&admin.realm.name, "identity-provider", "instances", &alias])
}

async fn show(admin: Admin<ViewIdentityProviders>, Path(path): Path<ProviderPath>) -> Answer {
    json(&show_identity_provider(&admin.identity_provider(&path.alias).await?))
}

/// Replaces it: what the body leaves out is gone, the alias excepted.
async fn update(
    admin: Admin<ManageIdentityProviders>,
    Path(path): Path<ProviderPath>,
    body: JsonBody,
) -> Answer {
    let representation: IdentityProviderRepresentation = body.read()?;
    let renames = representation.alias.as_ref().is_some_and(|alias| *alias != path.alias);
    let (given, client_secret) = representation.message(admin.realm_id());
    // Anew when somebody else was quicker: the last one wins, as it does where nobody is.
    for _ in 0..MERGES {
        let stored = admin.identity_provider(&path.alias).await?;
        if renames {
            return Err(Error::Invalid("Identity Provider alias cannot be changed".to_owned()));
        }
        let provider = IdentityProvider {
            id: stored.id,
            alias: stored.alias,
            version: stored.version,
            has_client_secret: given.has_client_secret && stored.has_client_secret,
            ..given.clone()
        };
        let request = UpdateIdentityProviderRequest {
            admin_event: event(&admin, "UPDATE", &provider),
            identity_provider: Some(provider),
            client_secret: client_secret.clone(),
        };
        match admin.services().registry.update_identity_provider(Request::new(request)).await {
            Ok(_) => return Ok(no_content()),
            Err(status) if Kind::of(&status) == Kind::Aborted => {}
            Err(status) => return Err(status.into()),
        }
    }
    Err(Error::Contended("the identity provider"))
}

/// The links of users to it go with it.
async fn delete(admin: Admin<ManageIdentityProviders>, Path(path): Path<ProviderPath>) -> Answer {
    let provider = admin.identity_provider(&path.alias).await?;
    let request = DeleteIdentityProviderRequest {
        realm_id: admin.realm_id(),
        admin_event: admin.event("DELETE", "IDENTITY_PROVIDER", &resource_path(&provider), None),
        alias: provider.alias,
    };
    let answer = admin.services().registry.delete_identity_provider(Request::new(request)).await?;
    catch_up_roles(admin.services(), answer.into_inner().revision).await?;
    Ok(no_content())
}

/// Nothing is mapped from assertions to users.
async fn mappers(admin: Admin<ViewIdentityProviders>, Path(path): Path<ProviderPath>) -> Answer {
    admin.identity_provider(&path.alias).await?;
    json(&object!([]))
}

/// The dry run: whether an assertion would authenticate a client, and why (not). Not in Keycloak.
async fn test_assertion(
    admin: Admin<ManageIdentityProviders>,
    Path(path): Path<ProviderPath>,
    body: JsonBody,
) -> Answer {
    let tested: TestedAssertion = body.read()?;
    let request = TestAssertionRequest {
        realm_id: admin.realm_id(),
        alias: path.alias,
        assertion: tested.assertion.expose_secret().to_owned(),
        assertion_audiences: assertion_audiences(&admin.app, &admin.context, &admin.realm),
    };
    let answer = admin.services().registry.test_assertion(Request::new(request)).await?.into_inner();
    json(&show_tested_assertion(&answer))
}

/// What tools ask before they make one.
async fn kind(_: Admin<ViewIdentityProviders>, Path(path): Path<KindPath>) -> Answer {
    let name = match path.kind.as_str() {
        "oidc" => "OpenID Connect v1.0",
        "keycloak-oidc" => "Keycloak OpenID Connect",
        "kubernetes" => "Kubernetes",
        "spiffe" => "SPIFFE",
        "jwt-authorization-grant" => "JWT Authorization Grant",
        _ => return Err(Error::BadRequest),
    };
    json(&object!({ "id": path.kind, "name": name }))
}

fn event(admin: &RealmAdmin, operation: &'static str, provider: &IdentityProvider) -> Option<AdminEvent> {
    let shown = show_identity_provider_briefly(provider);
    admin.event(operation, "IDENTITY_PROVIDER", &resource_path(provider), Some(shown))
}

fn resource_path(provider: &IdentityProvider) -> String {
    format!("identity-provider/instances/{}", provider.alias)
}

#[cfg(test)]
mod tests {
    use super::is_found;

    #[test]
    fn a_search_is_a_beginning_a_pattern_or_a_whole() {
        for (search, expected) in [
            ("", true),
            ("xab", true),
            ("XAB", true),
            ("abb", false),
            ("*abb*", true),
            ("*bbc", true),
            ("x*x", true),
            ("x*y", false),
            ("\"xabbcx\"", true),
            ("\"xabbc\"", false),
        ] {
            assert_eq!(is_found("xabbcx", search), expected, "{search}");
        }
    }
}
