//! The wire forms of the Admin REST API: what is read from bodies (structs with Keycloak's names) and what is shown (JSON documents
//! made from the contract's messages). Members that Latchkey only stores go to a message's `settings_json` and come back from it.

mod client;
mod client_scope;
mod client_secret;
mod component;
mod credential;
mod event;
mod event_types;
mod federated_identity;
mod identity_provider;
mod initial_access;
mod keys;
mod lenient;
mod protocol_mapper;
mod reading;
mod realm;
mod role;
mod session;
mod settings;
mod user;

pub(crate) use client::{Access, ClientRepresentation, ShownClient, check_client, show_client};
pub(crate) use client_scope::{ClientScopeRepresentation, show_client_scope};
pub(crate) use client_secret::show_client_secret;
pub(crate) use component::{ComponentRepresentation, KEY_PROVIDER_TYPE, show_key_provider};
pub(crate) use credential::CredentialRepresentation;
pub(crate) use event::{show_admin_event, show_login_event};
pub(crate) use federated_identity::{FederatedIdentityRepresentation, show_federated_identity};
pub(crate) use identity_provider::{
    IdentityProviderRepresentation, TestedAssertion, check_alias, show_identity_provider,
    show_identity_provider_briefly, show_tested_assertion,
};
pub(crate) use initial_access::{InitialAccessRepresentation, show_initial_access};
pub(crate) use keys::show_keys;
pub(crate) use protocol_mapper::{ProtocolMapperRepresentation, show_protocol_mapper};
pub(crate) use reading::{Representation, parse, parse_list, parse_value};
pub(crate) use realm::{
    EventsConfigRepresentation, RealmRepresentation, check_realm_name, default_role_name,
    remember_default_role, show_events_config, show_realm, show_realm_briefly, show_realm_stub,
};
pub(crate) use role::{RoleRepresentation, show_role};
pub(crate) use session::{show_session, show_session_stats};
pub(crate) use settings::{hidden_setting, set_hidden_setting};
pub(crate) use user::{UserRepresentation, check_profile, show_user, show_user_briefly};

use serde_json::Value;

/// What stands for a secret in events and exports.
pub(crate) const MASK: &str = "**********";

/// Members whose text is a secret, wherever they stand.
const SECRET_MEMBERS: &[&str] = &[
    "secret",
    "value",
    "secretData",
    "privateKey",
    "registrationAccessToken",
    "password",
    "client_secret",
    "clientSecret",
];

/// Masks every secret in a representation that goes into an event.
pub(crate) fn mask_secrets(document: &mut Value) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                if SECRET_MEMBERS.contains(&name.as_str()) && !value.is_object() && !value.is_null() {
                    *value = if value.is_array() { Value::from(vec![MASK]) } else { Value::from(MASK) };
                } else {
                    mask_secrets(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_secrets),
        _ => {}
    }
}
