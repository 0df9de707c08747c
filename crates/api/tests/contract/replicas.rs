//! Several replicas: balance, failure, coming and going, mutual TLS.

use crate::certificates::Certificates;
use crate::scripted::{Scripted, alive};
use crate::support::{Addresses, Replica, check, eventually};
use futures::future::join_all;
use latchkey_api::{
    DynSessions,
    error::Kind,
    remote::{Error, RemoteSessions, Target},
    revision::NoChangeLog,
    session::v1::{EndRequest, OpenRequest},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use tonic::{Code, Request, Response, Status};

/// Answers with its name once the gate has a permit, and counts what it was asked.
fn gated(name: &'static str, gate: &Arc<Semaphore>) -> (Scripted, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, gate) = (Arc::clone(&asked), Arc::clone(gate));
    let (open_counted, open_gate) = (Arc::clone(&asked), Arc::clone(&gate));
    let service = Scripted {
        check: Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                gate.acquire().await.unwrap().forget();
                Ok(alive(name.to_owned()))
            })
        }),
        open: Arc::new(move |_| {
            open_counted.fetch_add(1, Ordering::SeqCst);
            let gate = Arc::clone(&open_gate);
            Box::pin(async move {
                gate.acquire().await.unwrap().forget();
                Ok(Default::default())
            })
        }),
        ..Scripted::default()
    };
    (service, asked)
}

/// Answers with its name at once.
fn named(name: &'static str) -> Scripted {
    Scripted {
        check: Arc::new(move |_| Box::pin(async move { Ok(alive(name.to_owned())) })),
        ..Scripted::default()
    }
}

/// Waits until ten calls in a row are answered while a replica that answers nothing still has a call under way. Calls that were
/// made before it was known to be gone are given up.
async fn all_go_elsewhere(sessions: &DynSessions) {
    let mut answered = 0;
    for _ in 0..1000 {
        match tokio::time::timeout(Duration::from_millis(50), check(sessions, "")).await {
            Ok(answer) => {
                assert_ne!(answer.unwrap(), "a");
                answered += 1;
            }
            Err(_) => answered = 0,
        }
        if answered == 10 {
            return;
        }
    }
    panic!("calls still go to the replica that is gone");
}

/// Waits until calls are answered by all of `names`.
async fn both_are_used(sessions: &DynSessions, names: &[&str]) {
    let mut missing: Vec<&str> = names.to_vec();
    for _ in 0..10_000 {
        let name = check(sessions, "").await.unwrap();
        missing.retain(|missing| *missing != name);
        if missing.is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("not used: {missing:?}");
}

#[tokio::test]
async fn calls_go_where_the_least_is_in_flight() {
    let gate = Arc::new(Semaphore::new(0));
    let ((a, a_asked), (b, b_asked)) = (gated("a", &gate), gated("b", &gate));
    let (a, b) = (Replica::start(a), Replica::start(b));
    let sessions = Addresses::of(&[&a, &b]).connect();
    gate.add_permits(2);
    // Both are connected once each has answered.
    while a_asked.load(Ordering::SeqCst) == 0 || b_asked.load(Ordering::SeqCst) == 0 {
        gate.add_permits(1);
        check(&*sessions, "").await.unwrap();
    }
    while let Ok(permit) = gate.try_acquire() {
        permit.forget();
    }
    let before = (a_asked.load(Ordering::SeqCst), b_asked.load(Ordering::SeqCst));
    let calls = join_all((0..20).map(|_| check(&*sessions, "")));
    let watch = eventually("all calls have arrived", || {
        a_asked.load(Ordering::SeqCst) + b_asked.load(Ordering::SeqCst) == before.0 + before.1 + 20
    });
    let (answers, ()) = tokio::join!(calls, async {
        watch.await;
        gate.add_permits(20);
    });
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(a_asked.load(Ordering::SeqCst), before.0 + 10);
    assert_eq!(b_asked.load(Ordering::SeqCst), before.1 + 10);
}

#[tokio::test]
async fn an_idempotent_call_survives_the_death_of_its_replica_and_another_does_not() {
    let gate = Arc::new(Semaphore::new(0));
    let (service, asked) = gated("a", &gate);
    let a = Replica::start(service);
    let addresses = Addresses::of(&[&a]);
    let sessions = addresses.connect();
    let idempotent = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { check(&*sessions, "").await }
    });
    let other = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { sessions.open(Request::new(OpenRequest::default())).await }
    });
    eventually("both calls have arrived", || asked.load(Ordering::SeqCst) == 2).await;
    let b = Replica::start(named("b"));
    addresses.set(&[&b]);
    a.kill();
    assert_eq!(idempotent.await.unwrap().unwrap(), "b");
    let status = other.await.unwrap().unwrap_err();
    assert_eq!(Kind::of(&status), Kind::Unavailable);
    assert!(!status.message().contains("127.0.0.1"), "{status}");
}

#[tokio::test]
async fn a_replica_that_comes_back_is_used_again() {
    let a = Replica::start(named("first life"));
    let address = a.address;
    let sessions = Addresses::of(&[&a]).connect();
    assert_eq!(check(&*sessions, "").await.unwrap(), "first life");
    a.kill();
    // The port is free once the dead replica's threads have let go of it.
    eventually("the port is free", || std::net::TcpListener::bind(address).is_ok()).await;
    let _again = Replica::start_at(address, named("second life"), Arc::new(NoChangeLog), None);
    assert_eq!(check(&*sessions, "").await.unwrap(), "second life");
    let ended = sessions.end(Request::new(EndRequest::default())).await;
    assert!(ended.is_ok(), "unary calls find it too");
}

#[tokio::test]
async fn without_a_replica_calls_fail_as_unavailable() {
    let mut target = Addresses::default().target();
    target.settings.wait_for_ready = Duration::from_millis(50);
    let sessions: Arc<DynSessions> = Arc::new(RemoteSessions::connect(target).unwrap());
    assert_eq!(check(&*sessions, "").await.unwrap_err().code(), Code::Unavailable);
    let unary = sessions.end(Request::new(EndRequest::default())).await;
    assert_eq!(unary.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn new_replicas_are_used_and_gone_ones_finish_their_calls() {
    let gate = Arc::new(Semaphore::new(0));
    let (service, asked) = gated("a", &gate);
    let a = Replica::start(service);
    let addresses = Addresses::of(&[&a]);
    let sessions = addresses.connect();
    let under_way = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { check(&*sessions, "").await }
    });
    eventually("the call has arrived", || asked.load(Ordering::SeqCst) == 1).await;

    let (b, c) = (Replica::start(named("b")), Replica::start(named("c")));
    addresses.set(&[&b, &c]);
    all_go_elsewhere(&*sessions).await;
    both_are_used(&*sessions, &["b", "c"]).await;
    assert!(!under_way.is_finished());
    gate.add_permits(100);
    assert_eq!(under_way.await.unwrap().unwrap(), "a");
}

#[tokio::test]
async fn a_replica_that_stops_answers_what_is_under_way_and_gets_nothing_new() {
    let gate = Arc::new(Semaphore::new(0));
    let (service, asked) = gated("a", &gate);
    let a = Replica::start(service);
    let addresses = Addresses::of(&[&a]);
    let sessions = addresses.connect();
    let under_way = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { sessions.open(Request::new(OpenRequest::default())).await }
    });
    eventually("the call has arrived", || asked.load(Ordering::SeqCst) == 1).await;
    let b = Replica::start(named("b"));
    addresses.set(&[&a, &b]);
    a.stopping.cancel();
    all_go_elsewhere(&*sessions).await;
    let before = asked.load(Ordering::SeqCst);
    both_are_used(&*sessions, &["b"]).await;
    assert!(!under_way.is_finished());
    gate.add_permits(100);
    assert!(under_way.await.unwrap().is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn an_idempotent_unary_call_is_retried_when_its_connection_breaks() {
    let a_asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&a_asked);
    let never = Scripted {
        end: Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::pending::<Result<Response<_>, Status>>())
        }),
        ..Scripted::default()
    };
    let a = Replica::start(never);
    let addresses = Addresses::of(&[&a]);
    let sessions = addresses.connect();
    let ending = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { sessions.end(Request::new(EndRequest::default())).await }
    });
    eventually("the call has arrived", || a_asked.load(Ordering::SeqCst) == 1).await;
    let b = Replica::start(Scripted::default());
    addresses.set(&[&b]);
    a.kill();
    assert!(ending.await.unwrap().is_ok());
}

#[tokio::test]
async fn both_sides_prove_who_they_are() {
    let (ours, theirs) = (Certificates::make(), Certificates::make());
    let any = "127.0.0.1:0".parse().unwrap();
    let replica = Replica::start_at(any, named("a"), Arc::new(NoChangeLog), Some(ours.server()));
    let addresses = Addresses::of(&[&replica]);
    let mut target = addresses.target();
    target.uri = "https://sessions:7443".parse().unwrap();
    assert!(matches!(RemoteSessions::connect(target.clone()), Err(Error::NoTls(_))));

    let with = |tls, target: &Target| {
        let mut target = target.clone();
        target.tls = Some(tls);
        target.settings.wait_for_ready = Duration::from_millis(500);
        let sessions: Arc<DynSessions> = Arc::new(RemoteSessions::connect(target).unwrap());
        sessions
    };
    let welcome = with(ours.client(), &target);
    eventually_ok(&*welcome).await;
    let stranger = with(theirs.client(), &target);
    assert_eq!(check(&*stranger, "").await.unwrap_err().code(), Code::Unavailable);
    target.server_name = Some("another-service".into());
    let misled = with(ours.client(), &target);
    assert_eq!(check(&*misled, "").await.unwrap_err().code(), Code::Unavailable);
}

async fn eventually_ok(sessions: &DynSessions) {
    for _ in 0..20 {
        if check(sessions, "").await.is_ok() {
            return;
        }
    }
    panic!("never connected");
}
