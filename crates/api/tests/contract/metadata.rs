//! What travels beside a request: its context, the revision to be read, the reason of a refusal.

use crate::scripted::{Scripted, alive};
use crate::support::{Addresses, Replica, check};
use latchkey_api::{
    context::RequestContext,
    error::{self, Kind},
    revision,
    session::v1::{EndRequest, EndResponse},
};
use std::sync::Arc;
use tokio::sync::watch;
use tonic::{Code, Request, Response};

#[tokio::test]
async fn reasons_survive_the_way_back() {
    let refuse = || error::status(Kind::NotFound, "CLIENT_NOT_FOUND", "no such client");
    let service = Scripted {
        check: Arc::new(move |_| Box::pin(async move { Err(refuse()) })),
        end: Arc::new(move |_| Box::pin(async move { Err(refuse()) })),
        ..Scripted::default()
    };
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let pipelined = check(&*sessions, "").await.unwrap_err();
    let unary = sessions.end(Request::new(EndRequest::default())).await.unwrap_err();
    for status in [pipelined, unary] {
        assert_eq!((status.code(), status.message()), (Code::NotFound, "no such client"));
        assert_eq!(error::reason(&status).as_deref(), Some("CLIENT_NOT_FOUND"));
    }
}

#[tokio::test]
async fn the_context_of_a_request_follows_it() {
    let seen = || {
        RequestContext::current()
            .map(|seen| format!("{} {}", seen.request_id, seen.traceparent))
            .unwrap_or_default()
    };
    let service = Scripted {
        check: Arc::new(move |_| Box::pin(async move { Ok(alive(seen())) })),
        end: Arc::new(move |_| {
            Box::pin(async move {
                assert_eq!(seen(), "r-1 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
                Ok(Response::new(EndResponse { existed: true, ..EndResponse::default() }))
            })
        }),
        ..Scripted::default()
    };
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let context =
        RequestContext::new("r-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let calls = async {
        let pipelined = check(&*sessions, "").await.unwrap();
        assert_eq!(pipelined, "r-1 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert!(sessions.end(Request::new(EndRequest::default())).await.unwrap().into_inner().existed);
    };
    context.scope(calls).await;
    assert_eq!(check(&*sessions, "").await.unwrap(), "", "outside of a request there is none");
}

#[tokio::test]
async fn a_read_waits_until_the_replica_has_what_was_written() {
    let service = Scripted {
        end: Arc::new(|_| {
            Box::pin(async {
                let mut response = Response::new(EndResponse::default());
                revision::set_revision(&mut response, 7);
                Ok(response)
            })
        }),
        ..Scripted::default()
    };
    let (applied, receiver) = watch::channel(6);
    let any = "127.0.0.1:0".parse().unwrap();
    let replica = Replica::start_at(any, service, Arc::new(receiver), None);
    let sessions = Addresses::of(&[&replica]).connect();
    assert_eq!(check(&*sessions, "before").await.unwrap(), "before");
    let written = sessions.end(Request::new(EndRequest::default())).await.unwrap();
    assert_eq!(revision::revision_of(&written), Some(7));

    let pipelined = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { check(&*sessions, "after").await }
    });
    let unary = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { sessions.end(Request::new(EndRequest::default())).await }
    });
    // The replica holds both back: two receivers wait beside the one it was given for each of its two layers.
    crate::support::eventually("both wait", || applied.receiver_count() >= 3).await;
    assert!(!pipelined.is_finished() && !unary.is_finished());
    applied.send_replace(7);
    assert_eq!(pipelined.await.unwrap().unwrap(), "after");
    assert!(unary.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_replica_that_stays_behind_is_passed_over() {
    let named = |name: &'static str| Scripted {
        check: Arc::new(move |_| Box::pin(async move { Ok(alive(name.to_owned())) })),
        end: Arc::new(|_| {
            Box::pin(async {
                let mut response = Response::new(EndResponse::default());
                revision::set_revision(&mut response, 7);
                Ok(response)
            })
        }),
        ..Scripted::default()
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let (_behind, behind) = watch::channel(6);
    let (_current, current) = watch::channel(7);
    let behind = Replica::start_at(any, named("behind"), Arc::new(behind), None);
    let current = Replica::start_at(any, named("current"), Arc::new(current), None);
    let sessions = Addresses::of(&[&behind, &current]).connect();
    while check(&*sessions, "").await.unwrap() != "behind" {
        tokio::task::yield_now().await;
    }
    sessions.end(Request::new(EndRequest::default())).await.unwrap();
    let pipelined = futures::future::join_all((0..8).map(|_| check(&*sessions, "")));
    let unary = futures::future::join_all((0..8).map(|_| sessions.end(Request::new(EndRequest::default()))));
    let (pipelined, unary) = tokio::join!(pipelined, unary);
    for answer in pipelined {
        assert_eq!(answer.unwrap(), "current");
    }
    assert!(unary.iter().all(Result::is_ok));
}
