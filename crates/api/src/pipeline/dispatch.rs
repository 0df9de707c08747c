//! From a call on the stream to the method of a service, and its outcome back.

use super::frame::{put_failure, put_reply};
use crate::{
    context::RequestContext,
    error,
    revision::{self, Applied},
};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use prost::Message;
use std::{future::Future, sync::Arc};
use tonic::{Request, Response, Status};
use tracing::{Instrument as _, Span};

/// The replies of one stream that wait to be sent.
pub(crate) type Outbox = Arc<Mutex<BytesMut>>;

/// One service's methods that may be called over the pipeline. The implementations are generated.
pub(crate) trait Dispatch: Send + Sync + 'static {
    /// The full name of the service.
    fn service(&self) -> &'static str;
    /// The future that runs the method and writes its reply; `None` if there is no such method here.
    fn dispatch(&self, method: &str, call: Incoming) -> Option<BoxFuture<'static, ()>>;
}

/// A call as it arrived.
pub(crate) struct Incoming {
    pub(crate) id: u64,
    pub(crate) payload: Bytes,
    pub(crate) context: Option<RequestContext>,
    pub(crate) min_revision: u64,
    pub(crate) applied: Arc<dyn Applied>,
    pub(crate) span: Span,
    pub(crate) outbox: Outbox,
}

impl Incoming {
    /// Runs `method` as part of the caller's request, and writes the reply.
    pub(crate) async fn answer<Q, A, M, F>(self, method: M)
    where
        Q: Message + Default,
        A: Message,
        M: FnOnce(Request<Q>) -> F,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let Self { id, payload, context, min_revision, applied, span, outbox } = self;
        let run = async move {
            let request = Q::decode(payload).map_err(|_| {
                error::status(error::Kind::Invalid, "MALFORMED_REQUEST", "the request can't be read")
            })?;
            revision::reach(&*applied, min_revision).await?;
            method(Request::new(request)).await
        };
        let run = run.instrument(span);
        let outcome = match context {
            Some(context) => context.scope(run).await,
            None => run.await,
        };
        let mut out = outbox.lock();
        match outcome {
            Ok(response) => put_reply(&mut out, id, response.get_ref()),
            Err(status) => put_failure(&mut out, id, &status),
        }
    }
}
