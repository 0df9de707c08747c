//! `/admin/realms/{realm}/users/profile`: which attributes ordinary users may have.

use super::{
    answer::json,
    authorization::{Admin, AnyAdmin, ManageRealm},
    body::JsonBody,
    error::{Answer, Error},
    realms::change,
    representation::{Representation, hidden_setting, set_hidden_setting},
};
use crate::App;
use axum::{Router, routing::get};
use latchkey_api::{registry::v1::Realm, roles::v1::User};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The setting that holds the profile.
const PROFILE: &str = "userProfile";

/// The profile as a body gives it: kept as it is.
#[derive(Deserialize)]
struct UserProfile(Map<String, Value>);

impl Representation for UserProfile {
    const NAME: &'static str = "UPConfig";
    const STRICT: bool = false;

    fn more(&self) -> &Map<String, Value> {
        &self.0
    }
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/admin/realms/{realm}/users/profile", get(show).put(update))
}

async fn show(admin: AnyAdmin) -> Answer {
    json(&profile(&admin.realm))
}

async fn update(admin: Admin<ManageRealm>, body: JsonBody) -> Answer {
    let UserProfile(profile) = body.read()?;
    if profile.get("attributes").is_some_and(|attributes| !attributes.is_array() && !attributes.is_null()) {
        return Err(Error::MismatchedJson);
    }
    let profile = Value::Object(profile);
    let event = admin.event("UPDATE", "USER_PROFILE", "ui-ext/users/profile", Some(profile.clone()));
    change(&admin, event, |realm| {
        set_hidden_setting(&mut realm.settings_json, PROFILE, profile.clone());
    })
    .await?;
    json(&profile)
}

fn profile(realm: &Realm) -> Value {
    hidden_setting(&realm.settings_json, PROFILE).unwrap_or_else(default_profile)
}

/// Drops an ordinary user's attributes that the profile does not name, unless it lets unmanaged ones be.
pub(super) fn keep_attributes_of_profile(realm: &Realm, user: &mut User) {
    if user.attributes.is_empty() {
        return;
    }
    let profile = profile(realm);
    let policy = profile["unmanagedAttributePolicy"].as_str().unwrap_or_default();
    if ["ENABLED", "ADMIN_EDIT"].contains(&policy) {
        return;
    }
    let named = |name: &str| {
        profile["attributes"].as_array().is_some_and(|known| known.iter().any(|known| known["name"] == name))
    };
    user.attributes.retain(|name, _| named(name));
}

/// Keycloak's: username, email and the two names.
fn default_profile() -> Value {
    let attribute = |name: &str, validations: Value, required: Value| {
        let mut attribute = json!({
            "name": name,
            "displayName": format!("${{{name}}}"),
            "validations": validations,
            "permissions": { "view": ["admin", "user"], "edit": ["admin", "user"] },
            "multivalued": false,
        });
        if !required.is_null() {
            attribute["required"] = required;
        }
        attribute
    };
    let of_user = json!({ "roles": ["user"] });
    let name = json!({ "length": { "max": 255 }, "person-name-prohibited-characters": {} });
    json!({
        "attributes": [
            attribute(
                "username",
                json!({
                    "length": { "min": 3, "max": 255 },
                    "username-prohibited-characters": {},
                    "up-username-not-idn-homograph": {},
                }),
                Value::Null,
            ),
            attribute("email", json!({ "email": {}, "length": { "max": 255 } }), of_user.clone()),
            attribute("firstName", name.clone(), of_user.clone()),
            attribute("lastName", name, of_user),
        ],
        "groups": [{
            "name": "user-metadata",
            "displayHeader": "User metadata",
            "displayDescription": "Attributes, which refer to user metadata",
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_api::roles::v1::StringList;

    #[test]
    fn unmanaged_attributes_go_unless_they_are_let_be() {
        let attributes = || [("team".to_owned(), StringList { values: vec!["blue".to_owned()] })].into();
        let mut realm = Realm::default();
        let mut user = User { attributes: attributes(), ..User::default() };
        keep_attributes_of_profile(&realm, &mut user);
        assert!(user.attributes.is_empty());
        user.attributes = attributes();
        let enabled = json!({ "unmanagedAttributePolicy": "ENABLED" });
        set_hidden_setting(&mut realm.settings_json, PROFILE, enabled);
        keep_attributes_of_profile(&realm, &mut user);
        assert_eq!(user.attributes.len(), 1);
    }
}
