//! A server that asks for certificates, and believes a proxy about them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use reqwest::Client;
use serde_json::{Value, json};

use crate::app::{
    Answer, Authority, Identity, Realm, ServiceAccount, Setup, Shape, Subject, TestApp, client,
};

/// Makes two tests of each scenario: one for each shape.
macro_rules! scenarios_with_certificates {
    ($($name:ident),* $(,)?) => {
        mod all_in_one {
            $(#[test] fn $name() {
                crate::mutual_tls::setting::run(crate::app::Shape::AllInOne, super::$name);
            })*
        }
        mod separate {
            $(#[test] fn $name() {
                crate::mutual_tls::setting::run(crate::app::Shape::Separate, super::$name);
            })*
        }
    };
}

/// Where the trusted proxy is; clients are at 127.0.0.1.
pub(crate) const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

static ALL_IN_ONE: LazyLock<Setting> = LazyLock::new(|| Setting::start(Shape::AllInOne));
static SEPARATE: LazyLock<Setting> = LazyLock::new(|| Setting::start(Shape::Separate));

/// Runs a scenario against the shared server of a shape.
pub(crate) fn run(shape: Shape, scenario: impl AsyncFnOnce(&Setting)) {
    let setting: &Setting = match shape {
        Shape::AllInOne => &ALL_IN_ONE,
        Shape::Separate => &SEPARATE,
    };
    crate::app::run_alone(scenario(setting));
}

/// The server, and the authority that it trusts.
pub(crate) struct Setting {
    pub(crate) app: TestApp,
    pub(crate) authority: Authority,
}

impl Setting {
    fn start(shape: Shape) -> Self {
        let authority = Authority::new("Clients");
        let ca_file = authority.write();
        let setup = Setup::of(shape)
            .with("LATCHKEY_GATEWAY__CLIENT_CERTIFICATES__ASK", "true")
            .with("LATCHKEY_GATEWAY__CLIENT_CERTIFICATES__CA_FILE", ca_file.certificate())
            .with("LATCHKEY_GATEWAY__CLIENT_CERTIFICATES__HEADER", "Client-Cert")
            .with("LATCHKEY_GATEWAY__TRUSTED_PROXIES", format!("[\"{PROXY}\"]"));
        let app = TestApp::shared_with_tls(setup, &format!("{shape:?}-tls"), &authority);
        Self { app, authority }
    }

    /// A client of the authority.
    pub(crate) fn orders(&self) -> Identity {
        self.authority.client(&orders())
    }

    /// An HTTP client that presents a certificate.
    pub(crate) fn presenting(&self, identity: &Identity) -> Client {
        let trusted = [self.authority.certificate()];
        client().tls_certs_only(trusted).identity(identity.presented()).build().unwrap()
    }

    /// The proxy, which presents no certificate itself.
    pub(crate) fn proxy(&self) -> Client {
        let trusted = [self.authority.certificate()];
        client().tls_certs_only(trusted).local_address(PROXY).build().unwrap()
    }
}

/// The subject of most certificates here.
pub(crate) fn orders() -> Subject {
    Subject { organization: "Shop", common_name: "orders", ..Subject::default() }
}

/// A client that proves itself by a certificate, as these attributes describe it.
pub(crate) async fn x509_client<'a>(
    realm: &'a Realm<'a>,
    client_id: &str,
    attributes: Value,
) -> ServiceAccount<'a> {
    let settings = json!({"clientAuthenticatorType": "client-x509", "attributes": attributes});
    realm.create_service_account_with(client_id, settings).await
}

/// A form to an endpoint of a realm, perhaps with the header of a proxy.
pub(crate) async fn post(
    http: &Client,
    realm: &Realm<'_>,
    endpoint: &str,
    header: Option<&str>,
    form: &[(&str, &str)],
) -> Answer {
    let mut request = http.post(realm.app.url(&realm.path(endpoint))).form(form);
    if let Some(header) = header {
        request = request.header("client-cert", header);
    }
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

/// What client credentials give to a client that only names itself.
pub(crate) async fn token(http: &Client, client: &ServiceAccount<'_>, header: Option<&str>) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", client.client_id.as_str())];
    post(http, client.realm, "token", header, &form).await
}

/// What Keycloak says to a client that its certificate does not prove.
pub(crate) fn refusal() -> (u16, String, String) {
    (401, "invalid_client".to_owned(), "Invalid client or Invalid client credentials".to_owned())
}
