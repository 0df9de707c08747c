//! One stream: order, deadlines, failures, and what a stranger may send.

use crate::scripted::{Scripted, alive};
use crate::support::{Addresses, Replica, check, eventually};
use bytes::Bytes;
use futures::{StreamExt as _, future::join_all};
use latchkey_api::{
    pipeline::v1::{Call, pipeline_client::PipelineClient},
    session::v1::CheckRequest,
};
use prost::Message as _;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use tonic::{Code, Request, Status};

#[tokio::test]
async fn replies_come_in_any_order() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let service = Scripted {
        check: Arc::new(move |request| {
            let gate = Arc::clone(&held);
            Box::pin(async move {
                if request.session_id == "slow" {
                    let _permit = gate.acquire().await;
                }
                Ok(alive(request.session_id))
            })
        }),
        ..Scripted::default()
    };
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let slow = {
        let sessions = Arc::clone(&sessions);
        tokio::spawn(async move { check(&*sessions, "slow").await })
    };
    for id in ["a", "b", "c"] {
        assert_eq!(check(&*sessions, id).await.unwrap(), id);
    }
    assert!(!slow.is_finished());
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap().unwrap(), "slow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_concurrent_calls_gets_its_own_answer() {
    let service = Scripted {
        check: Arc::new(|request| {
            Box::pin(async move {
                let number: u64 = request.session_id.parse().unwrap();
                if number.is_multiple_of(3) {
                    tokio::task::yield_now().await;
                }
                if number.is_multiple_of(50) {
                    // Others are answered meanwhile.
                    for _ in 0..100 * (number % 7) {
                        tokio::task::yield_now().await;
                    }
                }
                Ok(alive(request.session_id))
            })
        }),
        ..Scripted::default()
    };
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let callers = (0..32).map(|caller| {
        let sessions = Arc::clone(&sessions);
        tokio::spawn(async move {
            for call in 0..200 {
                let id = (caller * 1000 + call).to_string();
                if call % 10 == 9 {
                    // Given up: its reply must not reach the call that follows in its place.
                    let _ = tokio::time::timeout(Duration::from_micros(50), check(&*sessions, &id)).await;
                } else {
                    assert_eq!(check(&*sessions, &id).await.unwrap(), id);
                }
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
}

#[tokio::test]
async fn calls_that_keep_the_processor_busy_are_all_answered() {
    let service = Scripted {
        check: Arc::new(|request| {
            Box::pin(async move {
                let began = std::time::Instant::now();
                while began.elapsed() < Duration::from_millis(1) {
                    std::hint::spin_loop();
                }
                Ok(alive(request.session_id))
            })
        }),
        ..Scripted::default()
    };
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let ids: Vec<String> = (0..64).map(|id| id.to_string()).collect();
    let answers = join_all(ids.iter().map(|id| check(&*sessions, id))).await;
    for (id, answer) in ids.iter().zip(answers) {
        assert_eq!(answer.unwrap(), *id);
    }
}

/// Says that the future that holds it has been dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Never answers. Counts what it was asked, and says when a call was given up.
fn never() -> (Scripted, Arc<AtomicUsize>, Arc<AtomicBool>) {
    let (asked, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (counted, noticed) = (Arc::clone(&asked), Arc::clone(&dropped));
    let service = Scripted {
        check: Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            let guard = Dropped(Arc::clone(&noticed));
            Box::pin(async move {
                let _guard = guard;
                std::future::pending().await
            })
        }),
        ..Scripted::default()
    };
    (service, asked, dropped)
}

#[tokio::test]
async fn a_call_ends_with_its_deadline_on_both_sides() {
    let (service, _asked, dropped) = never();
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let mut request = Request::new(CheckRequest::default());
    request.set_timeout(Duration::from_millis(100));
    let status = sessions.check(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    eventually("the service gave the call up", || dropped.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn calls_of_a_caller_that_died_are_given_up() {
    let (service, asked, dropped) = never();
    let replica = Replica::start(service);
    let addresses = Addresses::of(&[&replica]);
    let caller = tokio::runtime::Runtime::new().unwrap();
    caller.spawn(async move { check(&*addresses.connect(), "").await });
    eventually("the call has arrived", || asked.load(Ordering::SeqCst) == 1).await;
    caller.shutdown_background();
    eventually("the service gave the call up", || dropped.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_panic_fails_its_call_only() {
    let service = Scripted {
        check: Arc::new(|request| {
            Box::pin(async move {
                assert_ne!(request.session_id, "bad");
                tokio::task::yield_now().await;
                assert_ne!(request.session_id, "bad later");
                Ok(alive(request.session_id))
            })
        }),
        ..Scripted::default()
    };
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let (bad, later, good) =
        tokio::join!(check(&*sessions, "bad"), check(&*sessions, "bad later"), check(&*sessions, "good"));
    assert_eq!(bad.unwrap_err().code(), Code::Internal);
    assert_eq!(later.unwrap_err().code(), Code::Internal);
    assert_eq!(good.unwrap(), "good");
}

#[tokio::test]
async fn any_grpc_client_can_speak_it() {
    let replica = Replica::start(Scripted::default());
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", replica.address)).unwrap();
    let mut client = PipelineClient::new(channel.connect().await.unwrap());
    let check = CheckRequest { session_id: "s".into(), ..CheckRequest::default() }.encode_to_vec();
    let methods = [
        "/latchkey.session.v1.Sessions/Check",
        "/latchkey.session.v1.Sessions/End",
        "/no.Service/M",
        "M",
        "",
    ];
    let calls = methods.iter().enumerate().map(|(index, method)| Call {
        id: index as u64 + 1,
        method: (*method).into(),
        payload: check.clone().into(),
        ..Call::default()
    });
    let malformed =
        Call { id: 9, method: methods[0].into(), payload: Bytes::from_static(b"\xff"), ..Call::default() };
    let calls: Vec<_> = calls.chain([malformed]).collect();
    let replies = client.open(futures::stream::iter(calls)).await.unwrap().into_inner();
    let mut codes: Vec<(u64, u32)> = replies
        .map(|reply: Result<_, Status>| reply.unwrap())
        .map(|reply| (reply.id, reply.code))
        .collect()
        .await;
    codes.sort_unstable();
    let unimplemented = Code::Unimplemented as u32;
    let expected = [
        (1, 0),
        (2, unimplemented),
        (3, unimplemented),
        (4, unimplemented),
        (5, unimplemented),
        (9, Code::InvalidArgument as u32),
    ];
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn a_request_is_run_once_however_long_it_takes() {
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (counted, held) = (Arc::clone(&runs), Arc::clone(&gate));
    let service = Scripted {
        check: Arc::new(move |request| {
            let (counted, gate) = (Arc::clone(&counted), Arc::clone(&held));
            Box::pin(async move {
                if request.session_id == "long" {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let _permit = gate.acquire().await;
                }
                Ok(alive(request.session_id))
            })
        }),
        ..Scripted::default()
    };
    let replica = Replica::start(service);
    let sessions = Addresses::of(&[&replica]).connect();
    let long = {
        let sessions = Arc::clone(&sessions);
        tokio::spawn(async move { check(&*sessions, "long").await })
    };
    eventually("the request runs", || runs.load(Ordering::SeqCst) > 0).await;
    // As long as it takes for many others to come and go on the same stream.
    for number in 0..1_000 {
        let id = number.to_string();
        assert_eq!(check(&*sessions, &id).await.unwrap(), id);
    }
    assert!(!long.is_finished());
    gate.add_permits(1);
    assert_eq!(long.await.unwrap().unwrap(), "long");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
