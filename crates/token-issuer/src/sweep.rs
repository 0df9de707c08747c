//! Taking away the keys of realms that were provisioned but never published: whoever was making them died before the end.

use std::collections::BTreeSet;

use latchkey_api::issuer::v1::DropRealmRequest;
use latchkey_platform::sweep::Sweep;

use crate::error::Error;
use crate::service::IssuerService;
use crate::store::realms;

impl Sweep for IssuerService {
    type Item = String;
    type Error = Error;

    async fn sweep(&self, seen: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
        let mut waiting = BTreeSet::new();
        for realm_id in realms::unpublished(&mut self.database.clone()).await? {
            if !seen.contains(&realm_id) {
                waiting.insert(realm_id);
            } else if self.drop_realm(DropRealmRequest { realm_id: realm_id.clone() }).await?.is_some() {
                tracing::info!(realm.id = realm_id, "the keys of a realm that was never published are gone");
            }
        }
        Ok(waiting)
    }
}
