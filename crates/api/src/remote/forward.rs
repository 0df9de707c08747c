//! How a forwarder passes a call on. The forwarders themselves, one for each service, are generated.

use super::{
    link::{Link, is_broken, timed_out, unavailable},
    replica::Replica,
    replicas::Replicas,
    target::{Error, Target},
};
use crate::{
    context::RequestContext,
    error,
    pipeline::{
        calls::{Failure, Refused},
        frame::{CallHead, put_call},
        v1::Reply,
    },
    revision::{self, HighestRevision, MIN_REVISION, REPLICA_BEHIND, REVISION},
};
use prost::Message;
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::{Code, Request, Response, Status, metadata::MetadataMap};

/// What a forwarder knows of a method from the contract.
#[derive(Debug)]
pub(crate) struct Method {
    /// `/latchkey.issuer.v1.TokenIssuer/Issue`.
    pub(crate) path: &'static str,
    /// Whether running it twice does no harm (`idempotency_level`): then it is tried once more when its connection fails.
    pub(crate) idempotent: bool,
}

/// The way to one service.
#[derive(Debug)]
pub(crate) struct Forward {
    replicas: Replicas,
    highest: HighestRevision,
}

impl Forward {
    pub(crate) fn new(target: Target) -> Result<Self, Error> {
        Ok(Self { replicas: Replicas::find(target)?, highest: HighestRevision::default() })
    }

    /// Calls a method over the pipeline.
    pub(crate) async fn pipelined<Q: Message, A: Message + Default>(
        &self,
        method: &Method,
        request: Request<Q>,
    ) -> Result<Response<A>, Status> {
        let deadline = self.deadline(request.metadata());
        let mut retries = Retries::of(method);
        loop {
            let replica = self.replicas.choose(deadline, retries.failed.as_ref()).await?;
            let Some(calls) = replica.calls() else { continue };
            let _in_flight = replica.begin();
            let timeout = deadline.saturating_duration_since(Instant::now());
            let started = RequestContext::read_current(|context| {
                calls.start(deadline, |out, id| {
                    let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX).max(1);
                    let min_revision = self.highest.get();
                    let head = CallHead { id, method: method.path, timeout_ms, context, min_revision };
                    put_call(out, &head, request.get_ref());
                })
            });
            let answer = match started {
                Ok(answer) => answer,
                Err(Refused::Closed) => continue,
                Err(Refused::Full) => return Err(unavailable(None)),
            };
            match answer.await {
                Ok(reply) if reply.reason == REPLICA_BEHIND && retries.after_refusal(&replica) => {}
                Ok(reply) => return read_reply(reply),
                Err(Failure::Expired) => return Err(timed_out()),
                Err(Failure::Broken) if retries.after_break(&replica) => {}
                Err(Failure::Broken) => return Err(unavailable(None)),
            }
        }
    }

    /// Calls a method with an answer of its own.
    pub(crate) async fn unary<Q, A, C, F>(
        &self,
        method: &Method,
        request: Request<Q>,
        call: C,
    ) -> Result<Response<A>, Status>
    where
        Q: Message + Clone,
        C: Fn(Link, usize, Request<Q>) -> F,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = self.deadline(request.metadata());
        let (mut metadata, _, message) = request.into_parts();
        self.write_to(&mut metadata);
        let mut retries = Retries::of(method);
        loop {
            let replica = self.replicas.choose(deadline, retries.failed.as_ref()).await?;
            let _in_flight = replica.begin();
            let mut request = Request::new(message.clone());
            *request.metadata_mut() = metadata.clone();
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let answer = call(replica.link(), self.replicas.target().settings.max_response, request);
            let outcome = match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(outcome) => outcome,
                Err(_) => return Err(timed_out()),
            };
            match outcome {
                Err(status) if is_broken(&status) && retries.after_break(&replica) => {}
                Err(status) if is_behind(&status) && retries.after_refusal(&replica) => {}
                // What tonic's server says when the time it was given is over.
                Err(status) if status.code() == Code::Cancelled => return Err(timed_out()),
                Err(status) => return Err(status),
                Ok(response) => {
                    if let Some(revision) = revision::read(response.metadata(), REVISION) {
                        self.highest.observe(revision);
                    }
                    return Ok(response);
                }
            }
        }
    }

    /// Opens a stream of answers. It has no deadline; it ends with the connection.
    pub(crate) async fn streaming<Q, A, C, F>(&self, request: Request<Q>, call: C) -> Result<A, Status>
    where
        C: FnOnce(Link, usize, Request<Q>) -> F,
        F: Future<Output = Result<A, Status>>,
    {
        let mut request = request;
        self.write_to(request.metadata_mut());
        let deadline = Instant::now() + self.replicas.target().settings.call_timeout;
        let replica = self.replicas.choose(deadline, None).await?;
        call(replica.link(), self.replicas.target().settings.max_response, request).await
    }

    fn write_to(&self, metadata: &mut MetadataMap) {
        RequestContext::read_current(|context| {
            if let Some(context) = context {
                context.write_to(metadata);
            }
        });
        let revision = self.highest.get();
        if revision > 0 {
            metadata.insert(MIN_REVISION, revision.into());
        }
    }

    fn deadline(&self, metadata: &MetadataMap) -> Instant {
        let timeout = if metadata.is_empty() { None } else { grpc_timeout(metadata) };
        Instant::now() + timeout.unwrap_or(self.replicas.target().settings.call_timeout)
    }
}

/// Whether a call that failed may be tried once more: at another replica, where there is one.
struct Retries {
    idempotent: bool,
    failed: Option<Arc<Replica>>,
}

impl Retries {
    fn of(method: &Method) -> Self {
        Self { idempotent: method.idempotent, failed: None }
    }

    /// The connection broke; the call may have been run.
    fn after_break(&mut self, replica: &Arc<Replica>) -> bool {
        self.idempotent && self.after_refusal(replica)
    }

    /// The replica has not run the call.
    fn after_refusal(&mut self, replica: &Arc<Replica>) -> bool {
        let first = self.failed.is_none();
        self.failed = Some(Arc::clone(replica));
        first
    }
}

fn is_behind(status: &Status) -> bool {
    status.code() == Code::Unavailable && error::reason(status).as_deref() == Some(REPLICA_BEHIND)
}

fn read_reply<A: Message + Default>(reply: Reply) -> Result<Response<A>, Status> {
    if reply.code != 0 {
        let code = i32::try_from(reply.code).map_or(Code::Unknown, Code::from_i32);
        return Err(error::with_reason(code, &reply.reason, reply.message));
    }
    match A::decode(reply.payload) {
        Ok(answer) => Ok(Response::new(answer)),
        Err(_) => Err(error::status(error::Kind::Internal, "MALFORMED_RESPONSE", "the answer can't be read")),
    }
}

/// The `grpc-timeout` of a request: up to eight digits and a unit.
fn grpc_timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let value: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(value.checked_mul(3600)?),
        "M" => Duration::from_secs(value.checked_mul(60)?),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_tonic_writes_as_timeout() {
        for timeout in [1, 250, 5_000, 86_400_000].map(Duration::from_millis) {
            let mut request = Request::new(());
            request.set_timeout(timeout);
            assert_eq!(grpc_timeout(request.metadata()), Some(timeout));
        }
        for rubbish in ["", "S", "5", "-1S", "5x", "999999999999999999999S"] {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", rubbish.parse().unwrap());
            assert_eq!(grpc_timeout(&metadata), None, "{rubbish}");
        }
    }
}
