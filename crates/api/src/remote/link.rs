//! The connection to one replica, as the generated clients use it.

use futures::future::BoxFuture;
use http::{Request, Response};
use std::{
    error::Error as StdError,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};
use tonic::{Status, TimeoutExpired, body::Body, transport};
use tower::{Service, ServiceExt as _};

/// A channel whose own failures can be told from the answers of the service.
#[derive(Clone, Debug)]
pub(crate) struct Link(transport::Channel);

impl Link {
    pub(crate) fn new(channel: transport::Channel) -> Self {
        Self(channel)
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.0.clone();
        Box::pin(async move { channel.oneshot(request).await.map_err(status_of) })
    }
}

/// The source of a status that the service itself has not sent: the call may or may not have been run.
#[derive(Debug)]
struct Broken(Option<transport::Error>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection to the service failed")
    }
}

impl StdError for Broken {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}

fn status_of(error: transport::Error) -> Status {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(current) = cause {
        if current.is::<TimeoutExpired>() {
            return timed_out();
        }
        cause = current.source();
    }
    unavailable(Some(error))
}

/// The status of a call whose connection failed. The message names no address; the cause is in the source.
pub(crate) fn unavailable(cause: Option<transport::Error>) -> Status {
    let mut status = Status::unavailable("the service can't be reached");
    status.set_source(Arc::new(Broken(cause)));
    status
}

/// The status of a call that took longer than its caller waits.
pub(crate) fn timed_out() -> Status {
    Status::deadline_exceeded("the service took too long")
}

/// Whether the connection failed, so that an idempotent call may be tried at another replica.
pub(crate) fn is_broken(status: &Status) -> bool {
    status.source().is_some_and(|source| source.is::<Broken>())
}
