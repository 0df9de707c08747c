//! `/admin/realms` and `/admin/realms/{realm}`.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, AnyAdmin, Authenticated, ManageRealm, ManageUsers, RealmAdmin, ViewRealm},
    body::JsonBody,
    caller::MASTER,
    error::{Answer, Error},
    query::Query,
    realm_creation::{catch_up_keys, catch_up_roles, create_realm},
    representation::{
        RealmRepresentation, check_realm_name, default_role_name, show_identity_provider, show_realm,
        show_realm_briefly, show_realm_stub,
    },
};
use crate::{App, Services, limits};
use axum::{Router, routing::get, routing::post};
use latchkey_api::{
    common::v1::AdminEvent,
    error::Kind,
    registry::v1::{
        DeleteRealmRequest, GetRealmRequest, ListIdentityProvidersRequest, ListRealmsRequest, Realm,
        UpdateRealmRequest, get_realm_request::Key,
    },
    roles::v1::{GetRoleRequest, Role, RoleKey},
    session::v1::{EndAllRequest, RevokeTokenRequest},
};
use latchkey_platform::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tonic::Request;

/// How often a change is merged anew when somebody else was quicker.
pub(crate) const MERGES: usize = 8;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms", get(list).post(create))
        .route("/admin/realms/", get(list).post(create))
        .route("/admin/realms/{realm}", get(show).put(update).delete(delete))
        .route("/admin/realms/{realm}/logout-all", post(logout_all))
}

/// The realms that the caller may see; 403 where there is none.
async fn list(who: Authenticated, query: Query) -> Answer {
    let brief = query.flag("briefRepresentation").unwrap_or(false);
    let realms =
        who.app.services.registry.list_realms(Request::new(ListRealmsRequest {})).await?.into_inner();
    let mut shown = Vec::new();
    for realm in realms.realms.iter().filter(|realm| who.caller.has_any_role_in(realm)) {
        shown.push(match who.caller.may(realm, &["view-realm", "manage-realm"]) {
            true if brief => show_realm_briefly(realm),
            true => show_whole(&who.app.services, realm).await?,
            false => json!({ "realm": realm.name }),
        });
    }
    if shown.is_empty() && !who.caller.is_administrator() {
        return Err(Error::Forbidden);
    }
    json(&shown)
}

async fn create(who: Authenticated, body: Result<JsonBody, Error>) -> Answer {
    if !who.caller.may_create_realms() {
        return Err(Error::Forbidden);
    }
    let representation: RealmRepresentation = body?.read().map_err(|_| Error::UnreadableRealm)?;
    let services = &who.app.services;
    let maker = who.caller.user_id.as_str();
    let realm = create_realm(services, &representation, Some(maker)).await?;
    created(&who.app, &who.context, &[&realm.name])
}

/// The whole realm for those who may view it, a stub for other administrators.
async fn show(admin: AnyAdmin) -> Answer {
    if admin.may::<ViewRealm>() {
        json(&show_whole(admin.services(), &admin.realm).await?)
    } else {
        json(&show_realm_stub(&admin.realm))
    }
}

pub(super) async fn show_whole(services: &Services, realm: &Realm) -> Result<Value, Error> {
    let providers = ListIdentityProvidersRequest { realm_id: realm.id.clone() };
    let (default_role, providers) = futures::join!(
        default_role(services, realm),
        services.registry.list_identity_providers(Request::new(providers)),
    );
    let mut shown = show_realm(realm, default_role?.as_ref());
    let providers = providers?.into_inner().identity_providers;
    shown["identityProviders"] = providers.iter().map(show_identity_provider).collect();
    Ok(shown)
}

/// The role that every new account of the realm gets.
pub(crate) async fn default_role(services: &Services, realm: &Realm) -> Result<Option<Role>, Error> {
    let role = RoleKey { name: default_role_name(realm), ..RoleKey::default() };
    let request = GetRoleRequest { realm_id: realm.id.clone(), role: Some(role) };
    match services.roles.get_role(Request::new(request)).await.map_err(Error::from) {
        Ok(answer) => Ok(answer.into_inner().role),
        Err(Error::RoleNotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

async fn update(admin: Admin<ManageRealm>, body: JsonBody) -> Answer {
    let representation: RealmRepresentation = body.read()?;
    if let Some(name) = &representation.realm {
        if name.is_empty() {
            return Err(Error::RealmNameMissing);
        }
        check_realm_name(name).map_err(Error::RealmNameCharacter)?;
    }
    let event = admin.event("UPDATE", "REALM", "", Some(show_realm(&admin.realm, None)));
    change(&admin, event, |realm| representation.apply(realm)).await?;
    Ok(no_content())
}

/// Reads, changes and writes the realm of the request, anew when somebody else was quicker.
pub(crate) async fn change(
    admin: &RealmAdmin,
    event: Option<AdminEvent>,
    merge: impl Fn(&mut Realm),
) -> Result<(), Error> {
    let services = admin.services();
    for _ in 0..MERGES {
        let request = GetRealmRequest { key: Some(Key::Id(admin.realm_id())) };
        let stored = services.registry.get_realm(Request::new(request)).await?.into_inner().realm;
        let stored = stored.ok_or(Error::IncompleteAnswer("a realm"))?;
        let mut realm = stored.clone();
        merge(&mut realm);
        limits::check(&realm.attributes).map_err(Error::Invalid)?;
        let renamed = realm.name != stored.name;
        let request = UpdateRealmRequest { realm: Some(realm), admin_event: event.clone() };
        match services.registry.update_realm(Request::new(request)).await {
            Ok(answer) if renamed => return catch_up_roles(services, answer.into_inner().revision).await,
            Ok(_) => return Ok(()),
            Err(status) if Kind::of(&status) == Kind::Aborted => {}
            Err(status) => {
                return Err(match Kind::of(&status) {
                    Kind::Conflict => Error::RealmNameTaken,
                    _ => status.into(),
                });
            }
        }
    }
    Err(Error::Contended("the realm"))
}

async fn delete(admin: Admin<ManageRealm>) -> Answer {
    if admin.realm.name == MASTER {
        return Err(Error::Invalid("Can't remove realm 'master'".to_owned()));
    }
    let event = admin.event("DELETE", "REALM", "", None);
    delete_realm(admin.services(), &admin.realm.id, event).await?;
    Ok(no_content())
}

/// Takes a realm away, with all that other services hold for it.
async fn delete_realm(services: &Services, realm_id: &str, event: Option<AdminEvent>) -> Result<(), Error> {
    let request = DeleteRealmRequest { realm_id: realm_id.to_owned(), admin_event: event };
    let revision = services.registry.delete_realm(Request::new(request)).await?.into_inner().revision;
    let sessions = EndAllRequest { realm_id: realm_id.to_owned(), ..EndAllRequest::default() };
    let (roles, keys, sessions) = futures::join!(
        catch_up_roles(services, revision),
        catch_up_keys(services, revision),
        services.sessions.end_all(Request::new(sessions)),
    );
    if let Err(status) = sessions {
        // Nobody can use them without their realm, and they expire.
        tracing::warn!(realm.id = realm_id, cause = %status, "sessions of a deleted realm are left to expire");
    }
    roles.and(keys)
}

/// Ends every session and makes every token that was issued until now stale.
async fn logout_all(admin: Admin<ManageUsers>) -> Answer {
    let now_s = SystemClock.now_s();
    let event = admin.event("ACTION", "REALM", "logout-all", None);
    change(&admin, event, |realm| realm.not_before_s = now_s).await?;
    let request = EndAllRequest { realm_id: admin.realm_id(), online_only: true, ..EndAllRequest::default() };
    let sessions = &admin.services().sessions;
    sessions.end_all(Request::new(request)).await?;
    // Not-before counts in seconds: the caller's own token may be of this one.
    if admin.caller.realm.id == admin.realm.id {
        let request = RevokeTokenRequest {
            realm_id: admin.realm_id(),
            jti: admin.caller.token_jti.clone(),
            expires_at_s: admin.caller.token_expires_at_s,
        };
        sessions.revoke_token(Request::new(request)).await?;
    }
    json(&json!({}))
}
