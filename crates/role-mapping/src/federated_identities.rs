//! Use cases of links between users and accounts at identity providers.

use latchkey_api::common::v1::Operation;
use latchkey_api::roles::v1::*;
use latchkey_platform::database::Queries;
use serde_json::json;

use crate::changes::Entry;
use crate::error::Error;
use crate::service::RoleMappingService;
use crate::store::{federated_identities, users};

/// The kind of thing in the change log.
pub(crate) const FEDERATED_IDENTITY: &str = "federated_identity";

impl RoleMappingService {
    pub(crate) async fn link_federated_identity(
        &self,
        request: LinkFederatedIdentityRequest,
    ) -> Result<u64, Error> {
        let LinkFederatedIdentityRequest { realm_id, user_id, identity, admin_event } = request;
        let identity = identity.ok_or(Error::Invalid { what: "identity", reason: "is missing" })?;
        let FederatedIdentity { identity_provider, external_user_id, external_username } = &identity;
        if identity_provider.is_empty() {
            return Err(Error::Invalid { what: "identity", reason: "names no identity provider" });
        }
        if ![identity_provider, external_user_id, external_username].into_iter().all(|text| is_storable(text))
        {
            return Err(Error::Invalid { what: "identity", reason: "has a zero byte" });
        }
        let mut tx = self.database.begin().await?;
        require_user(&mut tx, &realm_id, &user_id).await?;
        let of = (realm_id.as_str(), user_id.as_str());
        federated_identities::insert(&mut tx, of, &identity, self.clock.now_ms()).await?;
        let entry = entry(of, Operation::Created, &identity.identity_provider).by(admin_event);
        self.writer.commit(tx, vec![entry]).await
    }

    pub(crate) async fn unlink_federated_identity(
        &self,
        request: UnlinkFederatedIdentityRequest,
    ) -> Result<u64, Error> {
        let UnlinkFederatedIdentityRequest { realm_id, user_id, identity_provider, admin_event } = request;
        let mut tx = self.database.begin().await?;
        require_user(&mut tx, &realm_id, &user_id).await?;
        let of = (realm_id.as_str(), user_id.as_str());
        let known = is_storable(&identity_provider)
            && federated_identities::delete(&mut tx, of, &identity_provider).await?;
        if !known {
            return Err(Error::FederatedIdentityNotFound);
        }
        let entry = entry(of, Operation::Deleted, &identity_provider).by(admin_event);
        self.writer.commit(tx, vec![entry]).await
    }

    pub(crate) async fn list_federated_identities(
        &self,
        request: ListFederatedIdentitiesRequest,
    ) -> Result<ListFederatedIdentitiesResponse, Error> {
        let ListFederatedIdentitiesRequest { realm_id, user_id } = &request;
        let mut db = self.database.clone();
        require_user(&mut db, realm_id, user_id).await?;
        let identities = federated_identities::list(&mut db, realm_id, user_id).await?;
        Ok(ListFederatedIdentitiesResponse { identities })
    }

    /// Several users with one account would leave open who it is: then it is nobody.
    pub(crate) async fn find_federated_user(
        &self,
        request: FindFederatedUserRequest,
    ) -> Result<FindFederatedUserResponse, Error> {
        let FindFederatedUserRequest { realm_id, identity_provider, external_user_id } = &request;
        if external_user_id.is_empty() || !is_storable(external_user_id) {
            return Err(Error::UserNotFound);
        }
        let mut db = self.database.clone();
        let linked =
            federated_identities::users_of(&mut db, realm_id, identity_provider, external_user_id).await?;
        let [user_id] = linked.as_slice() else { return Err(Error::UserNotFound) };
        let user = users::find(&mut db, realm_id, user_id).await?.ok_or(Error::UserNotFound)?;
        Ok(FindFederatedUserResponse { user: Some(user) })
    }
}

async fn require_user(db: &mut impl Queries, realm_id: &str, user_id: &str) -> Result<(), Error> {
    if !is_storable(user_id) {
        return Err(Error::UserNotFound);
    }
    users::find(db, realm_id, user_id).await?.map(drop).ok_or(Error::UserNotFound)
}

/// PostgreSQL has no zero bytes in texts.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

fn entry((realm_id, user_id): (&str, &str), operation: Operation, identity_provider: &str) -> Entry {
    Entry::new(realm_id, FEDERATED_IDENTITY, operation, user_id)
        .with(json!({ "identity_provider": identity_provider }))
}
