//! Realms and clients as client-registry told them last, with the etag that they had.
//!
//! They decide nothing: client-registry decides about each request, and says with it whether what is kept here is still what it
//! has. So it need not tell it again, which is most of what an answer would carry.

use bytes::Bytes;
use latchkey_api::registry::v1::{Client, Realm};
use latchkey_platform::cache::{Bounded, Names};
use prost::Message as _;
use std::sync::Arc;

/// A client and its realm.
#[derive(Debug)]
pub(crate) struct KeptClient {
    pub(crate) realm: Realm,
    pub(crate) client: Client,
    pub(crate) etag: Bytes,
}

/// The clients that are kept, by their realm's name and their client_id.
pub struct KeptClients(Bounded<Names<2>, Arc<KeptClient>>);

impl KeptClients {
    /// Room for about `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(Bounded::new(bytes))
    }

    pub(crate) fn get(&self, realm_name: &str, client_id: &str) -> Option<Arc<KeptClient>> {
        self.0.get(&[realm_name, client_id])
    }

    pub(crate) fn keep(&self, realm_name: &str, kept: &Arc<KeptClient>) {
        let key = Names::from(&[realm_name, kept.client.client_id.as_str()]);
        // In memory a message takes about three times what it takes on the wire.
        let weight = size_of::<KeptClient>() + 3 * (kept.realm.encoded_len() + kept.client.encoded_len());
        self.0.insert(key, Arc::clone(kept), weight);
    }
}
