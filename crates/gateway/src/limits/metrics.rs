//! How many requests the limits refused, and how many they would have.

use metrics::counter;

const NAME: &str = "latchkey_limited_requests_total";

/// The counters. Their labels are a closed set: no realm or client is one.
#[derive(Clone)]
pub(super) struct Refusals(());

impl Refusals {
    pub(super) fn new() -> Self {
        metrics::describe_counter!(
            NAME,
            "Requests over a limit, by limit (rate, quota, lockout), whose it is (client, realm), and whether they were refused or only observed"
        );
        Self(())
    }

    /// Counts one.
    pub(super) fn count(&self, limit: &'static str, scope: &'static str, observed: bool) {
        let outcome = if observed { "observed" } else { "refused" };
        counter!(NAME, "limit" => limit, "scope" => scope, "outcome" => outcome).increment(1);
    }
}
