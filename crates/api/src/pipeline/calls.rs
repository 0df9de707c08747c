//! The caller's end of one stream: calls that wait to be sent, and calls that wait for their reply.

use crate::pipeline::v1::Reply;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use parking_lot::Mutex;
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};
use tokio::sync::Notify;

/// How many calls may wait on one stream. Beyond it the replica is overwhelmed, and waiting longer would only make it worse.
const MAX_WAITING: usize = 16 * 1024;

/// One stream's calls.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    state: Mutex<State>,
    /// No more calls may be started here.
    closed: AtomicBool,
    /// Told when the stream takes no more calls.
    unusable: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Encoded calls that the connection hasn't taken yet.
    out: BytesMut,
    /// Wakes the task that sends, while it waits for calls.
    sender: Option<Waker>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    waiting: usize,
    /// The stream takes no more calls; those under way are still answered.
    stopping: bool,
    /// The stream has ended; nothing is answered any more.
    ended: bool,
    /// Wakes the task that reads, so that it looks after deadlines, unless it does already.
    timekeeper: Option<Waker>,
}

#[derive(Debug)]
struct Slot {
    /// Grows with each use, so that a late reply doesn't answer the slot's next call.
    generation: u32,
    deadline: Instant,
    state: SlotState,
}

#[derive(Debug)]
enum SlotState {
    Free,
    Waiting(Option<Waker>),
    Done(Result<Reply, Failure>),
}

/// Why a call has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The stream broke; whether the call was run is unknown.
    Broken,
    /// The deadline passed.
    Expired,
}

/// Why a call can't be put on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It has ended, or is about to.
    Closed,
    /// Too many calls wait on it.
    Full,
}

impl Calls {
    /// Whether calls may be started here.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Puts a call on the stream. `encode` is given the buffer to append its frame to, and the call's id.
    pub(crate) fn start(
        self: &Arc<Self>,
        deadline: Instant,
        encode: impl FnOnce(&mut BytesMut, u64),
    ) -> Result<Answer, Refused> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.stopping || state.ended {
            return Err(Refused::Closed);
        }
        if state.waiting >= MAX_WAITING {
            return Err(Refused::Full);
        }
        let index = state.take_slot(deadline);
        let id = id_of(index, state.slots[index as usize].generation);
        encode(&mut state.out, id);
        let (sender, timekeeper) = (state.sender.take(), state.timekeeper.take());
        drop(guard);
        for waker in [sender, timekeeper].into_iter().flatten() {
            waker.wake();
        }
        Ok(Answer { calls: Arc::clone(self), index, taken: false })
    }

    /// Hands replies to their callers.
    pub(crate) fn deliver(&self, replies: &mut Vec<Reply>, wakers: &mut Vec<Waker>) {
        let mut state = self.state.lock();
        for reply in replies.drain(..) {
            let (index, generation) = (reply.id as u32, (reply.id >> 32) as u32);
            let Some(slot) = index.checked_sub(1).and_then(|index| state.slots.get_mut(index as usize))
            else {
                continue;
            };
            if slot.generation == generation
                && let SlotState::Waiting(waker) = &mut slot.state
            {
                wakers.extend(waker.take());
                slot.state = SlotState::Done(Ok(reply));
            }
        }
        drop(state);
        wake_all(wakers);
    }

    /// Fails the calls whose deadline has passed. Says whether any call still waits; if none does, `timekeeper` is woken at the next.
    pub(crate) fn expire(&self, now: Instant, timekeeper: &Waker, wakers: &mut Vec<Waker>) -> bool {
        let mut state = self.state.lock();
        for slot in &mut state.slots {
            if slot.deadline <= now {
                slot.fail(Failure::Expired, wakers);
            }
        }
        let waits = state.waiting > 0;
        if !waits {
            state.timekeeper = Some(timekeeper.clone());
        }
        drop(state);
        wake_all(wakers);
        waits
    }

    /// Takes no more calls, and ends the stream when those under way are answered.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopping = true;
        let sender = state.sender.take();
        drop(state);
        self.close();
        if let Some(waker) = sender {
            waker.wake();
        }
    }

    /// Fails all calls: the stream is gone.
    pub(crate) fn end(&self) {
        let mut wakers = Vec::new();
        let mut state = self.state.lock();
        state.ended = true;
        for slot in &mut state.slots {
            slot.fail(Failure::Broken, &mut wakers);
        }
        wakers.extend(state.sender.take());
        drop(state);
        self.close();
        wake_all(&mut wakers);
    }

    /// Resolves when no more calls may be started here.
    pub(crate) async fn unusable(&self) {
        while self.is_open() {
            let notified = self.unusable.notified();
            if self.is_open() {
                notified.await;
            }
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.unusable.notify_one();
    }
}

impl State {
    fn take_slot(&mut self, deadline: Instant) -> u32 {
        self.waiting += 1;
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.generation = slot.generation.wrapping_add(1);
            slot.deadline = deadline;
            slot.state = SlotState::Waiting(None);
            return index;
        }
        self.slots.push(Slot { generation: 0, deadline, state: SlotState::Waiting(None) });
        u32::try_from(self.slots.len() - 1).expect("there are at most MAX_WAITING slots")
    }

    fn release(&mut self, index: u32) -> SlotState {
        self.waiting -= 1;
        self.free.push(index);
        if self.stopping
            && self.waiting == 0
            && let Some(sender) = self.sender.take()
        {
            sender.wake();
        }
        std::mem::replace(&mut self.slots[index as usize].state, SlotState::Free)
    }
}

impl Slot {
    fn fail(&mut self, failure: Failure, wakers: &mut Vec<Waker>) {
        if let SlotState::Waiting(waker) = &mut self.state {
            wakers.extend(waker.take());
            self.state = SlotState::Done(Err(failure));
        }
    }
}

/// Ids start above [`STOPPING`](super::STOPPING).
fn id_of(index: u32, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(index + 1)
}

fn wake_all(wakers: &mut Vec<Waker>) {
    for waker in wakers.drain(..) {
        waker.wake();
    }
}

/// The reply to a call, when it comes. Dropping it gives the call up.
#[derive(Debug)]
pub(crate) struct Answer {
    calls: Arc<Calls>,
    index: u32,
    taken: bool,
}

impl Future for Answer {
    type Output = Result<Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut state = this.calls.state.lock();
        let ended = state.ended;
        match &mut state.slots[this.index as usize].state {
            SlotState::Waiting(_) if ended => {}
            SlotState::Waiting(Some(waker)) if waker.will_wake(cx.waker()) => return Poll::Pending,
            SlotState::Waiting(waker) => {
                *waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            SlotState::Done(_) | SlotState::Free => {}
        }
        this.taken = true;
        match state.release(this.index) {
            SlotState::Done(outcome) => Poll::Ready(outcome),
            SlotState::Waiting(_) | SlotState::Free => Poll::Ready(Err(Failure::Broken)),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.taken {
            // Bound, so that the lock is released before a reply is dropped.
            let _reply = self.calls.state.lock().release(self.index);
        }
    }
}

/// The body of the request that opens the stream: the calls, as they come.
pub(crate) struct Outgoing {
    calls: Arc<Calls>,
    /// Calls were seen, and others that are just being made were given the time to join them.
    gathered: bool,
}

impl Outgoing {
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        Self { calls, gathered: false }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        let mut state = this.calls.state.lock();
        if !state.out.is_empty() {
            if !this.gathered {
                // Goes to the back of the run queue: the tasks before it put their calls into the same DATA frame.
                this.gathered = true;
                drop(state);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            this.gathered = false;
            return Poll::Ready(Some(Ok(Frame::data(state.out.split().freeze()))));
        }
        if state.ended || state.stopping && state.waiting == 0 {
            return Poll::Ready(None);
        }
        state.sender = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Outgoing {
    /// The connection has let go of the stream.
    fn drop(&mut self) {
        self.calls.close();
    }
}
