//! Proof that a caller may do what a handler does: an extractor with the permission as its type. A handler that takes
//! `Admin<ManageClients>` can't be reached without it.

use super::{
    caller::{Caller, find_realm},
    error::Error,
    representation::mask_secrets,
};
use crate::{App, Services, request_context::RequestContext};
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use latchkey_api::{common::v1::AdminEvent, registry::v1::Realm};
use serde_json::Value;
use std::{marker::PhantomData, ops::Deref};

/// Something one may do in a realm.
pub(crate) trait Permission: Send + Sync {
    /// The admin roles of which one is enough.
    const ANY_OF: &'static [&'static str];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($role:literal)|+;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Permission for $name {
            const ANY_OF: &'static [&'static str] = &[$($role),+];
        }
    )*};
}

permissions! {
    /// Sees clients, their roles and secrets, and client scopes.
    ViewClients: "view-clients" | "manage-clients";
    /// Lists clients and client scopes, without seeing a client.
    QueryClients: "query-clients" | "view-clients" | "manage-clients";
    /// Makes and changes them.
    ManageClients: "manage-clients";
    /// Sees the realm, its roles, keys and components.
    ViewRealm: "view-realm" | "manage-realm";
    /// Changes them.
    ManageRealm: "manage-realm";
    /// Sees users and what they hold.
    ViewUsers: "view-users" | "manage-users";
    /// Lists and counts users, without seeing one.
    QueryUsers: "query-users" | "view-users" | "manage-users";
    /// Makes and changes them.
    ManageUsers: "manage-users";
    /// Sees identity providers.
    ViewIdentityProviders: "view-identity-providers" | "manage-identity-providers";
    /// Makes and changes them, and tries assertions of theirs.
    ManageIdentityProviders: "manage-identity-providers";
    /// Sees events and which ones are kept.
    ViewEvents: "view-events" | "manage-events";
    /// Clears them and chooses.
    ManageEvents: "manage-events";
}

/// An administrator at work in a realm.
pub(crate) struct RealmAdmin {
    pub(crate) app: App,
    pub(crate) realm: Realm,
    pub(crate) caller: Caller,
    pub(crate) context: RequestContext,
}

/// A caller who has the permission `P` in the realm of the path.
pub(crate) struct Admin<P>(RealmAdmin, PhantomData<P>);

/// A caller with any admin role of the realm or, from master, of any realm.
pub(crate) struct AnyAdmin(RealmAdmin);

impl<P> Deref for Admin<P> {
    type Target = RealmAdmin;

    fn deref(&self) -> &RealmAdmin {
        &self.0
    }
}

impl Deref for AnyAdmin {
    type Target = RealmAdmin;

    fn deref(&self) -> &RealmAdmin {
        &self.0
    }
}

impl FromRequestParts<App> for RealmAdmin {
    type Rejection = Error;

    /// Who calls, and which realm the path names: 401 comes before 404, 404 before 403. It proves no permission yet.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Ok(context) = RequestContext::from_request_parts(parts, app).await;
        let caller =
            Caller::authenticate(app, &parts.headers, &context, Some((&parts.method, parts.uri.path())))
                .await?;
        let path = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Error::PathNotFound)?;
        let name = path.iter().find(|(name, _)| *name == "realm").map(|(_, value)| value.to_owned());
        let realm = find_realm(app, &name.ok_or(Error::RealmNotFound)?).await?;
        Ok(Self { app: app.clone(), realm, caller, context })
    }
}

impl RealmAdmin {
    pub(crate) fn services(&self) -> &Services {
        &self.app.services
    }

    pub(crate) fn realm_id(&self) -> String {
        self.realm.id.clone()
    }

    /// Whether the caller holds one of these admin roles of the realm.
    pub(crate) fn may<P: Permission>(&self) -> bool {
        self.caller.may(&self.realm, P::ANY_OF)
    }

    /// Refuses a caller who does not.
    pub(crate) fn require<P: Permission>(&self) -> Result<(), Error> {
        if self.may::<P>() { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// The event of what is about to be done, where the realm keeps admin events; the representation only where it keeps details.
    pub(crate) fn event(
        &self,
        operation: &'static str,
        resource_type: &'static str,
        resource_path: &str,
        representation: Option<Value>,
    ) -> Option<AdminEvent> {
        if !self.realm.admin_events_enabled {
            return None;
        }
        let details = representation.filter(|_| self.realm.admin_events_details_enabled);
        Some(AdminEvent {
            auth_realm_id: self.caller.realm.id.clone(),
            auth_client_id: self.caller.client_uuid.clone(),
            auth_user_id: self.caller.user_id.clone(),
            ip_address: self.context.client_address().to_owned(),
            operation_type: operation.to_owned(),
            resource_type: resource_type.to_owned(),
            resource_path: resource_path.to_owned(),
            representation_json: details
                .map(|mut document| {
                    mask_secrets(&mut document);
                    document.to_string()
                })
                .unwrap_or_default(),
            request_id: self.context.id().to_owned(),
        })
    }
}

impl<P: Permission> FromRequestParts<App> for Admin<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let admin = RealmAdmin::from_request_parts(parts, app).await?;
        admin.require::<P>()?;
        Ok(Self(admin, PhantomData))
    }
}

impl FromRequestParts<App> for AnyAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let admin = RealmAdmin::from_request_parts(parts, app).await?;
        let may = admin.caller.has_any_role_in(&admin.realm)
            || admin.caller.is_of_master() && admin.caller.is_administrator();
        if may { Ok(Self(admin)) } else { Err(Error::Forbidden) }
    }
}

/// A caller with a good token, before any realm is named.
pub(crate) struct Authenticated {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    pub(crate) context: RequestContext,
}

impl FromRequestParts<App> for Authenticated {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Ok(context) = RequestContext::from_request_parts(parts, app).await;
        let caller =
            Caller::authenticate(app, &parts.headers, &context, Some((&parts.method, parts.uri.path())))
                .await?;
        Ok(Self { app: app.clone(), caller, context })
    }
}
