//! A key for an algorithm that nobody has made one for, as Keycloak makes it on first use.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use latchkey_api::common::v1::Operation;
use latchkey_api::issuer::v1::KeyProvider;
use tokio::sync::{Mutex, MutexGuard};

use super::provider;
use super::settings::{ALGORITHM, EC_CURVE, ED_CURVE, Kind, PRIORITY, Settings};
use crate::algorithm::{Algorithm, Family};
use crate::cache::keys::Dated;
use crate::changes::Entry;
use crate::error::Error;
use crate::service::IssuerService;
use crate::store::{key_providers, key_rotations, realms};

/// Any key that somebody makes for the algorithm comes before it.
const FALLBACK_PRIORITY: &str = "-100";
const STRIPES: usize = 64;

/// Locks by which those of one process who miss a key of a realm wait for each other: one makes it, the others find it.
pub(crate) struct Turns {
    stripes: [Mutex<()>; STRIPES],
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { stripes: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl Turns {
    async fn turn(&self, realm_id: &str) -> MutexGuard<'_, ()> {
        let stripe = usize::try_from(self.hasher.hash_one(realm_id) % STRIPES as u64);
        self.stripes[stripe.expect("the remainder is small")].lock().await
    }
}

impl IssuerService {
    /// A realm's keys, of which one signs with `algorithm`. Of many who ask at the same time one makes it.
    pub(crate) async fn with_key_for(&self, realm_id: &str, algorithm: &str) -> Result<Arc<Dated>, Error> {
        let no_key = || Error::NoActiveKey(algorithm.to_owned());
        let known = Algorithm::from_name(algorithm).ok_or_else(no_key)?;
        let _turn = self.fallbacks.turn(realm_id).await;
        let dated = self.keys.get(realm_id).await?;
        if dated.keys.active(algorithm).is_some() {
            return Ok(dated);
        }
        let mut provider = fallback(realm_id, known);
        let material = self.new_key(&mut provider).await?;
        let mut tx = self.database.begin().await?;
        let position = realms::lock(&mut tx, realm_id).await?.ok_or(Error::RealmNotFound)?;
        // With the lock nobody else makes one; somebody may have before.
        let signs = |provider: &KeyProvider| {
            Settings::read(provider)
                .is_ok_and(|found| found.algorithm == algorithm && found.enabled && found.active)
        };
        let there =
            key_providers::list(&mut tx, realm_id).await?.iter().any(|stored| signs(&stored.provider));
        if there {
            drop(tx);
            // Another replica may have made it, whose change is yet to be heard of.
            self.writer.epochs.advance(realm_id);
        } else {
            key_rotations::look_again(&mut tx, realm_id).await?;
            self.store_new(&mut tx, &provider, material, position).await?;
            let entry = Entry::key_provider(realm_id, Operation::Created, &provider.id, None);
            self.writer.commit(tx, entry).await?;
        }
        let dated = self.keys.get(realm_id).await?;
        if dated.keys.active(algorithm).is_some() { Ok(dated) } else { Err(no_key()) }
    }
}

fn fallback(realm_id: &str, algorithm: Algorithm) -> KeyProvider {
    let name = format!("fallback-{}", algorithm.name());
    let (kind, setting, value) = match (algorithm.family(), algorithm.curve()) {
        (Family::Ec, Some((curve, _))) => (Kind::EcdsaGenerated, EC_CURVE, curve),
        (Family::Okp, Some((curve, _))) => (Kind::EddsaGenerated, ED_CURVE, curve),
        (Family::Hmac, _) => (Kind::HmacGenerated, ALGORITHM, algorithm.name()),
        _ => (Kind::RsaGenerated, ALGORITHM, algorithm.name()),
    };
    provider(realm_id, &name, kind, &[(PRIORITY, FALLBACK_PRIORITY), (setting, value)])
}
