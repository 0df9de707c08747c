//! Realms and clients as client-registry told them last, with the etag that they had.
//!
//! They decide nothing: client-registry decides about each request, and says with it whether what is kept here is still what it
//! has. So it need not tell it again, which is most of what an answer would carry.

use bytes::Bytes;
use latchkey_api::registry::v1::{Client, Realm};
use latchkey_platform::cache::{Bounded, Equivalent};
use prost::Message as _;
use std::sync::Arc;

/// A client and its realm.
#[derive(Debug)]
pub(crate) struct KeptClient {
    pub(crate) realm: Realm,
    pub(crate) client: Client,
    pub(crate) etag: Bytes,
}

/// How a client is named: its realm's name and its client_id.
#[derive(PartialEq, Eq, Hash)]
struct Key(String, String);

/// The same, borrowed.
#[derive(Hash)]
struct Name<'a>(&'a str, &'a str);

impl Equivalent<Key> for Name<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

/// The clients that are kept.
pub struct KeptClients(Bounded<Key, Arc<KeptClient>>);

impl KeptClients {
    /// Room for about `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(Bounded::new(bytes))
    }

    pub(crate) fn get(&self, realm_name: &str, client_id: &str) -> Option<Arc<KeptClient>> {
        self.0.get(&Name(realm_name, client_id))
    }

    pub(crate) fn keep(&self, realm_name: &str, kept: &Arc<KeptClient>) {
        let key = Key(realm_name.to_owned(), kept.client.client_id.clone());
        // In memory a message takes about three times what it takes on the wire.
        let weight = size_of::<KeptClient>() + 3 * (kept.realm.encoded_len() + kept.client.encoded_len());
        self.0.insert(key, Arc::clone(kept), weight);
    }
}
