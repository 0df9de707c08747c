//! What accompanies a request over all hops: its id, and the W3C trace context.
//!
//! The gateway makes a [`RequestContext`] per request and [scopes](RequestContext::scope) the handler with it. Forwarders read it
//! from there and send it along; servers scope their handlers with it again. In one process nothing has to be sent.

use http::HeaderMap;
use std::{future::Future, sync::Arc};
use tonic::metadata::MetadataMap;

/// The metadata and HTTP header that carries the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// The metadata and HTTP header that carries the request's id.
pub const REQUEST_ID: &str = "x-request-id";

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// The identity of a request. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// Finds the request's log lines; empty where it has none.
    pub request_id: Arc<str>,
    /// W3C `traceparent` of the span that makes the calls; empty where nothing is traced.
    pub traceparent: Arc<str>,
}

impl RequestContext {
    /// A context; `None` where both are empty.
    pub fn new(request_id: impl Into<Arc<str>>, traceparent: impl Into<Arc<str>>) -> Option<Self> {
        let context = Self { request_id: request_id.into(), traceparent: traceparent.into() };
        (!context.request_id.is_empty() || !context.traceparent.is_empty()).then_some(context)
    }

    /// The context of the request that this task works for.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `future` as part of this request.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Reads the context from headers; `None` where they have neither.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self::new(text(REQUEST_ID), text(TRACEPARENT))
    }

    /// Writes the context to the metadata of a call. What isn't visible ASCII is left out.
    pub fn write_to(&self, metadata: &mut MetadataMap) {
        for (name, text) in [(TRACEPARENT, &self.traceparent), (REQUEST_ID, &self.request_id)] {
            if let (false, Ok(value)) = (text.is_empty(), text.parse()) {
                metadata.insert(name, value);
            }
        }
    }

    /// Hands the current context to `read` without cloning it.
    pub(crate) fn read_current<T>(read: impl FnOnce(Option<&Self>) -> T) -> T {
        let mut read = Some(read);
        let found = CURRENT.try_with(|context| read.take().map(|read| read(Some(context))));
        match (found, read) {
            (Ok(Some(value)), _) => value,
            (_, Some(read)) => read(None),
            _ => unreachable!("the context is read once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_context_lives_in_its_scope_only() {
        let context = RequestContext::new("r1", "").unwrap();
        assert_eq!(RequestContext::current(), None);
        assert_eq!(context.clone().scope(async { RequestContext::current() }).await, Some(context.clone()));
        let seen = context.scope(async { RequestContext::read_current(|c| c.map(|c| c.request_id.clone())) });
        assert_eq!(seen.await.as_deref(), Some("r1"));
        assert!(RequestContext::read_current(|context| context.is_none()));
    }

    #[test]
    fn a_context_survives_metadata() {
        let context =
            RequestContext::new("r1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        let mut metadata = MetadataMap::new();
        context.write_to(&mut metadata);
        assert_eq!(RequestContext::from_headers(&metadata.into_headers()), Some(context));
        assert_eq!(RequestContext::from_headers(&HeaderMap::new()), None);
    }
}
