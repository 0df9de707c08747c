//! What Issue costs beside the raw signature, and Verify with and without memory of the token, in CPU time:
//! `cargo bench -p latchkey-token-issuer`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints its figures, and stops when it can't"
)]

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256};
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::*;
use latchkey_client_registry as client_registry;
use latchkey_platform::clock::{SharedClock, SystemClock};
use latchkey_platform::database::Database;
use latchkey_platform::vault::FileMasterKey;
use latchkey_token_issuer::{Config, IssuerService, MIGRATIONS, SCHEMA, build};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use tokio_util::sync::CancellationToken;
use tonic::Request;

const TIMES: usize = 5_000;
const CLAIMS: &[u8] = br#"{"aud":["account","billing"],"sub":"5b1cb4f5-3c6c-4d0b-8f7f-90a4cf0dd0a8","acr":"1","realm_access":{"roles":["offline_access","uma_authorization","default-roles-red"]},"resource_access":{"account":{"roles":["manage-account","view-profile"]}},"clientHost":"203.0.113.9","clientAddress":"203.0.113.9","client_id":"orders","preferred_username":"service-account-orders","email_verified":false}"#;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let service = &service(&folder).await;
    let message = [7; 900];
    let random = SystemRandom::new();
    let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut signature = [0; 256];
    cost("RS256 raw signature", async |_| {
        rsa.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).unwrap();
    })
    .await;
    issue_and_verify(service, "RS256").await;
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    cost("ES256 raw signature", async |_| {
        std::hint::black_box(ec.sign(&random, &message).unwrap());
    })
    .await;
    issue_and_verify(service, "ES256").await;
    let ed = Ed25519KeyPair::generate().unwrap();
    cost("EdDSA raw signature", async |_| {
        std::hint::black_box(ed.sign(&message));
    })
    .await;
    issue_and_verify(service, "EdDSA").await;
    issue_and_verify(service, "HS512").await;
}

async fn service(folder: &tempfile::TempDir) -> Arc<IssuerService> {
    let (clock, shutdown): (SharedClock, _) = (Arc::new(SystemClock), CancellationToken::new());
    let master = Arc::new(FileMasterKey::parse(&FileMasterKey::generate()).unwrap());
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let (schema, migrations) = (client_registry::SCHEMA, client_registry::MIGRATIONS);
    let database = Database::open(&url("registry.db"), 1, schema, migrations).await.unwrap();
    let config = client_registry::Config::default();
    let registry = client_registry::build(&config, database, master.clone(), clock.clone(), shutdown.clone())
        .await
        .unwrap();
    let database = Database::open(&url("issuer.db"), 1, SCHEMA, MIGRATIONS).await.unwrap();
    let service = build(&Config::default(), database, master, registry, clock, shutdown).await.unwrap();
    let request = ProvisionRealmRequest { realm_id: "red".to_owned(), ..ProvisionRealmRequest::default() };
    service.provision_realm(Request::new(request)).await.unwrap();
    service
}

async fn issue_and_verify(service: &Arc<IssuerService>, algorithm: &str) {
    let mut tokens = vec![issue(service, algorithm).await];
    cost(&format!("{algorithm} Issue"), async |_| tokens.push(issue(service, algorithm).await)).await;
    let tokens = &tokens;
    cost(&format!("{algorithm} Verify, first"), async |at| verify(service, &tokens[at]).await).await;
    cost(&format!("{algorithm} Verify, again"), async |_| verify(service, &tokens[0]).await).await;
}

async fn issue(service: &IssuerService, algorithm: &str) -> String {
    let token = TokenToSign {
        algorithm: algorithm.to_owned(),
        header_type: "JWT".to_owned(),
        token_type: "Bearer".to_owned(),
        jti_prefix: "trrtcc:".to_owned(),
        lifetime_s: 300,
        issuer: "https://id.example/realms/red".to_owned(),
        azp: "orders".to_owned(),
        scope: "email profile".to_owned(),
        claims: CLAIMS.into(),
        ..TokenToSign::default()
    };
    let request =
        IssueRequest { realm_id: "red".to_owned(), access_token: Some(token), ..IssueRequest::default() };
    service.issue(Request::new(request)).await.unwrap().into_inner().access_token
}

async fn verify(service: &IssuerService, token: &str) {
    let request = VerifyRequest { realm_id: "red".to_owned(), token: token.to_owned(), allow_expired: false };
    let outcome = service.verify(Request::new(request)).await.unwrap().into_inner().outcome;
    assert!(matches!(outcome, Some(verify_response::Outcome::Verified(_))));
}

async fn cost(name: &str, mut work: impl AsyncFnMut(usize)) {
    let before = cpu_us();
    for at in 0..TIMES {
        work(at).await;
    }
    let each = (cpu_us() - before) as f64 / TIMES as f64;
    println!("{name:22} {each:7.1} us of CPU each");
}

fn cpu_us() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    (usage.user_time() + usage.system_time()).num_microseconds()
}
