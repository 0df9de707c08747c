//! Outside authenticators: services of an operator's own that are asked, over gRPC, whether a client is who it says. Nothing that they
//! answer is kept. Where they are, the settings of this program say and nobody else: who may set realms and clients names one, and
//! reaches nothing through it.

mod breaker;
mod connection;
mod gate;
mod settings;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use latchkey_api::authenticator::v1::AuthenticateRequest;
use latchkey_api::authenticator::v1::authenticate_response::Outcome;
use latchkey_platform::cache::Bounded;
use latchkey_platform::clock::SharedClock;
use parking_lot::Mutex;
use tonic::{Code, Request, Status};

use crate::error::Error;
use breaker::{Ended, Terms, Turn};
use connection::{Client, Connection};
use gate::Gate;

pub use settings::AuthenticatorSettings;

/// A counter. Its labels are a closed set: no realm or client is one.
const CALLS: &str = "latchkey_authenticator_calls_total";
/// Realms whose gates are kept, for each authenticator.
const MAX_REALMS: u64 = 16_384;
/// What one takes (bytes), about.
const GATE: usize = 256;
/// Characters of what an authenticator says that reach the log.
const MAX_REASON: usize = 200;

/// Those that the settings name.
pub(crate) struct OutsideAuthenticators(BTreeMap<String, OutsideAuthenticator>);

/// One of them.
pub(crate) struct OutsideAuthenticator {
    name: String,
    connection: Connection,
    client: Mutex<Client>,
    timeout: Duration,
    terms: Terms,
    max_calls: usize,
    gates: Bounded<String, Arc<Gate>>,
    clock: SharedClock,
}

/// That an authenticator has said that it is the client.
#[derive(Clone, Copy)]
pub(crate) struct Vouched(());

/// What an authenticator answers.
pub(crate) enum Verdict {
    Vouched(Vouched),
    Denied {
        /// For the log.
        reason: String,
    },
}

/// Why there is no answer. For the log: it shows nothing of what was presented.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Away {
    #[error("its circuit breaker is open")]
    Open,
    #[error("too many calls of the realm are under way")]
    Busy,
    #[error("it took too long")]
    TimedOut,
    /// It was not reached, or says itself that it is away or has not made it in time.
    #[error("{code:?}: {cause}")]
    Failed { code: Code, cause: String },
    /// It answered with another error.
    #[error("{code:?}: {cause}")]
    Answered { code: Code, cause: String },
    #[error("it answered neither that it is the client nor that it is not")]
    NoOutcome,
}

impl OutsideAuthenticators {
    /// Prepares those of the settings. None is connected to before it is asked.
    ///
    /// # Errors
    /// [`Error::AuthenticatorSettings`] with all mistakes.
    pub(crate) fn prepare(
        configured: &BTreeMap<String, AuthenticatorSettings>,
        clock: &SharedClock,
    ) -> Result<Self, Error> {
        metrics::describe_counter!(
            CALLS,
            "Questions to outside authenticators, by authenticator and outcome (authenticated, denied, failed, error, open, busy)"
        );
        let (mut prepared, mut mistakes) = (BTreeMap::new(), Vec::new());
        for (name, settings) in configured {
            let told = settings.mistakes(name);
            if !told.is_empty() {
                mistakes.extend(told.into_iter().map(|mistake| format!("{name}: {mistake}")));
                continue;
            }
            match Connection::prepare(settings) {
                Ok(connection) => {
                    let authenticator = OutsideAuthenticator::new(name, settings, connection, clock.clone());
                    prepared.insert(name.clone(), authenticator);
                }
                Err(mistake) => mistakes.push(format!("{name}: {mistake}")),
            }
        }
        if mistakes.is_empty() { Ok(Self(prepared)) } else { Err(Error::AuthenticatorSettings(mistakes)) }
    }

    /// One by its name.
    pub(crate) fn get(&self, name: &str) -> Option<&OutsideAuthenticator> {
        self.0.get(name)
    }
}

impl OutsideAuthenticator {
    fn new(name: &str, settings: &AuthenticatorSettings, connection: Connection, clock: SharedClock) -> Self {
        let open_ms = i64::try_from(settings.open_ms).unwrap_or(i64::MAX);
        Self {
            name: name.to_owned(),
            client: Mutex::new(connection.client()),
            connection,
            timeout: Duration::from_millis(settings.timeout_ms),
            terms: Terms { failures: settings.failures, open_ms },
            max_calls: settings.max_calls,
            gates: Bounded::new(MAX_REALMS * GATE as u64),
            clock,
        }
    }

    /// Asks it for a realm.
    ///
    /// # Errors
    /// [`Away`].
    pub(crate) async fn ask(&self, realm_id: &str, question: AuthenticateRequest) -> Result<Verdict, Away> {
        let verdict = self.call(realm_id, question).await;
        let outcome = match &verdict {
            Ok(Verdict::Vouched(_)) => "authenticated",
            Ok(Verdict::Denied { .. }) => "denied",
            Err(away) => away.outcome(),
        };
        metrics::counter!(CALLS, "authenticator" => self.name.clone(), "outcome" => outcome).increment(1);
        verdict
    }

    async fn call(&self, realm_id: &str, question: AuthenticateRequest) -> Result<Verdict, Away> {
        let gate = self.gates.get_or_insert_with(&realm_id.to_owned(), GATE, || {
            Arc::new(Gate::new(self.terms, self.max_calls, self.clock.clone()))
        });
        let call = gate.enter()?;
        let mut client = self.client.lock().clone();
        let mut request = Request::new(question);
        request.set_timeout(self.timeout);
        let answer = match tokio::time::timeout(self.timeout, client.authenticate(request)).await {
            Ok(answer) => answer.map_err(|status| Away::of(&status)),
            Err(_) => Err(Away::TimedOut),
        };
        // One that answers, if only with an error, makes nobody wait.
        let failed = matches!(answer, Err(Away::TimedOut | Away::Failed { .. }));
        let ended = if failed { Ended::Failed } else { Ended::Answered };
        match call.end(ended) {
            Some(Turn::Opened) => {
                // What is tried next is a new connection: the peer of this one may have gone without a word.
                *self.client.lock() = self.connection.client();
                tracing::warn!(
                    realm.id = realm_id,
                    authenticator = self.name,
                    open_ms = self.terms.open_ms,
                    "an authenticator is away: its circuit breaker is open"
                );
            }
            Some(Turn::Closed) => {
                tracing::info!(realm.id = realm_id, authenticator = self.name, "an authenticator is back");
            }
            None => {}
        }
        let verdict = match answer {
            Ok(answer) => match answer.into_inner().outcome {
                Some(Outcome::Authenticated(_)) => Ok(Verdict::Vouched(Vouched(()))),
                Some(Outcome::Denied(denied)) => Ok(Verdict::Denied { reason: shortened(&denied.reason) }),
                None => Err(Away::NoOutcome),
            },
            Err(away) => Err(away),
        };
        verdict.inspect_err(|away| {
            tracing::warn!(realm.id = realm_id, authenticator = self.name, cause = %away,
                "an authenticator gave no answer");
        })
    }
}

impl Away {
    fn of(status: &Status) -> Self {
        let code = status.code();
        // The innermost cause. There is one where the connection failed; what the authenticator says is the message.
        let mut inner = status.source();
        let mut cause = shortened(status.message());
        while let Some(error) = inner {
            cause = shortened(&error.to_string());
            inner = error.source();
        }
        // Servers say cancelled, too, when the time is over that they were given.
        let told = matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled);
        if told || status.source().is_some() {
            Self::Failed { code, cause }
        } else {
            Self::Answered { code, cause }
        }
    }

    /// Its label.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Busy => "busy",
            Self::TimedOut | Self::Failed { .. } => "failed",
            Self::Answered { .. } | Self::NoOutcome => "error",
        }
    }
}

/// What somebody else says, as it may stand in the log: short, and without what a terminal would obey.
fn shortened(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_of_the_settings_are_told_at_once() {
        let missing = AuthenticatorSettings {
            url: "https://keys.example".to_owned(),
            ca_file: Some("missing.crt".into()),
            ..AuthenticatorSettings::default()
        };
        let not_set = AuthenticatorSettings::default();
        let configured = [("keys".to_owned(), missing), ("others".to_owned(), not_set)].into();
        let clock: SharedClock = Arc::new(latchkey_platform::clock::SystemClock);
        let told = OutsideAuthenticators::prepare(&configured, &clock).err().unwrap().to_string();
        for part in ["keys: missing.crt: ", "others: url is not", "others: ca_file is missing"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn an_answer_with_an_error_is_an_answer() {
        for (code, expected) in [
            (Code::Unavailable, true),
            (Code::DeadlineExceeded, true),
            (Code::Cancelled, true),
            (Code::InvalidArgument, false),
            (Code::Internal, false),
            (Code::Unimplemented, false),
        ] {
            let is_failure = matches!(Away::of(&Status::new(code, "")), Away::Failed { .. });
            assert_eq!(is_failure, expected, "{code:?}");
        }
        let reset = Box::new(std::io::Error::other("reset"));
        assert!(matches!(Away::of(&Status::from_error(reset)), Away::Failed { .. }));
    }

    #[test]
    fn the_log_gets_the_cause_and_no_more_than_a_line_of_it() {
        let reset = Box::new(std::io::Error::other("reset"));
        assert_eq!(Away::of(&Status::from_error(reset)).to_string(), "Unknown: reset");
        let long = "x".repeat(1000);
        assert_eq!(shortened(&format!("a\n\u{1b}[31m{long}")).len(), MAX_REASON);
        assert!(!shortened("a\nb").contains('\n'));
    }
}
