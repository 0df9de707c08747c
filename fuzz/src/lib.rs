//! What the fuzz targets share: a whole server in this process, without a socket, whose answers must never be our fault.
//!
//! To add a target: a file in `fuzz_targets/`, its entry in `Cargo.toml`, and a seed in `corpus/<target>/`. What a target calls beside
//! the server stands in the module `fuzzing` of the crate that owns it.

#![cfg(feature = "fuzzing")]

pub mod jws;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use anyhow::Context as _;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Method, Request, Uri};
use latchkey::all_in_one::services;
use latchkey::data::DataFolder;
use latchkey::settings::Settings;
use latchkey_gateway::admin::bootstrap::{ensure_master, ensure_realm};
use latchkey_gateway::client_certificate::ClientCertificates;
use latchkey_gateway::request_context::Connection;
use latchkey_gateway::{App, Config, Gateway, config};
use latchkey_platform::clock::{SharedClock, SystemClock};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The realm that targets may name.
pub const REALM: &str = "fuzz";
/// A client of it.
pub const CLIENT: &str = "orders";
/// The client's secret.
pub const SECRET: &str = "password";
/// Clients that prove themselves by a certificate, one for each way to describe it.
pub const CERTIFICATE_CLIENTS: [&str; 3] = ["by-subject", "by-pattern", "by-key"];
/// The header in which a proxy tells of one.
pub const CERTIFICATE_HEADER: &str = "client-cert";

/// Where requests come from: a proxy that is trusted.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Server {
    runtime: Runtime,
    gateway: Gateway,
    /// A bearer token of the administrator.
    administrator: String,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    latchkey_platform::server::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads start");
    let (gateway, administrator) = runtime.block_on(start()).expect("the server starts");
    Server { runtime, gateway, administrator }
});

async fn start() -> anyhow::Result<(Gateway, String)> {
    // The folder stays until the process ends: a target runs until it is stopped.
    let folder = DataFolder::open(&tempfile::TempDir::new()?.keep())?;
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let services = services(Settings::default(), &folder, &clock, &CancellationToken::new()).await?;
    ensure_master(&services, "admin", "admin".into()).await?;
    // The administrator's token must outlive the run.
    let mut clients = vec![serde_json::json!({"clientId": CLIENT, "secret": SECRET, "publicClient": false,
        "serviceAccountsEnabled": true})];
    for (client_id, attributes) in CERTIFICATE_CLIENTS.into_iter().zip([
        serde_json::json!({"x509.subjectdn": "CN=orders,O=Shop"}),
        serde_json::json!({"x509.subjectdn": "CN=.*", "x509.allow.regex.pattern.comparison": "true"}),
        serde_json::json!({"self_signed_tls_client_auth": "true", "use.jwks.string": "true",
            "jwks.string": r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#}),
    ]) {
        clients.push(
            serde_json::json!({"clientId": client_id, "publicClient": false, "serviceAccountsEnabled": true,
            "clientAuthenticatorType": "client-x509", "attributes": attributes}),
        );
    }
    let realm = serde_json::json!({"realm": REALM, "enabled": true, "clients": clients});
    ensure_realm(&services, realm).await?;
    let client_certificates =
        config::ClientCertificates { header: Some(CERTIFICATE_HEADER.to_owned()), ..Default::default() };
    let config = Config {
        development: true,
        trusted_proxies: [PEER.to_string().parse()?].into_iter().collect(),
        client_certificates,
        ..Config::default()
    };
    let client_certificates = ClientCertificates::load(&config)?;
    let gateway = Gateway::new(App::new(services, config, clock, client_certificates));
    let form = "grant_type=password&client_id=admin-cli&username=admin&password=admin";
    let answer =
        gateway.answer(form_request("/realms/master/protocol/openid-connect/token", form.as_bytes())).await;
    let body = to_bytes(answer.into_body(), usize::MAX).await?;
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    let token = body["access_token"].as_str().context("the administrator gets a token")?;
    Ok((gateway, token.to_owned()))
}

/// A request as the listener would hand it on; nothing where the parts make no request.
pub fn request(method: Method, uri: &[u8], body: Vec<u8>) -> Option<Request<Body>> {
    let uri = Uri::try_from(uri).ok().filter(|uri| uri.path().starts_with('/'))?;
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
    request.extensions_mut().insert(Connection {
        peer: (PEER, 1).into(),
        secure: false,
        client_certificate: None,
    });
    Some(request)
}

/// A form to an endpoint.
pub fn form_request(path: &str, form: &[u8]) -> Request<Body> {
    let mut request = request(Method::POST, path.as_bytes(), form.to_vec()).expect("endpoints have paths");
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert("content-type", form);
    request
}

/// The path of one of the realm's OpenID Connect endpoints.
pub fn endpoint(name: &str) -> String {
    format!("/realms/{REALM}/protocol/openid-connect/{name}")
}

/// With the administrator's token.
pub fn as_administrator(mut request: Request<Body>) -> Request<Body> {
    let bearer =
        HeaderValue::try_from(format!("Bearer {}", SERVER.administrator)).expect("tokens stand in headers");
    request.headers_mut().insert("authorization", bearer);
    request
}

/// Has a request answered, and holds the answer to what every answer must be: no fault of ours, and none of our insides in it.
pub fn must_be_answered(request: Request<Body>) {
    let (status, body) = SERVER.runtime.block_on(async {
        let answer = SERVER.gateway.answer(request).await;
        let status = answer.status();
        (status, to_bytes(answer.into_body(), usize::MAX).await.expect("an answer has an end"))
    });
    assert!(status.as_u16() < 500, "{status}: {}", String::from_utf8_lossy(&body));
}
