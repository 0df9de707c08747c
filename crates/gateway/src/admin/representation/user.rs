//! UserRepresentation.

use super::{CredentialRepresentation, Representation, lenient};
use crate::admin::error::{Error, FieldFault};
use latchkey_api::roles::v1::{StringList, User};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The longest value that the user profile accepts.
const LONGEST: usize = 255;
/// The shortest username that it accepts.
const SHORTEST_USERNAME: usize = 3;

/// A user as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UserRepresentation {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) username: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) email: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) first_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) last_name: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) email_verified: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) not_before: Option<i64>,
    #[serde(deserialize_with = "lenient::text_lists")]
    pub(crate) attributes: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) required_actions: Option<Vec<String>>,
    pub(crate) credentials: Option<Vec<CredentialRepresentation>>,
    /// Only in imports: role names, and client roles by `clientId`.
    pub(crate) realm_roles: Option<Vec<String>>,
    pub(crate) client_roles: Option<BTreeMap<String, Vec<String>>>,
    /// Only in imports: the `clientId` whose service account it is.
    pub(crate) service_account_client_id: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for UserRepresentation {
    const NAME: &'static str = "UserRepresentation";
    const MORE: &'static [&'static str] = &[
        "self",
        "origin",
        "createdTimestamp",
        "totp",
        "federationLink",
        "disableableCredentialTypes",
        "federatedIdentities",
        "clientConsents",
        "applicationRoles",
        "socialLinks",
        "groups",
        "access",
        "userProfileMetadata",
        "organizations",
        "verifiableCredentials",
    ];

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl UserRepresentation {
    /// Puts what the body gives over a user; attributes, when given, replace all. The username is not touched.
    pub(crate) fn apply(&self, user: &mut User) {
        if let Some(email) = &self.email {
            user.email = email.trim().to_lowercase();
        }
        if let Some(first_name) = &self.first_name {
            user.first_name.clone_from(first_name);
        }
        if let Some(last_name) = &self.last_name {
            user.last_name.clone_from(last_name);
        }
        user.enabled = self.enabled.unwrap_or(user.enabled);
        user.email_verified = self.email_verified.unwrap_or(user.email_verified);
        user.not_before_s = self.not_before.unwrap_or(user.not_before_s);
        if let Some(actions) = &self.required_actions {
            user.required_actions.clone_from(actions);
        }
        if let Some(attributes) = &self.attributes {
            let lists = attributes.iter().filter(|(_, values)| !values.is_empty());
            user.attributes =
                lists.map(|(name, values)| (name.clone(), StringList { values: values.clone() })).collect();
        }
    }

    /// Only in imports: links to identity providers.
    pub(crate) fn federated_identities(&self) -> Option<&Value> {
        self.more.get("federatedIdentities").filter(|value| !value.is_null())
    }

    /// The username as it is stored.
    pub(crate) fn username(&self) -> Result<String, Error> {
        let username = self.username.as_deref().unwrap_or_default().trim().to_lowercase();
        if username.is_empty() {
            Err(Error::Invalid("User name is missing".to_owned()))
        } else {
            Ok(username)
        }
    }
}

/// Checks a user against the default user profile.
pub(crate) fn check_profile(user: &User) -> Result<(), Error> {
    let mut faults = Vec::new();
    let mut length = |field: &'static str, value: &str, shortest: usize| {
        let characters = value.chars().count();
        if characters > LONGEST || characters < shortest {
            let params = vec![json!(field), json!(LONGEST), json!(shortest)];
            faults.push(FieldFault { field, message: "error-invalid-length", params });
        }
    };
    length("username", &user.username, SHORTEST_USERNAME);
    length("email", &user.email, 0);
    length("firstName", &user.first_name, 0);
    length("lastName", &user.last_name, 0);
    if !user.email.is_empty() && !is_email(&user.email) {
        let params = vec![json!("email"), json!(user.email)];
        faults.push(FieldFault { field: "email", message: "error-invalid-email", params });
    }
    if user.username.chars().any(|character| "<>&\"$%!#?§,;:*~/\\|^=[]{}()`\u{0}\t\n\r ".contains(character))
    {
        let params = vec![json!("username"), json!(user.username)];
        faults.push(FieldFault { field: "username", message: "error-username-invalid-character", params });
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::UserProfile(faults)) }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !text.chars().any(char::is_whitespace)
    })
}

/// As Keycloak shows a user; `access` of one who may see it, by whether he may manage it too.
pub(crate) fn show_user(user: &User) -> Value {
    let mut shown = brief(user);
    shown.insert("totp".to_owned(), Value::from(false));
    shown.insert("disableableCredentialTypes".to_owned(), json!([]));
    shown.insert("requiredActions".to_owned(), json!(user.required_actions));
    shown.insert("notBefore".to_owned(), Value::from(user.not_before_s));
    if !user.attributes.is_empty() {
        let lists = user.attributes.iter();
        let lists: Map<_, _> =
            lists.map(|(name, list)| (name.clone(), Value::from(list.values.clone()))).collect();
        shown.insert("attributes".to_owned(), Value::from(lists));
    }
    Value::from(shown)
}

/// As lists with `briefRepresentation=true` show it.
pub(crate) fn show_user_briefly(user: &User) -> Value {
    Value::from(brief(user))
}

fn brief(user: &User) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("id".to_owned(), Value::from(user.id.as_str()));
    shown.insert("username".to_owned(), Value::from(user.username.as_str()));
    for (name, value) in
        [("firstName", &user.first_name), ("lastName", &user.last_name), ("email", &user.email)]
    {
        if !value.is_empty() {
            shown.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    shown.insert("emailVerified".to_owned(), Value::from(user.email_verified));
    shown.insert("enabled".to_owned(), Value::from(user.enabled));
    shown.insert("createdTimestamp".to_owned(), Value::from(user.created_ms));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_body_leaves_the_rest() {
        let mut user = User {
            username: "alice".to_owned(),
            first_name: "A".to_owned(),
            last_name: "L".to_owned(),
            enabled: true,
            ..User::default()
        };
        let body = UserRepresentation { first_name: Some("B".to_owned()), ..UserRepresentation::default() };
        body.apply(&mut user);
        assert_eq!((user.first_name.as_str(), user.last_name.as_str(), user.enabled), ("B", "L", true));
    }

    #[test]
    fn the_profile_names_each_fault() {
        let user = User { username: "x".to_owned(), email: "nonsense".to_owned(), ..User::default() };
        let Err(Error::UserProfile(faults)) = check_profile(&user) else { panic!("accepted") };
        assert_eq!(faults.iter().map(|fault| fault.field).collect::<Vec<_>>(), ["username", "email"]);
        assert!(check_profile(&User { username: "xav".to_owned(), ..User::default() }).is_ok());
    }
}
