//! Taking away the keys of realms that were provisioned but never published: whoever was making them died before the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use latchkey_api::issuer::v1::DropRealmRequest;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::Error;
use crate::service::IssuerService;
use crate::store::realms;

/// Also for how long a realm may be in the making, at the least.
const EVERY: Duration = Duration::from_hours(1);

/// Sweeps now and then, without end.
pub(crate) async fn run(service: Arc<IssuerService>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = BTreeSet::new();
    loop {
        ticks.tick().await;
        match service.sweep(&seen).await {
            Ok(unpublished) => seen = unpublished,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "realms that were never published can't be swept");
            }
        }
    }
}

impl IssuerService {
    /// Takes away what was provisioned for realms that are not published and were not when they were `seen` in an earlier sweep.
    /// Gives those that may be taken away next time.
    ///
    /// # Errors
    /// When the database or the registry is away.
    pub async fn sweep(&self, seen: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
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
