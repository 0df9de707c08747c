//! `/admin/realms/{realm}/users` and what hangs on one user.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, ManageUsers, QueryUsers, RealmAdmin, ViewUsers},
    body::JsonBody,
    error::{Answer, Error, FieldFault},
    query::Query,
    representation::{
        CredentialRepresentation, UserRepresentation, check_profile, show_user, show_user_briefly,
    },
    user_profile::keep_attributes_of_profile,
};
use crate::App;
use axum::{
    Router,
    extract::Path,
    routing::{get, put},
};
use latchkey_api::roles::v1::{
    CreateUserRequest, DeleteUserRequest, GetUserRequest, ListUsersRequest, ListUsersResponse,
    SetPasswordRequest, UpdateUserRequest, User, get_user_request::Key,
};
use latchkey_platform::random;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Request;

/// The required action behind a temporary password.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";
/// How many users a list answers where nothing is said.
const DEFAULT_MAX: u32 = 100;

/// The user (uuid) that a path names.
#[derive(Deserialize)]
pub(super) struct UserPath {
    pub(super) user: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/users", get(list).post(create))
        .route("/admin/realms/{realm}/users/count", get(count))
        .route("/admin/realms/{realm}/users/{user}", get(show).put(update).delete(delete))
        .route("/admin/realms/{realm}/users/{user}/reset-password", put(reset_password))
        .route("/admin/realms/{realm}/users/{user}/credentials", get(credentials))
        .route("/admin/realms/{realm}/users/{user}/groups", get(nothing))
        .route("/admin/realms/{realm}/users/{user}/consents", get(nothing))
}

impl RealmAdmin {
    /// The user that a path names.
    pub(super) async fn user(&self, id: &str) -> Result<User, Error> {
        let request = GetUserRequest { realm_id: self.realm_id(), key: Some(Key::Id(id.to_owned())) };
        let answer = self.services().roles.get_user(Request::new(request)).await?.into_inner();
        answer.user.ok_or(Error::IncompleteAnswer("a user"))
    }

    async fn find_users(&self, query: &Query, count_only: bool) -> Result<ListUsersResponse, Error> {
        let text = |name: &str| query.text(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let mut page = query.page()?;
        page.max = page.max.or((!count_only).then_some(DEFAULT_MAX));
        let request = ListUsersRequest {
            realm_id: self.realm_id(),
            username: text("username"),
            email: text("email"),
            first_name: text("firstName"),
            last_name: text("lastName"),
            exact: query.flag("exact").unwrap_or(false),
            search: text("search"),
            enabled: query.flag("enabled"),
            email_verified: query.flag("emailVerified"),
            service_accounts: false,
            page: Some(page),
            count_only,
        };
        Ok(self.services().roles.list_users(Request::new(request)).await?.into_inner())
    }
}

/// The short form of `access`, as lists have it.
pub(super) fn with_access_to_manage(admin: &RealmAdmin, mut shown: Value) -> Value {
    shown["access"] = json!({ "manage": admin.may::<ManageUsers>() });
    shown
}

async fn list(admin: Admin<QueryUsers>, query: Query) -> Answer {
    if !admin.may::<ViewUsers>() || query.page()?.max == Some(0) {
        return json(&json!([]));
    }
    let brief = query.flag("briefRepresentation").unwrap_or(false);
    let users = admin.find_users(&query, false).await?.users;
    let show = |user: &User| {
        with_access_to_manage(&admin, if brief { show_user_briefly(user) } else { show_user(user) })
    };
    json(&users.iter().map(show).collect::<Vec<_>>())
}

async fn count(admin: Admin<QueryUsers>, query: Query) -> Answer {
    json(&admin.find_users(&query, true).await?.count)
}

async fn create(admin: Admin<ManageUsers>, body: JsonBody) -> Answer {
    let representation: UserRepresentation = body.read()?;
    let mut user = User {
        id: representation.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(random::uuid),
        realm_id: admin.realm_id(),
        username: representation.username()?,
        ..User::default()
    };
    representation.apply(&mut user);
    keep_attributes_of_profile(&admin.realm, &mut user);
    check_profile(&user)?;
    let password = representation.credentials.iter().flatten().find_map(|credential| {
        let value = credential.value.as_ref()?;
        Some((value.expose_secret().to_owned(), credential.temporary.unwrap_or(false)))
    });
    if let Some((_, true)) = password {
        require_new_password(&mut user, true);
    }
    let id = user.id.clone();
    let path = format!("users/{id}");
    let request = CreateUserRequest {
        admin_event: admin.event("CREATE", "USER", &path, Some(show_user(&user))),
        user: Some(user),
        password: password.map(|(value, _)| value).unwrap_or_default(),
        without_default_role: false,
    };
    admin.services().roles.create_user(Request::new(request)).await?;
    created(&admin.app, &admin.context, &[&admin.realm.name, "users", &id])
}

async fn show(admin: Admin<ViewUsers>, Path(path): Path<UserPath>) -> Answer {
    let user = admin.user(&path.user).await?;
    let manage = admin.may::<ManageUsers>();
    let mut shown = show_user(&user);
    shown["access"] = json!({
        "view": true,
        "manage": manage,
        "mapRoles": manage,
        "manageGroupMembership": manage,
        "resetPassword": manage,
        "impersonate": admin.caller.may(&admin.realm, &["impersonation"]),
    });
    json(&shown)
}

async fn update(admin: Admin<ManageUsers>, Path(path): Path<UserPath>, body: JsonBody) -> Answer {
    let mut user = admin.user(&path.user).await?;
    let representation: UserRepresentation = body.read()?;
    if representation.username.as_ref().is_some_and(|name| name.trim().to_lowercase() != user.username) {
        let params = vec![json!("username")];
        let fault = FieldFault { field: "username", message: "error-user-attribute-read-only", params };
        return Err(Error::UserProfile(vec![fault]));
    }
    representation.apply(&mut user);
    if user.service_account_client_uuid.is_empty() {
        keep_attributes_of_profile(&admin.realm, &mut user);
        check_profile(&user)?;
    }
    write(&admin, user, "UPDATE").await?;
    Ok(no_content())
}

async fn write(admin: &RealmAdmin, user: User, operation: &'static str) -> Result<(), Error> {
    let path = format!("users/{}", user.id);
    let request = UpdateUserRequest {
        admin_event: admin.event(operation, "USER", &path, Some(show_user(&user))),
        user: Some(user),
    };
    admin.services().roles.update_user(Request::new(request)).await?;
    Ok(())
}

async fn delete(admin: Admin<ManageUsers>, Path(path): Path<UserPath>) -> Answer {
    let user = admin.user(&path.user).await?;
    let request = DeleteUserRequest {
        realm_id: admin.realm_id(),
        admin_event: admin.event("DELETE", "USER", &format!("users/{}", user.id), None),
        id: user.id.clone(),
    };
    admin.services().roles.delete_user(Request::new(request)).await?;
    admin.end_sessions_of_user(&user.id).await?;
    Ok(no_content())
}

async fn reset_password(admin: Admin<ManageUsers>, Path(path): Path<UserPath>, body: JsonBody) -> Answer {
    let mut user = admin.user(&path.user).await?;
    let credential: CredentialRepresentation = body.read()?;
    let is_password = credential.r#type.as_deref().is_none_or(|kind| kind == "password");
    let value =
        credential.value.as_ref().map(|value| value.expose_secret()).filter(|value| !value.is_empty());
    let (true, Some(value)) = (is_password, value) else {
        return Err(Error::Invalid("No password provided".to_owned()));
    };
    let request = SetPasswordRequest {
        realm_id: admin.realm_id(),
        user_id: user.id.clone(),
        password: value.to_owned(),
        admin_event: admin.event("ACTION", "USER", &format!("users/{}/reset-password", user.id), None),
    };
    admin.services().roles.set_password(Request::new(request)).await?;
    if require_new_password(&mut user, credential.temporary.unwrap_or(false)) {
        let request = UpdateUserRequest { user: Some(user), admin_event: None };
        admin.services().roles.update_user(Request::new(request)).await?;
    }
    Ok(no_content())
}

/// Whether the user must choose another password next time; tells if that is new.
fn require_new_password(user: &mut User, required: bool) -> bool {
    let before = user.required_actions.len();
    user.required_actions.retain(|action| action != UPDATE_PASSWORD);
    let was_required = user.required_actions.len() < before;
    if required {
        user.required_actions.push(UPDATE_PASSWORD.to_owned());
    }
    was_required != required
}

/// A user has one password at the most, which goes by the user's own id.
async fn credentials(admin: Admin<ViewUsers>, Path(path): Path<UserPath>) -> Answer {
    let user = admin.user(&path.user).await?;
    if !user.has_password {
        return json(&json!([]));
    }
    json(&json!([{
        "id": user.id,
        "type": "password",
        "createdDate": user.created_ms,
        "credentialData": json!({ "algorithm": "argon2", "additionalParameters": {} }).to_string(),
    }]))
}

/// There are no groups and consents.
async fn nothing(admin: Admin<ViewUsers>, Path(path): Path<UserPath>) -> Answer {
    admin.user(&path.user).await?;
    json(&json!([]))
}
