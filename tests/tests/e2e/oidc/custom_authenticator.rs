//! Clients about which a service of the operator's own decides: the example, over mutual TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use latchkey_backends::process;
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::app::{
    Answer, PATIENCE, Realm, ServiceAccount, Setup, Shape, TestApp, claims, eventually, program, run_alone,
};

const REFUSED: &str = "Invalid client or Invalid client credentials";
const KEY: &str = "an API key/of the robot's";

/// The example with certificates for it and for client-registry.
struct Authenticator {
    certificates: TempDir,
    address: SocketAddr,
    child: Child,
}

impl Authenticator {
    fn start() -> Self {
        let certificates = TempDir::with_prefix("latchkey-e2e-authenticator-").unwrap();
        let mut pki = Command::new(program("latchkey"));
        pki.arg("pki").arg(certificates.path()).args(["client-registry", "authenticator"]);
        assert!(pki.status().unwrap().success());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port().unwrap()));
        let child = run(certificates.path(), address);
        Self { certificates, address, child }
    }

    fn file(&self, name: &str) -> String {
        self.certificates.path().join(name).display().to_string()
    }

    /// A server that knows it as `api-keys`, and as `unused`.
    fn setup(&self, shape: Shape) -> Setup {
        let url = format!("https://localhost:{}", self.address.port());
        Setup::of(shape)
            .with("LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__API-KEYS__URL", &url)
            .with("LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__API-KEYS__CA_FILE", self.file("ca.crt"))
            .with(
                "LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__API-KEYS__CERT_FILE",
                self.file("client-registry.crt"),
            )
            .with(
                "LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__API-KEYS__KEY_FILE",
                self.file("client-registry.key"),
            )
            .with("LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__API-KEYS__FAILURES", "2")
            .with("LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__API-KEYS__OPEN_MS", "200")
            .with("LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__UNUSED__URL", "http://127.0.0.1:1")
            .with("LATCHKEY_CLIENT_REGISTRY__AUTHENTICATORS__UNUSED__PLAINTEXT", "true")
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = run(self.certificates.path(), self.address);
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        process::stop(&mut self.child, Signal::SIGTERM, Duration::from_secs(10));
    }
}

fn run(certificates: &Path, address: SocketAddr) -> Child {
    let file = |name: &str| -> PathBuf { certificates.join(name) };
    let mut command = process::bound_to_parent(&program("examples/authenticator"), None);
    command.arg(address.to_string()).args([
        file("ca.crt"),
        file("authenticator.crt"),
        file("authenticator.key"),
    ]);
    process::spawn(command).unwrap()
}

async fn robot<'a>(realm: &'a Realm<'a>, authenticator: &str) -> ServiceAccount<'a> {
    let digest = digest(&SHA256, KEY.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let client_id = format!("robot-of-{authenticator}");
    let settings = json!({
        "clientAuthenticatorType": format!("custom:{authenticator}"),
        "attributes": { "authenticator.api-key-sha256": digest },
    });
    ServiceAccount { secret: KEY.to_owned(), ..realm.create_service_account_with(&client_id, settings).await }
}

async fn form(robot: &ServiceAccount<'_>, prefix: &str, key: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", robot.client_id.as_str()),
        ("client_secret", key),
    ];
    let url = robot.realm.app.url(&format!("{prefix}{}", robot.realm.path("token")));
    Answer::read(robot.realm.app.http.post(url).form(&form).send().await.unwrap()).await.unwrap()
}

/// A token, waited for where the authenticator has just been started.
async fn let_in(robot: &ServiceAccount<'_>) -> Answer {
    eventually("the robot is let in", PATIENCE, async || {
        let answer = robot.token().await;
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        (answer.status == 200).then_some(answer)
    })
    .await
}

async fn a_service_of_ones_own_decides(shape: Shape) {
    let mut authenticator = Authenticator::start();
    let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port().unwrap()));
    let setup = match shape {
        Shape::AllInOne => {
            authenticator.setup(shape).with("LATCHKEY_TELEMETRY__METRICS_LISTEN", metrics.to_string())
        }
        Shape::Separate => authenticator.setup(shape),
    };
    let app = TestApp::start(setup).await;
    let realm =
        app.realm_with(json!({ "attributes": { "latchkey.client-authenticators": "api-keys,gone" } })).await;
    let robot_of_keys = robot(&realm, "api-keys").await;
    let token = let_in(&robot_of_keys).await.text("access_token");
    assert_eq!(claims(&token)["azp"], "robot-of-api-keys");
    for prefix in ["", "/auth"] {
        form(&robot_of_keys, prefix, KEY).await.expect(200);
        form(&robot_of_keys, prefix, "wrong").await.is_refusal(401, "unauthorized_client", REFUSED);
    }
    assert_eq!(robot_of_keys.introspect(&token).await["active"], false, "it is not among the audience");

    // One that the realm does not allow, one that nobody has set up, and a realm that allows none.
    for (name, in_log) in [("unused", "does not name its authenticator"), ("gone", "no setting says where")] {
        robot(&realm, name).await.token().await.is_refusal(401, "unauthorized_client", REFUSED);
        assert!(app.server.log().contains(in_log), "{name}");
    }
    let strict = app.realm().await;
    robot(&strict, "api-keys").await.token().await.is_refusal(401, "unauthorized_client", REFUSED);

    let plain = realm.create_service_account("plain").await;
    authenticator.kill();
    // At first each is tried, then none.
    for _ in 0..4 {
        let answer = robot_of_keys.token().await;
        assert_eq!((answer.status, answer.refusal().1.as_str()), (503, "temporarily_unavailable"));
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
        assert!(!answer.body.contains("localhost"), "{answer:?}");
        plain.token().await.expect(200);
    }
    if shape == Shape::AllInOne {
        let counted = app.http.get(format!("http://{metrics}/metrics")).send().await.unwrap();
        let counted = counted.text().await.unwrap();
        for outcome in ["authenticated", "denied", "failed"] {
            let labels = format!(r#"authenticator="api-keys",outcome="{outcome}"}}"#);
            let mut lines = counted.lines();
            let is_counted = |line: &str| {
                line.starts_with("latchkey_authenticator_calls_total{") && line.contains(&labels)
            };
            assert!(lines.any(is_counted), "{outcome}: {counted}");
        }
    }
    authenticator.start_again();
    let_in(&robot_of_keys).await;
    let log = app.server.log();
    assert!(log.contains("its circuit breaker is open") && log.contains("an authenticator is back"), "{log}");
    assert!(log.contains("the API key is not the client's"), "{log}");
    assert!(!log.contains(KEY), "a key is in the log");
}

#[test]
fn all_in_one() {
    run_alone(Box::pin(a_service_of_ones_own_decides(Shape::AllInOne)));
}

#[test]
fn separate() {
    run_alone(Box::pin(a_service_of_ones_own_decides(Shape::Separate)));
}
