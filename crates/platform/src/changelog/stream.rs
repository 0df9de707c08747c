//! The change log as a stream without end: the answer to `Watch`.

use latchkey_api::ChangeStream;
use latchkey_api::common::v1::WatchResponse;
use tonic::Status;

use super::ChangeLog;

impl ChangeLog {
    /// All changes after `revision`, and then whatever comes. Ends with an error when the database fails: the follower
    /// asks again from where it was.
    #[must_use]
    pub fn watch(&self, revision: u64) -> ChangeStream {
        let state = (self.clone(), self.inner.head.subscribe(), revision, Vec::new().into_iter());
        Box::pin(futures::stream::try_unfold(state, |(log, mut head, mut at, mut ready)| async move {
            loop {
                if let Some(change) = ready.next() {
                    let change: latchkey_api::common::v1::Change = change;
                    at = change.revision;
                    return Ok(Some((WatchResponse { change: Some(change) }, (log, head, at, ready))));
                }
                let reached = head.wait_for(|head| *head > at).await.is_ok();
                if !reached {
                    return Ok(None);
                }
                ready = log
                    .read(at)
                    .await
                    .map_err(|_| Status::unavailable("the change log cannot be read"))?
                    .into_iter();
            }
        }))
    }
}
