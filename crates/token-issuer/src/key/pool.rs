//! RSA keys made in advance, so that making a realm need not wait for them. They are in memory only.
//!
//! Keys are made on blocking threads, and in advance only while nobody takes any. A full pool does nothing at all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::material::{Pkcs8, generate_rsa};
use crate::error::Error;

/// For how long nobody must have taken a key before one is made in advance: starting, and making many realms, comes first.
const QUIET: Duration = Duration::from_secs(1);

/// The pool. Cloning it is a pointer's copy.
#[derive(Clone)]
pub(crate) struct RsaPool {
    inner: Arc<Inner>,
}

struct Inner {
    size: usize,
    state: Mutex<State>,
    taken: Notify,
}

#[derive(Default)]
struct State {
    ready: Vec<Pkcs8>,
    waiting: VecDeque<oneshot::Sender<Result<Pkcs8, Error>>>,
    under_way: usize,
}

impl RsaPool {
    /// A pool of `size` keys of 2048 bits, filled until `shutdown`. `at_once` many are begun now.
    pub(crate) fn start(size: usize, at_once: usize, shutdown: CancellationToken) -> Self {
        let pool = Self { inner: Arc::new(Inner { size, state: Mutex::default(), taken: Notify::new() }) };
        for _ in 0..at_once.min(size) {
            pool.begin();
        }
        let filled = pool.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move { filled.fill().await }));
        pool
    }

    /// A key: one that is ready, or the next that is made.
    pub(crate) async fn take(&self) -> Result<Pkcs8, Error> {
        self.inner.taken.notify_one();
        let made = {
            let mut state = self.inner.state.lock();
            if let Some(key) = state.ready.pop() {
                return Ok(key);
            }
            let (sender, made) = oneshot::channel();
            state.waiting.push_back(sender);
            if state.under_way >= state.waiting.len() { (made, false) } else { (made, true) }
        };
        if made.1 {
            self.begin();
        }
        made.0.await.map_err(|_| Error::Interrupted)?
    }

    /// Makes a key for whoever waits longest, or else for the pool.
    fn begin(&self) {
        self.inner.state.lock().under_way += 1;
        let pool = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut made = generate_rsa(KeySize::Rsa2048);
            let mut state = pool.inner.state.lock();
            state.under_way -= 1;
            while let Some(waiting) = state.waiting.pop_front() {
                // Who has gone away meanwhile leaves it to the next.
                match waiting.send(made) {
                    Ok(()) => return,
                    Err(back) => made = back,
                }
            }
            if let Ok(key) = made {
                state.ready.push(key);
            }
        });
    }

    async fn fill(&self) {
        loop {
            let quiet = tokio::time::timeout(QUIET, self.inner.taken.notified()).await.is_err();
            if !quiet {
                continue;
            }
            let (full, busy) = {
                let state = self.inner.state.lock();
                (state.ready.len() + state.under_way >= self.inner.size, state.under_way > 0)
            };
            if full {
                self.inner.taken.notified().await;
            } else if !busy {
                // One at a time: a second core stays free for tokens.
                self.begin();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_are_given_once_whether_made_before_or_on_the_spot() {
        let pool = RsaPool::start(1, 1, CancellationToken::new());
        let (first, second, third) = tokio::join!(pool.take(), pool.take(), pool.take());
        let (first, second, third) = (first.unwrap(), second.unwrap(), third.unwrap());
        assert!(first != second && second != third && first != third);
    }

    #[tokio::test]
    async fn the_pool_is_filled_to_its_size_and_no_further() {
        let pool = RsaPool::start(2, 0, CancellationToken::new());
        let ready = || async { pool.inner.state.lock().ready.len() == 2 };
        latchkey_test_support::eventually("two keys are ready", 60, ready).await;
        let state = pool.inner.state.lock();
        assert_eq!((state.ready.len(), state.under_way), (2, 0));
    }
}
