//! CPU time of one call, caller and service together, over loopback: pipelined and unary, plain and with mutual TLS.
//! `cargo bench -p latchkey-api`; the numbers of a run are of the machine it runs on.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a report for people; a broken benchmark may panic"
)]

#[path = "../tests/contract/certificates.rs"]
mod certificates;
#[path = "../tests/contract/scripted.rs"]
mod scripted;

use certificates::Certificates;
use latchkey_api::{
    DynSessions,
    pipeline::PipelineService,
    remote::{RemoteSessions, Target},
    revision::NoChangeLog,
    server,
    session::v1::{CheckRequest, sessions_client::SessionsClient, sessions_server::SessionsServer},
};
use nix::sys::resource::{UsageWho, getrusage};
use scripted::Scripted;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The best of these counts: the machine may be busy with other things.
const ROUNDS: usize = 5;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for tls in [false, true] {
            let certificates = tls.then(Certificates::make);
            let port = serve(certificates.as_ref()).await;
            let scheme = if tls { "https" } else { "http" };
            let uri = format!("{scheme}://127.0.0.1:{port}");

            let mut target =
                Target::new(uri.parse().unwrap(), certificates.as_ref().map(Certificates::client));
            target.server_name = Some("sessions".into());
            let remote: Arc<DynSessions> = Arc::new(RemoteSessions::connect(target).unwrap());
            let mut endpoint = Endpoint::from_shared(uri).unwrap().tcp_nodelay(true);
            if let Some(certificates) = &certificates {
                endpoint = endpoint.tls_config(certificates.client().domain_name("sessions")).unwrap();
            }
            let client = SessionsClient::new(endpoint.connect().await.unwrap());

            let kind = if tls { "mutual TLS" } else { "plain" };
            for in_flight in [1, 4, 16, 64] {
                let calls = if in_flight == 1 { 30_000 } else { 300_000 };
                measure(&format!("pipelined {kind}"), in_flight, calls, {
                    let remote = Arc::clone(&remote);
                    move || {
                    let remote = Arc::clone(&remote);
                    async move { remote.check(tonic::Request::new(request())).await.unwrap().into_inner() }
                }})
                .await;
            }
            for in_flight in [1, 16] {
                measure(&format!("unary {kind}"), in_flight, 20_000, {
                    let client = client.clone();
                    move || {
                        let mut client = client.clone();
                        async move { client.check(request()).await.unwrap().into_inner() }
                    }
                })
                .await;
            }
        }
    });
}

/// About 150 bytes each way.
fn request() -> CheckRequest {
    CheckRequest {
        realm_id: "f2a1d6c8-3f0f-4f6a-9d43-5f5b8f9f3a11".into(),
        session_id: "a-session-of-24-letters-".into(),
        client_uuid: "2b1f9a44-98a1-4f8e-8a5e-0d7c5c1c6b02".into(),
        jti: "trrtcc:6f0d2a0e-9d1b-4f54-8d62-1f3f3c6f5a77".into(),
    }
}

async fn serve(certificates: Option<&Certificates>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = Scripted::default();
    let pipeline = PipelineService::new(Arc::new(NoChangeLog), CancellationToken::new())
        .sessions(Arc::new(service.clone()));
    let mut builder = server::builder();
    if let Some(certificates) = certificates {
        builder = builder.tls_config(certificates.server()).unwrap();
    }
    let router = builder.add_service(pipeline).add_service(SessionsServer::new(service));
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    port
}

async fn measure<F, A>(
    name: &str,
    in_flight: usize,
    calls: usize,
    call: impl Fn() -> F + Clone + Send + 'static,
) where
    F: Future<Output = A> + Send + 'static,
    A: Send,
{
    let mut best = (Duration::MAX, Duration::ZERO);
    for _ in 0..ROUNDS {
        let (cpu, began) = (cpu_time(), Instant::now());
        let callers = (0..in_flight).map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                for _ in 0..calls / in_flight {
                    call().await;
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        best = best.min((cpu_time() - cpu, began.elapsed()));
    }
    println!(
        "{name:>22}, {in_flight:>2} in flight: {:>6.2} us of CPU, {:>8.0} calls/s",
        best.0.as_nanos() as f64 / 1000.0 / calls as f64,
        calls as f64 / best.1.as_secs_f64(),
    );
}

fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    Duration::from_micros(micros(usage.user_time()) + micros(usage.system_time()))
}
