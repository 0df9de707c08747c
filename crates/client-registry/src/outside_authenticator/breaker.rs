//! A circuit breaker: after so many failures in a row nobody waits for what is away. After a time one call tries whether it is back.

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Failures in a row.
    pub(super) failures: u32,
    pub(super) open_ms: i64,
}

/// The state. It knows no clock: each step is told the time.
#[derive(Debug)]
pub(super) struct Breaker {
    terms: Terms,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calls go through.
    Closed {
        /// In a row, up to now.
        failures: u32,
    },
    /// No call goes through.
    Open { since_ms: i64 },
    /// One call is under way, and decides.
    HalfOpen,
}

/// Leave for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// One of many.
    Usual,
    /// The one that decides.
    Probe,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Answered,
    Failed,
    /// Whoever made it went away: it says nothing.
    Abandoned,
}

/// What the end of a call changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Opened,
    Closed,
}

impl Breaker {
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, state: State::Closed { failures: 0 } }
    }

    /// Leave for a call; `None` while there is none.
    pub(super) fn enter(&mut self, now_ms: i64) -> Option<Pass> {
        match self.state {
            State::Closed { .. } => Some(Pass::Usual),
            // A clock that was set back does not keep it open.
            State::Open { since_ms } if (0..self.terms.open_ms).contains(&(now_ms - since_ms)) => None,
            State::Open { .. } => {
                self.state = State::HalfOpen;
                Some(Pass::Probe)
            }
            State::HalfOpen => None,
        }
    }

    /// Tells how a call ended. While it is open, what began before that says nothing.
    pub(super) fn end(&mut self, pass: Pass, ended: Ended, now_ms: i64) -> Option<Turn> {
        use State::{Closed, HalfOpen, Open};
        let (state, turn) = match (self.state, pass, ended) {
            (Closed { .. }, Pass::Usual, Ended::Answered) => (Closed { failures: 0 }, None),
            (Closed { failures }, Pass::Usual, Ended::Failed) if failures + 1 < self.terms.failures => {
                (Closed { failures: failures + 1 }, None)
            }
            (Closed { .. }, Pass::Usual, Ended::Failed) | (HalfOpen, Pass::Probe, Ended::Failed) => {
                (Open { since_ms: now_ms }, Some(Turn::Opened))
            }
            (HalfOpen, Pass::Probe, Ended::Answered) => (Closed { failures: 0 }, Some(Turn::Closed)),
            // The next one may try at once.
            (HalfOpen, Pass::Probe, Ended::Abandoned) => {
                (Open { since_ms: now_ms.saturating_sub(self.terms.open_ms) }, None)
            }
            _ => return None,
        };
        self.state = state;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const TERMS: Terms = Terms { failures: 3, open_ms: 10_000 };

    fn call(breaker: &mut Breaker, ended: Ended, now_ms: i64) -> Option<Turn> {
        let pass = breaker.enter(now_ms).unwrap();
        breaker.end(pass, ended, now_ms)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(TERMS);
        assert_eq!(call(&mut breaker, Ended::Failed, NOW), None);
        assert_eq!(call(&mut breaker, Ended::Failed, NOW), None);
        assert_eq!(call(&mut breaker, Ended::Failed, NOW), Some(Turn::Opened));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let mut breaker = opened();
        assert_eq!(breaker.enter(NOW), None);
        assert_eq!(breaker.enter(NOW + 9_999), None);
    }

    #[test]
    fn an_answer_between_begins_the_count_anew() {
        let mut breaker = Breaker::new(TERMS);
        for ended in [Ended::Failed, Ended::Failed, Ended::Answered, Ended::Failed, Ended::Failed] {
            assert_eq!(call(&mut breaker, ended, NOW), None);
        }
        // Who went away has seen neither.
        assert_eq!(call(&mut breaker, Ended::Abandoned, NOW), None);
        assert_eq!(call(&mut breaker, Ended::Failed, NOW), Some(Turn::Opened));
    }

    #[test]
    fn after_a_time_one_call_tries() {
        let mut breaker = opened();
        assert_eq!(breaker.enter(NOW + 10_000), Some(Pass::Probe));
        assert_eq!(breaker.enter(NOW + 10_000), None, "one");
        assert_eq!(breaker.enter(NOW + 99_000), None, "until it has ended");
        assert_eq!(breaker.end(Pass::Probe, Ended::Failed, NOW + 11_000), Some(Turn::Opened));
        assert_eq!(breaker.enter(NOW + 20_999), None, "open for as long again");
        assert_eq!(breaker.enter(NOW + 21_000), Some(Pass::Probe));
        assert_eq!(breaker.end(Pass::Probe, Ended::Answered, NOW + 21_000), Some(Turn::Closed));
        for _ in 0..2 {
            assert_eq!(call(&mut breaker, Ended::Failed, NOW + 22_000), None, "from the beginning");
        }
    }

    #[test]
    fn a_try_that_is_abandoned_is_another_ones() {
        let mut breaker = opened();
        assert_eq!(breaker.enter(NOW + 10_000), Some(Pass::Probe));
        assert_eq!(breaker.end(Pass::Probe, Ended::Abandoned, NOW + 10_000), None);
        assert_eq!(breaker.enter(NOW + 10_000), Some(Pass::Probe));
    }

    #[test]
    fn calls_from_before_it_opened_change_nothing() {
        for ended in [Ended::Answered, Ended::Failed, Ended::Abandoned] {
            let mut breaker = opened();
            assert_eq!(breaker.end(Pass::Usual, ended, NOW + 9_000), None);
            assert_eq!(breaker.enter(NOW + 9_999), None, "{ended:?}");
            assert_eq!(breaker.enter(NOW + 10_000), Some(Pass::Probe), "{ended:?}");
            assert_eq!(breaker.end(Pass::Usual, ended, NOW + 10_000), None);
            assert_eq!(breaker.enter(NOW + 10_000), None, "{ended:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_it_open() {
        assert_eq!(opened().enter(NOW - 1), Some(Pass::Probe));
    }
}
