//! Following the change logs whose entries carry admin events.

use crate::{Error, store::Store};
use latchkey_api::{
    DynClientRegistry, DynRoleMapping, DynTokenIssuer,
    common::v1::{Change, Operation, WatchRequest},
};
use latchkey_platform::{
    database::Transaction,
    follower::{Apply, Follower, OpenWatch},
};
use std::collections::HashMap;
use std::sync::Arc;
use tonic::Request;

/// The service that owns realms, by the name under which its log is followed.
pub(crate) const REALM_OWNER: &str = "client-registry";

/// Followers by the name of the service they follow.
pub(crate) type Followers = HashMap<&'static str, Follower>;

/// Stores the admin events of one change log.
pub(crate) struct AdminEvents {
    pub(crate) store: Store,
    pub(crate) upstream: &'static str,
}

#[async_trait::async_trait]
impl Apply for AdminEvents {
    type Error = Error;

    async fn apply(&self, transaction: &mut Transaction, change: &Change) -> Result<Option<u64>, Error> {
        let realm_is_gone = self.upstream == REALM_OWNER
            && change.entity == "realm"
            && change.operation() == Operation::Deleted;
        if realm_is_gone {
            self.store.forget_realm(transaction, &change.entity_id, change.time_ms).await?;
        } else if let Some(event) = &change.admin_event {
            self.store.put_admin_event(transaction, self.upstream, change, event).await?;
        }
        Ok(None)
    }

    async fn applied(&self, _change: &Change, _revision: Option<u64>) {}
}

macro_rules! watch {
    ($name:ident, $service:ty) => {
        pub(crate) fn $name(service: Arc<$service>) -> OpenWatch {
            Arc::new(move |from_revision| {
                let service = service.clone();
                Box::pin(async move {
                    let answer = service.watch(Request::new(WatchRequest { from_revision })).await?;
                    Ok(answer.into_inner())
                })
            })
        }
    };
}

watch!(watch_registry, DynClientRegistry);
watch!(watch_roles, DynRoleMapping);
watch!(watch_issuer, DynTokenIssuer);
