//! Taking away what was provisioned for realms, or prepared for clients, that were never published: whoever was making them died
//! before the end.

use std::collections::BTreeSet;

use latchkey_api::roles::v1::{DropClientRequest, DropRealmRequest};
use latchkey_platform::sweep::Sweep;

use crate::error::Error;
use crate::service::RoleMappingService;
use crate::store::{clients, realms};

/// Something that the registry is not known to have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unpublished {
    /// The realm.
    pub realm_id: String,
    /// The client (uuid); `None` for the realm itself.
    pub client_uuid: Option<String>,
}

impl Sweep for RoleMappingService {
    type Item = Unpublished;
    type Error = Error;

    async fn sweep(&self, seen: &BTreeSet<Unpublished>) -> Result<BTreeSet<Unpublished>, Error> {
        let mut db = self.database.clone();
        let of_realms = realms::unpublished(&mut db).await?;
        let of_realms = of_realms.into_iter().map(|realm_id| Unpublished { realm_id, client_uuid: None });
        let of_clients = clients::unpublished(&mut db)
            .await?
            .into_iter()
            .map(|(realm_id, client_uuid)| Unpublished { realm_id, client_uuid: Some(client_uuid) });
        let mut waiting = BTreeSet::new();
        for unpublished in of_realms.chain(of_clients) {
            if !seen.contains(&unpublished) {
                waiting.insert(unpublished);
                continue;
            }
            let Unpublished { realm_id, client_uuid } = unpublished.clone();
            let dropped = match client_uuid {
                None => self.drop_realm(DropRealmRequest { realm_id }).await?,
                Some(id) => self.drop_client(DropClientRequest { realm_id, id }).await?,
            };
            if dropped.is_some() {
                let Unpublished { realm_id, client_uuid } = unpublished;
                tracing::info!(
                    realm.id = realm_id,
                    client.id = client_uuid,
                    "what was never published is gone"
                );
            }
        }
        Ok(waiting)
    }
}
