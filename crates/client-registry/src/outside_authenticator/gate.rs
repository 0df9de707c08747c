//! What stands before the calls of one realm to one authenticator: how many are under way at the most, and the circuit breaker.
//! Each realm has its own, so that what one makes an authenticator suffer shuts no other out.

use latchkey_platform::clock::SharedClock;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Away;
use super::breaker::{Breaker, Ended, Pass, Terms, Turn};

/// The gate.
pub(super) struct Gate {
    breaker: Mutex<Breaker>,
    calls: Semaphore,
    clock: SharedClock,
}

/// A call that is under way. One that is dropped before its end was abandoned.
pub(super) struct Call<'a> {
    gate: &'a Gate,
    pass: Pass,
    ended: bool,
    _permit: SemaphorePermit<'a>,
}

impl Gate {
    pub(super) fn new(terms: Terms, max_calls: usize, clock: SharedClock) -> Self {
        Self { breaker: Mutex::new(Breaker::new(terms)), calls: Semaphore::new(max_calls), clock }
    }

    /// Begins a call, or says at once why it is none.
    pub(super) fn enter(&self) -> Result<Call<'_>, Away> {
        let permit = self.calls.try_acquire().map_err(|_| Away::Busy)?;
        let pass = self.breaker.lock().enter(self.clock.now_ms()).ok_or(Away::Open)?;
        Ok(Call { gate: self, pass, ended: false, _permit: permit })
    }
}

impl Call<'_> {
    /// Ends it.
    pub(super) fn end(mut self, ended: Ended) -> Option<Turn> {
        self.ended = true;
        self.tell(ended)
    }

    fn tell(&self, ended: Ended) -> Option<Turn> {
        self.gate.breaker.lock().end(self.pass, ended, self.gate.clock.now_ms())
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(Ended::Abandoned);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use latchkey_platform::clock::ManualClock;

    use super::*;

    #[test]
    fn so_many_calls_and_no_more() {
        let clock = Arc::new(ManualClock::at_ms(0));
        let gate = Gate::new(Terms { failures: 1, open_ms: 1000 }, 2, clock);
        let first = gate.enter().unwrap();
        let second = gate.enter().unwrap();
        assert!(matches!(gate.enter(), Err(Away::Busy)));
        drop(first);
        assert_eq!(gate.enter().unwrap().end(Ended::Answered), None);
        assert_eq!(second.end(Ended::Failed), Some(Turn::Opened));
        assert!(matches!(gate.enter(), Err(Away::Open)));
    }

    #[test]
    fn a_call_that_is_dropped_keeps_nobody_out() {
        let clock = Arc::new(ManualClock::at_ms(0));
        let gate = Gate::new(Terms { failures: 1, open_ms: 1000 }, 2, clock.clone());
        gate.enter().unwrap().end(Ended::Failed);
        clock.advance_ms(1000);
        drop(gate.enter().unwrap());
        assert_eq!(gate.enter().unwrap().end(Ended::Answered), Some(Turn::Closed));
    }
}
