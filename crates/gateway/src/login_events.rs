//! Login events on their way to audit: in bounded batches beside the request path. A request never waits for them; what finds the
//! queue full, or audit away for long, is lost and counted.

use crate::request_context::RequestContext;
use latchkey_api::{
    DynAudit,
    audit::v1::{LoginEvent, RecordLoginEventsRequest},
    registry::v1::Realm,
};
use latchkey_platform::{clock::SharedClock, random};
use metrics::Counter;
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// The most events of one call.
const BATCH: usize = 256;
/// How often a batch is tried, and the first pause between; it doubles each time.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The queue.
pub struct LoginEvents {
    sender: mpsc::Sender<LoginEvent>,
    clock: SharedClock,
    lost: Counter,
    stop: CancellationToken,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What a request tells of an attempt to sign in, or to use what signing in gave.
pub(crate) struct LoginAttempt {
    client_id: String,
    ip_address: String,
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    /// Keycloak's word; empty for success.
    pub(crate) error: &'static str,
    details: BTreeMap<String, String>,
}

impl LoginAttempt {
    pub(crate) fn new(context: &RequestContext, client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            ip_address: context.client_address().to_owned(),
            user_id: String::new(),
            session_id: String::new(),
            error: "",
            details: BTreeMap::new(),
        }
    }

    /// Adds a detail; an empty one says nothing.
    pub(crate) fn detail(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.details.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl LoginEvents {
    /// A queue of so many events, with its writer running.
    pub(crate) fn start(audit: Arc<DynAudit>, clock: SharedClock, capacity: usize) -> Self {
        metrics::describe_counter!(
            "latchkey_login_events_lost_total",
            "Login events that never reached audit"
        );
        let lost = metrics::counter!("latchkey_login_events_lost_total");
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let stop = CancellationToken::new();
        let writer = tokio::spawn(write(audit, receiver, stop.clone(), lost.clone()));
        Self { sender, clock, lost, stop, writer: Mutex::new(Some(writer)) }
    }

    /// Puts an event into the queue, if the realm keeps events of its type.
    pub(crate) fn record(&self, realm: &Realm, event_type: &str, attempt: LoginAttempt) {
        let kept = realm.enabled_event_types.is_empty()
            || realm.enabled_event_types.iter().any(|kept| kept == event_type);
        if !realm.events_enabled || !kept {
            return;
        }
        let event = LoginEvent {
            id: random::uuid(),
            time_ms: self.clock.now_ms(),
            r#type: event_type.to_owned(),
            realm_id: realm.id.clone(),
            client_id: attempt.client_id,
            user_id: attempt.user_id,
            session_id: attempt.session_id,
            ip_address: attempt.ip_address,
            error: attempt.error.to_owned(),
            details: attempt.details,
            retention_s: realm.events_expiration_s,
        };
        if self.sender.try_send(event).is_err() {
            self.lost.increment(1);
        }
    }

    /// Writes what is queued, and ends.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        let writer = self.writer.lock().take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the writer of login events ended early");
        }
    }
}

async fn write(
    audit: Arc<DynAudit>,
    mut queue: mpsc::Receiver<LoginEvent>,
    stop: CancellationToken,
    lost: Counter,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let more = tokio::select! {
            biased;
            received = queue.recv_many(&mut batch, BATCH) => received > 0,
            () = stop.cancelled() => false,
        };
        if batch.is_empty() && !more {
            return;
        }
        send(&audit, std::mem::take(&mut batch), &lost).await;
    }
}

async fn send(audit: &Arc<DynAudit>, events: Vec<LoginEvent>, lost: &Counter) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        let batch = RecordLoginEventsRequest { events: events.clone() };
        match audit.record_login_events(Request::new(batch)).await {
            Ok(_) => return,
            Err(status) if attempt == ATTEMPTS => {
                tracing::warn!(cause = %status, events = events.len(), "login events are lost: audit does not take them");
            }
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
    lost.increment(events.len() as u64);
}
