//! Reads the replies of one stream, and looks after the deadlines of its calls.

use super::{STOPPING, calls::Calls, frame::Frames};
use crate::pipeline::v1::Reply;
use hyper::body::Body as _;
use prost::Message as _;
use std::{
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tonic::body::Body;

/// How often deadlines are looked after: a call fails at most this much late. One timer for all calls of a stream costs nothing
/// per call.
const TICK: Duration = Duration::from_millis(20);

/// Delivers replies until the stream ends; then the calls that have none fail.
pub(crate) async fn read(calls: Arc<Calls>, body: Body) {
    let _end = EndOnDrop(&calls);
    let mut reader = Reader { body, frames: Frames::default(), replies: Vec::new(), wakers: Vec::new() };
    let mut timer = pin!(tokio::time::sleep(TICK));
    let mut ticking = true;
    poll_fn(|cx| {
        if reader.poll(&calls, cx).is_ready() {
            return Poll::Ready(());
        }
        // While no call waits the timer rests, and the next call wakes this task.
        loop {
            if ticking {
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                ticking = false;
            }
            if !calls.expire(Instant::now(), cx.waker(), &mut reader.wakers) {
                return Poll::Pending;
            }
            timer.as_mut().reset(tokio::time::Instant::now() + TICK);
            ticking = true;
        }
    })
    .await;
}

struct Reader {
    body: Body,
    frames: Frames,
    /// Kept for their capacity.
    replies: Vec<Reply>,
    wakers: Vec<Waker>,
}

impl Reader {
    /// Ready when the stream has ended.
    fn poll(&mut self, calls: &Calls, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let frame = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
            };
            let Ok(data) = frame.into_data() else { continue };
            self.frames.push(data);
            let taken = self.take_replies(calls);
            calls.deliver(&mut self.replies, &mut self.wakers);
            if taken.is_err() {
                return Poll::Ready(());
            }
        }
    }

    fn take_replies(&mut self, calls: &Calls) -> Result<(), ()> {
        while let Some(message) = self.frames.next().map_err(|_| ())? {
            let reply = Reply::decode(message).map_err(|_| ())?;
            if reply.id == STOPPING {
                calls.stop();
            } else {
                self.replies.push(reply);
            }
        }
        Ok(())
    }
}

/// However the reader ends, no call waits for ever.
struct EndOnDrop<'a>(&'a Calls);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
