//! The service's end: runs the calls of each stream, and sends their replies as they become ready.

use super::{
    OPEN_PATH, STOPPING,
    dispatch::{Dispatch, Incoming, Outbox},
    frame::{Frames, put_failure},
};
use crate::{
    context::RequestContext,
    error::{self, Kind},
    pipeline::v1::Call,
    revision::Applied,
    server::SpanOf,
};
use bytes::Bytes;
use futures::{FutureExt as _, Stream as _, future::BoxFuture, stream::FuturesUnordered};
use http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE};
use hyper::body::{Body as _, Frame};
use prost::Message as _;
use std::{
    convert::Infallible,
    fmt,
    future::{Future as _, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::AbortOnDropHandle,
};
use tonic::{Status, body::Body, server::NamedService};

/// How long a stream's own task runs calls before the others of the same batch get tasks of their own. An answer from memory takes
/// a few microseconds; what signs with RSA should use the other cores.
const INLINE: Duration = Duration::from_micros(150);
/// How many calls of one stream may be under way. The caller's further ones wait in the connection.
const MAX_RUNNING: usize = 4096;

/// Serves [`Pipeline`](crate::pipeline::v1::pipeline_server::Pipeline) with the services of this process: add them with the method
/// that is named after each, then give it to tonic's router. A service without pipelined methods serves it too: callers tell by the
/// open stream that a replica is there.
#[derive(Clone)]
pub struct PipelineService {
    services: Vec<Arc<dyn Dispatch>>,
    applied: Arc<dyn Applied>,
    stopping: CancellationToken,
    span_of: Option<SpanOf>,
}

impl PipelineService {
    /// A service without methods. `applied` says how far this replica has followed its own change log. When `stopping` is cancelled,
    /// callers are told to use other replicas, and each stream ends when the calls under way are answered.
    pub fn new(applied: Arc<dyn Applied>, stopping: CancellationToken) -> Self {
        Self { services: Vec::new(), applied, stopping, span_of: None }
    }

    /// Makes a span for each call.
    #[must_use]
    pub fn with_spans(self, span_of: SpanOf) -> Self {
        Self { span_of: Some(span_of), ..self }
    }

    pub(crate) fn add(mut self, service: impl Dispatch) -> Self {
        self.services.push(Arc::new(service));
        self
    }

    fn open(&self, request: Request<Body>) -> Response<Body> {
        if request.uri().path() != OPEN_PATH {
            return Status::unimplemented("no such method").into_http();
        }
        if self.stopping.is_cancelled() {
            return error::status(Kind::Unavailable, "STOPPING", "this replica is about to stop").into_http();
        }
        let replies = Replies {
            calls: request.into_body(),
            frames: Frames::default(),
            no_more_calls: false,
            running: FuturesUnordered::new(),
            outbox: Outbox::default(),
            stopping: Some(Box::pin(self.stopping.clone().cancelled_owned())),
            ended: false,
            service: self.clone(),
        };
        let mut response = Response::new(Body::new(replies));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        response
    }
}

impl fmt::Debug for PipelineService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<_> = self.services.iter().map(|service| service.service()).collect();
        f.debug_struct("PipelineService").field("services", &services).finish_non_exhaustive()
    }
}

impl NamedService for PipelineService {
    const NAME: &'static str = "latchkey.pipeline.v1.Pipeline";
}

impl tower::Service<Request<Body>> for PipelineService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(self.open(request)))
    }
}

/// The body of the response: reading it runs the calls. The connection polls it in a task of its own for each stream.
struct Replies {
    calls: Body,
    frames: Frames,
    no_more_calls: bool,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    outbox: Outbox,
    /// `None` once the caller has been told.
    stopping: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    ended: bool,
    service: PipelineService,
}

impl hyper::body::Body for Replies {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if let Some(stopping) = &mut this.stopping
            && stopping.as_mut().poll(cx).is_ready()
        {
            this.stopping = None;
            put_failure(
                &mut this.outbox.lock(),
                STOPPING,
                &Status::unavailable("this replica is about to stop"),
            );
        }
        if let Err(status) = this.take_calls(cx) {
            this.ended = true;
            return Poll::Ready(Some(Err(status)));
        }
        while let Poll::Ready(Some(())) = Pin::new(&mut this.running).poll_next(cx) {}

        let mut out = this.outbox.lock();
        if !out.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(out.split().freeze()))));
        }
        if this.no_more_calls && this.running.is_empty() {
            this.ended = true;
            let mut trailers = HeaderMap::new();
            trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Poll::Pending
    }
}

impl Replies {
    /// Begins the calls that have arrived, and runs each up to where it first waits.
    fn take_calls(&mut self, cx: &mut Context<'_>) -> Result<(), Status> {
        let began = Instant::now();
        let mut inline = true;
        while self.running.len() < MAX_RUNNING {
            if self.frames.has_data() {
                while let Some(message) =
                    self.frames.next().map_err(|malformed| Status::internal(malformed.to_string()))?
                {
                    let call = Call::decode(message)
                        .map_err(|_| Status::internal("malformed call on a pipeline"))?;
                    self.begin(call, inline, cx);
                    inline = inline && (!self.frames.has_data() || began.elapsed() < INLINE);
                }
            }
            // What is ready leaves before more is taken on.
            if self.no_more_calls || !inline && !self.outbox.lock().is_empty() {
                break;
            }
            match Pin::new(&mut self.calls).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.frames.push(data);
                    }
                }
                Poll::Ready(Some(Err(status))) => return Err(status),
                Poll::Ready(None) => self.no_more_calls = true,
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    fn begin(&mut self, call: Call, inline: bool, cx: &mut Context<'_>) {
        let (id, timeout_ms) = (call.id, call.timeout_ms);
        let mut future = match self.dispatch(call) {
            Ok(future) => future,
            Err(status) => return put_failure(&mut self.outbox.lock(), id, &status),
        };
        let outbox = Arc::clone(&self.outbox);
        if inline {
            match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(Poll::Ready(())) => return,
                Ok(Poll::Pending) => {}
                Err(_) => return put_failure(&mut outbox.lock(), id, &panicked()),
            }
        }
        let guarded = async move {
            let future = AssertUnwindSafe(future).catch_unwind();
            let outcome = match timeout_ms {
                0 => Ok(future.await),
                _ => tokio::time::timeout(Duration::from_millis(timeout_ms.into()), future).await,
            };
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(_)) => put_failure(&mut outbox.lock(), id, &panicked()),
                Err(_) => {
                    put_failure(&mut outbox.lock(), id, &Status::deadline_exceeded("the call took too long"))
                }
            }
        };
        self.running.push(if inline {
            guarded.boxed()
        } else {
            let task = AbortOnDropHandle::new(tokio::spawn(guarded));
            task.map(|_| ()).boxed()
        });
    }

    fn dispatch(&self, call: Call) -> Result<BoxFuture<'static, ()>, Status> {
        let unknown = || Status::unimplemented("no such method on this pipeline");
        let (service, method) =
            call.method.strip_prefix('/').and_then(|name| name.split_once('/')).ok_or_else(unknown)?;
        let dispatch =
            self.service.services.iter().find(|known| known.service() == service).ok_or_else(unknown)?;
        let context = RequestContext::new(call.request_id, call.traceparent);
        let span = match &self.service.span_of {
            Some(span_of) => span_of(&call.method, context.as_ref()),
            None => tracing::Span::none(),
        };
        let incoming = Incoming {
            id: call.id,
            payload: call.payload,
            context,
            min_revision: call.min_revision,
            applied: Arc::clone(&self.service.applied),
            span,
            outbox: Arc::clone(&self.outbox),
        };
        dispatch.dispatch(method, incoming).ok_or_else(unknown)
    }
}

fn panicked() -> Status {
    error::status(Kind::Internal, "PANIC", "the call failed")
}
