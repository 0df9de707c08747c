//! Rotating keys: what the schedule says is due is done, a step in each transaction, by whichever replica takes a realm first.
//!
//! A look reads the realms with something to do, however many there are beside them. Nothing is lost with a process that dies: what
//! it had taken is due again after a while, and each step looks anew at the keys as they are.

pub(crate) mod schedule;

use std::sync::Arc;
use std::time::Duration;

use latchkey_api::common::v1::{Change, Operation};
use latchkey_api::issuer::v1::{KeyProvider, StringList};
use latchkey_platform::database::Transaction;
use latchkey_platform::random;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::changes::Entry;
use crate::error::Error;
use crate::key::material::Material;
use crate::providers::settings::{ACTIVE, Kind, PRIORITY, Settings};
use crate::service::IssuerService;
use crate::store::key_providers::{self, StoredProvider, document};
use crate::store::{key_rotations, realms};
use schedule::{Due, RotatedKey, Rotation, Stage, Step, due};

/// Realms that are taken at a time.
const BATCH: i64 = 8;
/// For how long a replica that takes realms has them to itself, and for how long they wait if it dies. Who comes meanwhile does no
/// harm, but makes keys in vain.
const CLAIM_MS: i64 = 15_000;
/// Steps of one realm in a row. What is left is done later.
const MOST_STEPS: usize = 64;

/// The settings in the payload of a realm's change.
#[derive(Deserialize)]
struct Asked {
    interval_s: i64,
    publish_ahead_s: i64,
    keep_s: i64,
}

/// Notes what the registry says about the rotation of a realm's keys.
pub(crate) async fn apply_settings(tx: &mut Transaction, change: &Change) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Payload {
        // Absent in what was written before there was any: that says nothing.
        #[serde(default, deserialize_with = "present")]
        key_rotation: Option<Option<Asked>>,
    }
    let realm_id = &change.entity_id;
    let payload = serde_json::from_str::<Payload>(&change.payload_json).ok();
    let Some(asked) = payload.and_then(|payload| payload.key_rotation) else { return Ok(()) };
    let Some(asked) = asked else { return key_rotations::stop(tx, realm_id).await };
    let ms = |seconds: i64| seconds.saturating_mul(1000);
    let rotation = Rotation {
        interval_ms: ms(asked.interval_s),
        publish_ahead_ms: ms(asked.publish_ahead_s),
        keep_ms: ms(asked.keep_s),
        keep_until_ms: 0,
    };
    let before = key_rotations::lock(tx, realm_id).await?;
    let rotation = before.map_or(rotation, |before| rotation.after(&before, change.time_ms));
    key_rotations::put(tx, realm_id, &rotation).await
}

/// Tells null from what is absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Looks now and then, without end. Starting comes first.
pub(crate) async fn run(service: Arc<IssuerService>, every: Duration) {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = service.rotate_due_keys().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "which keys are to be rotated can't be found out");
        }
    }
}

/// A key for a step, made before its transaction.
struct Made {
    signing: String,
    provider: KeyProvider,
    material: Material,
}

/// What a step did, for the log.
struct Done {
    what: &'static str,
    kid: String,
    /// Its entries in the change log.
    earlier: Option<Entry>,
    last: Entry,
}

impl IssuerService {
    /// Does what is due with the keys of all realms. Gives the number of steps.
    ///
    /// # Errors
    /// When the database cannot be read. What fails in one realm is logged, and stops no other.
    pub async fn rotate_due_keys(&self) -> Result<usize, Error> {
        let mut steps = 0;
        loop {
            let now_ms = self.clock.now_ms();
            let mut tx = self.database.begin().await?;
            let claimed = key_rotations::claim(&mut tx, now_ms, now_ms + CLAIM_MS, BATCH).await?;
            tx.commit().await?;
            for realm_id in &claimed {
                match Box::pin(self.rotate(realm_id)).await {
                    Ok(taken) => steps += taken,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(
                            realm.id = realm_id,
                            error,
                            "keys can't be rotated, which will be tried again"
                        );
                    }
                }
            }
            if i64::try_from(claimed.len()).is_ok_and(|claimed| claimed < BATCH) {
                return Ok(steps);
            }
        }
    }

    /// Does what is due with a realm's keys, step by step, and notes when there is more to do. Gives the number of steps.
    async fn rotate(&self, realm_id: &str) -> Result<usize, Error> {
        let mut steps = 0;
        for _ in 0..MOST_STEPS {
            let made = self.make_next(realm_id).await?;
            match self.step(realm_id, made).await? {
                Progress::Step => steps += 1,
                Progress::LastStep => {
                    steps += 1;
                    break;
                }
                Progress::Changed => {}
                Progress::Idle => break,
            }
        }
        Ok(steps)
    }

    /// Makes the key that a realm is to publish now, if there is one.
    async fn make_next(&self, realm_id: &str) -> Result<Option<Made>, Error> {
        let mut database = self.database.clone();
        let Some(rotation) = key_rotations::find(&mut database, realm_id).await? else { return Ok(None) };
        let stored = key_providers::list(&mut database, realm_id).await?;
        let Due::Now(Step::Publish { signing }) = due(self.clock.now_ms(), &rotation, &rotated(&stored))
        else {
            return Ok(None);
        };
        let mut provider = KeyProvider { id: random::uuid(), ..find(&stored, &signing)?.provider.clone() };
        set(&mut provider, ACTIVE, "false");
        let material = self.new_key(&mut provider).await?;
        Ok(Some(Made { signing, provider, material }))
    }

    /// Does the next step, if it is still due when nobody else can change the realm's keys.
    async fn step(&self, realm_id: &str, made: Option<Made>) -> Result<Progress, Error> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.database.begin().await?;
        let Some(position) = realms::lock(&mut tx, realm_id).await? else { return Ok(Progress::Idle) };
        let rotation = key_rotations::lock(&mut tx, realm_id).await?;
        let Some(rotation) = rotation.filter(|rotation| rotation.interval_ms > 0) else {
            return Ok(Progress::Idle);
        };
        let stored = key_providers::list(&mut tx, realm_id).await?;
        let done = match (due(now_ms, &rotation, &rotated(&stored)), made) {
            (Due::Now(Step::Publish { signing }), Some(made)) if made.signing == signing => {
                Some(self.publish(&mut tx, made, position).await?)
            }
            (Due::Now(Step::Switch { signing, next, priority }), _) => {
                let (signing, next) = (find(&stored, &signing)?, find(&stored, &next)?);
                switch(&mut tx, signing, next, priority, now_ms).await?
            }
            (Due::Now(Step::Delete { retired }), _) => delete(&mut tx, find(&stored, &retired)?).await?,
            (Due::Now(Step::Publish { .. }), _) => None,
            (idle @ (Due::At(_) | Due::Never), _) => {
                note_due(&mut tx, realm_id, &idle).await?;
                tx.commit().await?;
                return Ok(Progress::Idle);
            }
        };
        // An administrator was quicker. What has become of the keys is looked at anew.
        let Some(Done { what, kid, earlier, last }) = done else { return Ok(Progress::Changed) };
        let after = rotated(&key_providers::list(&mut tx, realm_id).await?);
        let is_last = note_due(&mut tx, realm_id, &due(now_ms, &rotation, &after)).await?;
        if let Some(earlier) = &earlier {
            self.writer.append(&mut tx, earlier).await?;
        }
        self.writer.commit(tx, last).await?;
        tracing::info!(realm.id = realm_id, kid, "{what}");
        Ok(if is_last { Progress::LastStep } else { Progress::Step })
    }

    async fn publish(&self, tx: &mut Transaction, made: Made, position: i64) -> Result<Done, Error> {
        let Made { provider, material, .. } = made;
        let stored = StoredProvider { stage: Stage::Next, ..self.sealed(tx, &provider, material).await? };
        key_providers::insert(tx, &stored, position).await?;
        let last = entry(&stored, Operation::Created);
        Ok(Done { what: "a key is published that will sign", kid: stored.kid, earlier: None, last })
    }
}

/// How far a step came.
enum Progress {
    Step,
    /// There is nothing more to do now.
    LastStep,
    /// Somebody else was quicker.
    Changed,
    /// There is nothing to do now.
    Idle,
}

/// Lets the next key sign, and retires the one that did; none if an administrator has changed one of them meanwhile.
async fn switch(
    tx: &mut Transaction,
    signing: &StoredProvider,
    next: &StoredProvider,
    priority: i64,
    now_ms: i64,
) -> Result<Option<Done>, Error> {
    let priority = priority.to_string();
    let signs = moved(next, Stage::Plain, now_ms, &[(ACTIVE, "true"), (PRIORITY, &priority)])?;
    let retired = moved(signing, Stage::Retired, now_ms, &[(ACTIVE, "false")])?;
    if !key_providers::update(tx, &signs, &next.document).await?
        || !key_providers::update(tx, &retired, &signing.document).await?
    {
        return Ok(None);
    }
    let earlier = Some(entry(&retired, Operation::Updated));
    let last = entry(&signs, Operation::Updated);
    Ok(Some(Done { what: "a key signs in place of another", kid: signs.kid, earlier, last }))
}

/// A provider at another stage, with other settings.
fn moved(
    stored: &StoredProvider,
    stage: Stage,
    since_ms: i64,
    settings: &[(&str, &str)],
) -> Result<StoredProvider, Error> {
    let mut provider = stored.provider.clone();
    for (name, value) in settings {
        set(&mut provider, name, value);
    }
    Ok(StoredProvider { document: document(&provider)?, provider, stage, since_ms, ..stored.clone() })
}

/// Deletes a key that is not needed any more; none if an administrator has.
async fn delete(tx: &mut Transaction, retired: &StoredProvider) -> Result<Option<Done>, Error> {
    let KeyProvider { realm_id, id, .. } = &retired.provider;
    if !key_providers::delete_unchanged(tx, realm_id, id, &retired.document).await? {
        return Ok(None);
    }
    let last = entry(retired, Operation::Deleted);
    Ok(Some(Done { what: "a retired key is deleted", kid: retired.kid.clone(), earlier: None, last }))
}

/// Notes when there is something to do, if that is not now: what is due now stays with whoever has taken the realm.
async fn note_due(tx: &mut Transaction, realm_id: &str, due: &Due) -> Result<bool, Error> {
    let due_ms = match due {
        Due::Now(_) => return Ok(false),
        Due::At(due_ms) => *due_ms,
        Due::Never => key_rotations::NEVER_MS,
    };
    key_rotations::set_due(tx, realm_id, due_ms).await?;
    Ok(true)
}

fn entry(stored: &StoredProvider, operation: Operation) -> Entry {
    Entry::key_provider(&stored.provider.realm_id, operation, &stored.provider.id, None)
}

fn find<'a>(stored: &'a [StoredProvider], id: &str) -> Result<&'a StoredProvider, Error> {
    stored.iter().find(|stored| stored.provider.id == id).ok_or(Error::KeyProviderNotFound)
}

fn set(provider: &mut KeyProvider, name: &str, value: &str) {
    provider.config.insert(name.to_owned(), StringList { values: vec![value.to_owned()] });
}

/// A realm's keys as the schedule sees them.
fn rotated(stored: &[StoredProvider]) -> Vec<RotatedKey> {
    let key = |stored: &StoredProvider| {
        // A provider that cannot be read takes part in nothing.
        let settings = Settings::read(&stored.provider).ok()?;
        let kinds = [Kind::RsaGenerated, Kind::EcdsaGenerated, Kind::EddsaGenerated];
        Some(RotatedKey {
            id: stored.provider.id.clone(),
            algorithm: settings.algorithm,
            renewable: kinds.contains(&settings.kind),
            enabled: settings.enabled,
            active: settings.active,
            priority: settings.priority,
            stage: stored.stage,
            since_ms: stored.since_ms,
        })
    };
    stored.iter().filter_map(key).collect()
}
