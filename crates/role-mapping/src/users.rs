//! Use cases of users.

use latchkey_api::common::v1::Operation;
use latchkey_api::roles::v1::*;
use latchkey_platform::random;
use secrecy::SecretString;

use crate::error::Error;
use crate::service::RoleMappingService;
use crate::service_accounts::{give_scope, user_entry};
use crate::store::role_mappings::Holder;
use crate::store::{clients, credentials, realms, role_mappings, user_search, users};

impl RoleMappingService {
    pub(crate) async fn create_user(
        &self,
        request: CreateUserRequest,
    ) -> Result<(CreateUserResponse, u64), Error> {
        let CreateUserRequest { user, password, without_default_role, admin_event } = request;
        let mut user = normalised(user)?;
        if user.id.is_empty() {
            user.id = random::uuid();
        }
        if user.created_ms == 0 {
            user.created_ms = self.clock.now_ms();
        }
        let is_service_account = !user.service_account_client_uuid.is_empty();
        if is_service_account && !password.is_empty() {
            return Err(Error::ServiceAccountPassword);
        }
        let hash = match password.is_empty() {
            true => None,
            false => Some(self.passwords.hash(SecretString::from(password)).await?),
        };

        let mut tx = self.database.begin().await?;
        let realm = realms::find(&mut tx, &user.realm_id).await?.ok_or(Error::RealmNotFound)?;
        let mut published = true;
        if is_service_account {
            let client = clients::find(&mut tx, &realm.id, &user.service_account_client_uuid).await?;
            published = client.ok_or(Error::ClientNotFound)?.published;
            give_scope(&mut tx, &realm.id, &user.service_account_client_uuid).await?;
        }
        users::insert(&mut tx, &user, published).await?;
        if !without_default_role {
            role_mappings::add(&mut tx, &realm.id, Holder::User(&user.id), &[realm.default_role_id]).await?;
        }
        if let Some(hash) = &hash {
            credentials::set_password(&mut tx, &user.realm_id, &user.id, hash, self.clock.now_ms()).await?;
        }
        user.has_password = hash.is_some();
        let entry = user_entry(&user, Operation::Created).by(admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((CreateUserResponse { user: Some(user) }, revision))
    }

    pub(crate) async fn get_user(&self, request: GetUserRequest) -> Result<GetUserResponse, Error> {
        let mut db = self.database.clone();
        let user = match &request.key {
            Some(get_user_request::Key::Id(id)) => users::find(&mut db, &request.realm_id, id).await?,
            Some(get_user_request::Key::Username(name)) => {
                users::find_by_username(&mut db, &request.realm_id, name).await?
            }
            None => return Err(Error::Invalid { what: "key", reason: "is missing" }),
        };
        Ok(GetUserResponse { user: Some(user.ok_or(Error::UserNotFound)?) })
    }

    /// The users and their number; only the number where only that is asked for.
    pub(crate) async fn list_users(&self, request: ListUsersRequest) -> Result<ListUsersResponse, Error> {
        let mut db = self.database.clone();
        if request.count_only {
            let count = user_search::count(&mut db, &request).await?;
            return Ok(ListUsersResponse { users: Vec::new(), count });
        }
        let users = user_search::list(&mut db, &request).await?;
        let count = match request.page {
            None => users.len() as u64,
            Some(_) => user_search::count(&mut db, &request).await?,
        };
        Ok(ListUsersResponse { users, count })
    }

    pub(crate) async fn update_user(
        &self,
        request: UpdateUserRequest,
    ) -> Result<(UpdateUserResponse, u64), Error> {
        let mut user = normalised(request.user)?;
        let mut tx = self.database.begin().await?;
        let known = users::find_any(&mut tx, &user.realm_id, &user.id).await?.ok_or(Error::UserNotFound)?;
        user.created_ms = known.created_ms;
        user.has_password = known.has_password;
        if !known.service_account_client_uuid.is_empty() {
            // Named after its client, whatever is asked.
            user.username = known.username;
        }
        user.service_account_client_uuid = known.service_account_client_uuid;
        users::update(&mut tx, &user).await?;
        let entry = user_entry(&user, Operation::Updated).by(request.admin_event);
        let revision = self.writer.commit(tx, vec![entry]).await?;
        Ok((UpdateUserResponse { user: Some(user) }, revision))
    }

    pub(crate) async fn delete_user(&self, request: DeleteUserRequest) -> Result<u64, Error> {
        let DeleteUserRequest { realm_id, id, admin_event } = request;
        let mut tx = self.database.begin().await?;
        let user = users::find(&mut tx, &realm_id, &id).await?.ok_or(Error::UserNotFound)?;
        users::delete(&mut tx, &realm_id, &id).await?;
        self.writer.commit(tx, vec![user_entry(&user, Operation::Deleted).by(admin_event)]).await
    }

    pub(crate) async fn set_password(&self, request: SetPasswordRequest) -> Result<u64, Error> {
        let SetPasswordRequest { realm_id, user_id, password, admin_event } = request;
        let hash = self.passwords.hash(SecretString::from(password)).await?;
        let mut tx = self.database.begin().await?;
        let user = users::find(&mut tx, &realm_id, &user_id).await?.ok_or(Error::UserNotFound)?;
        if !user.service_account_client_uuid.is_empty() {
            return Err(Error::ServiceAccountPassword);
        }
        credentials::set_password(&mut tx, &realm_id, &user_id, &hash, self.clock.now_ms()).await?;
        self.writer.commit(tx, vec![user_entry(&user, Operation::Updated).by(admin_event)]).await
    }

    /// Takes the same time whether the user is unknown, has no password, or has another one.
    pub(crate) async fn verify_password(
        &self,
        request: VerifyPasswordRequest,
    ) -> Result<VerifyPasswordResponse, Error> {
        let VerifyPasswordRequest { realm_id, username, password } = request;
        let mut db = self.database.clone();
        let mut user = users::find_by_username(&mut db, &realm_id, &username).await?;
        if user.is_none() {
            user = users::find_by_email(&mut db, &realm_id, &username).await?;
        }
        let id = user.as_ref().map(|user| user.id.as_str()).unwrap_or_default();
        let hash = credentials::password(&mut db, &realm_id, id).await?;
        let fits = self.passwords.verify(SecretString::from(password), hash).await?;
        Ok(VerifyPasswordResponse { user: user.filter(|_| fits) })
    }
}

/// Usernames and email addresses are lower case.
fn normalised(user: Option<User>) -> Result<User, Error> {
    let mut user = user.ok_or(Error::Invalid { what: "user", reason: "is missing" })?;
    user.username = user.username.trim().to_lowercase();
    user.email = user.email.trim().to_lowercase();
    user.has_password = false;
    if user.username.is_empty() {
        return Err(Error::Invalid { what: "user", reason: "has no username" });
    }
    Ok(user)
}
