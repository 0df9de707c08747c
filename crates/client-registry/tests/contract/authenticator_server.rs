//! Outside authenticators: one that answers as a test wants, and the example.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey_api::authenticator::v1::authenticate_response::Outcome;
use latchkey_api::authenticator::v1::client_authenticator_server::{
    ClientAuthenticator, ClientAuthenticatorServer,
};
use latchkey_api::authenticator::v1::*;
use latchkey_backends::process;
use latchkey_client_registry::AuthenticatorSettings;
use latchkey_platform::tls::{MutualTls, files, make_certificates};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

/// An authority of the development's kind, that vouches for client-registry and for an authenticator.
pub(crate) struct Pki(TempDir);

impl Pki {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_certificates(folder.path(), &["client-registry", "authenticator"]).unwrap();
        Self(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// How client-registry speaks to an authenticator.
    pub(crate) fn settings(&self, address: SocketAddr) -> AuthenticatorSettings {
        let files = files(self.folder(), "client-registry");
        AuthenticatorSettings {
            url: format!("https://localhost:{}", address.port()),
            timeout_ms: 4000,
            ca_file: Some(files.ca_file),
            cert_file: Some(files.cert_file),
            key_file: Some(files.key_file),
            ..AuthenticatorSettings::default()
        }
    }
}

/// What is answered.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Authenticated,
    Denied,
    /// Neither.
    Neither,
    Error(Code),
    /// Never.
    Silence,
}

struct State {
    answer: Answer,
    asked: Vec<AuthenticateRequest>,
}

/// An authenticator that answers as it is told. It ends with the test.
#[derive(Clone)]
pub(crate) struct AuthenticatorServer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl AuthenticatorServer {
    pub(crate) fn start(pki: &Pki) -> Self {
        let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = incoming.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { answer: Answer::Authenticated, asked: Vec::new() }));
        let server = Self { address, state };
        let tls = MutualTls::load(&files(pki.folder(), "authenticator")).unwrap().server();
        let service = ClientAuthenticatorServer::new(server.clone());
        let router = Server::builder().tls_config(tls).unwrap().add_service(service);
        tokio::spawn(router.serve_with_incoming(incoming));
        server
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.state.lock().unwrap().answer = answer;
    }

    /// What it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<AuthenticateRequest> {
        self.state.lock().unwrap().asked.clone()
    }
}

#[tonic::async_trait]
impl ClientAuthenticator for AuthenticatorServer {
    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        let answer = {
            let mut state = self.state.lock().unwrap();
            state.asked.push(request.into_inner());
            state.answer
        };
        let outcome = match answer {
            Answer::Authenticated => Some(Outcome::Authenticated(Authenticated {})),
            Answer::Denied => Some(Outcome::Denied(Denied { reason: "not today".to_owned() })),
            Answer::Neither => None,
            Answer::Error(code) => return Err(Status::new(code, "an error")),
            Answer::Silence => std::future::pending().await,
        };
        Ok(Response::new(AuthenticateResponse { outcome }))
    }
}

/// The example, as a process of its own.
pub(crate) struct Example {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Example {
    pub(crate) fn start(pki: &Pki) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port().unwrap()));
        Self { address, child: run(pki, address) }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self, pki: &Pki) {
        self.child = run(pki, self.address);
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        process::stop(&mut self.child, Signal::SIGTERM, Duration::from_secs(10));
    }
}

fn run(pki: &Pki, address: SocketAddr) -> Child {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/authenticator");
    assert!(
        program.is_file(),
        "{} is missing: `cargo test` of the whole package builds it",
        program.display()
    );
    let files = files(pki.folder(), "authenticator");
    let mut command = process::bound_to_parent(&program, None);
    command.arg(address.to_string()).args([files.ca_file, files.cert_file, files.key_file]);
    process::spawn(command).unwrap()
}
