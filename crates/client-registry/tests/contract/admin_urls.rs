//! Admin URLs of clients: which there are, and telling a client there of not-before.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use latchkey_client_registry::{Config, MIGRATIONS, RegistryService, SCHEMA};
use latchkey_platform::database::{Database, Queries as _};
use latchkey_platform::params;
use tokio_util::sync::DropGuard;
use tonic::Request;

use crate::setting::*;

const SERVER: &str = "https://id.example/auth";

/// A client's server, which answers by path and keeps what it was told. It ends with the test.
struct Told {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<[String; 4]>>>,
}

impl Told {
    async fn start() -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let router = Router::new().fallback(hear).with_state(Arc::clone(&heard));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, heard }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Method, path with query, content type and body of each request.
    fn heard(&self) -> Vec<[String; 4]> {
        self.heard.lock().unwrap().clone()
    }
}

/// The first segment of the path says with which status.
async fn hear(
    State(heard): State<Arc<Mutex<Vec<[String; 4]>>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let content_type = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    heard.lock().unwrap().push([method.to_string(), uri.to_string(), content_type, body]);
    match uri.path().split('/').nth(1).unwrap() {
        "endless" => {
            let chunks =
                futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096])));
            Body::from_stream(chunks).into_response()
        }
        "silent" => std::future::pending().await,
        "302" => (StatusCode::FOUND, [(header::LOCATION, "/200")]).into_response(),
        status => StatusCode::from_bytes(status.as_bytes()).unwrap().into_response(),
    }
}

/// A replica that may call this machine.
async fn allowed(s: &Setting) -> (Arc<RegistryService>, DropGuard) {
    let networks = vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    s.with_config(&Config { allowed_key_server_networks: networks, ..Config::default() }).await
}

async fn create(s: &Setting, realm: &str, client_id: &str, admin_url: &str) -> Client {
    let new = Client { admin_url: admin_url.to_owned(), ..client(realm, client_id) };
    s.create(NewClient { client: Some(new), secret: String::new() }).await.unwrap().client.unwrap()
}

async fn list(service: &RegistryService, realm: &str, id: &str, after: &str) -> ListAdminUrlsResponse {
    let request = ListAdminUrlsRequest {
        realm_id: id_of(realm),
        id: id.to_owned(),
        after: after.to_owned(),
        server_url: SERVER.to_owned(),
    };
    answer(service.list_admin_urls(Request::new(request)).await).unwrap()
}

async fn listed(s: &Setting, realm: &str, id: &str) -> Vec<String> {
    let page = list(&s.service, realm, id, "").await;
    assert_eq!(page.next, "");
    page.admin_urls.into_iter().map(|told| told.client_id).collect()
}

async fn push(service: &RegistryService, client_id: &str) -> bool {
    let request = PushNotBeforeRequest {
        realm_id: id_of("red"),
        id: format!("uuid-of-{client_id}"),
        server_url: SERVER.to_owned(),
        action: "signed".to_owned(),
    };
    answer(service.push_not_before(Request::new(request)).await).unwrap().delivered
}

async fn clients_that_have_an_admin_url_are_listed(s: Setting) {
    create(&s, "red", "b", "/admin").await;
    create(&s, "red", "a", "https://a.example").await;
    create(&s, "blue", "c", "https://c.example").await;
    let off = Client { enabled: false, ..create(&s, "red", "off", "https://off.example").await };
    s.update(off, "").await.unwrap();
    assert_eq!(listed(&s, "red", "").await, ["a", "b"], "neither `orders` nor who is disabled");
    assert_eq!(listed(&s, "red", "uuid-of-off").await, ["off"], "but by name");
    for nobody in ["uuid-of-orders", "uuid-of-c", "nobody", "\0"] {
        assert_eq!(listed(&s, "red", nobody).await, [""; 0], "{nobody:?}");
    }
    let urls: Vec<_> =
        list(&s.service, "red", "", "").await.admin_urls.into_iter().map(|told| told.url).collect();
    assert_eq!(urls, ["https://a.example", "https://id.example/admin"]);

    let taken = Client { admin_url: String::new(), ..s.find("red", "a").await.unwrap() };
    s.update(taken, "").await.unwrap();
    let given = s.find("red", "orders").await.unwrap();
    let given = Client { admin_url: "https://o.example".to_owned(), not_before_s: 7, ..given };
    s.update(given, "").await.unwrap();
    assert_eq!(listed(&s, "red", "").await, ["b", "orders"]);
    assert_eq!(list(&s.service, "red", "uuid-of-orders", "").await.admin_urls[0].not_before_s, 7);
}

async fn a_long_list_comes_in_pages(s: Setting) {
    let long = format!("https://a.example/{}", "x".repeat(700 << 10));
    for client_id in ["a", "b", "c"] {
        create(&s, "red", client_id, &long).await;
    }
    let first = list(&s.service, "red", "", "").await;
    assert_eq!((first.admin_urls.len(), first.next.as_str()), (2, "b"));
    let second = list(&s.service, "red", "", &first.next).await;
    assert_eq!((second.admin_urls.len(), second.next.as_str()), (1, ""));
    assert_eq!(second.admin_urls[0].client_id, "c");
}

/// Clients that were there before their admin URLs were looked for.
async fn stored_before(url: &str) {
    let database = Database::open(url, 1, SCHEMA, &MIGRATIONS[..4]).await.unwrap();
    let sql = "INSERT INTO realms (realm_id, name, version, admin_client_id, verifier_key, document)
               VALUES ($1, $1, 1, '', $2, '{}')";
    database.clone().execute(sql, params![id_of("red"), vec![0_u8]]).await.unwrap();
    for (client_id, admin_url) in [("a", "https://a.example"), ("b", ""), ("c", "zero \0 byte")] {
        let client = Client { admin_url: admin_url.to_owned(), ..client("red", client_id) };
        let document = serde_json::to_string(&client).unwrap();
        let sql = "INSERT INTO clients (realm_id, id, client_id, folded, version, document)
                   VALUES ($1, $2, $3, $3, 1, $4)";
        let params = params![client.realm_id, client.id, client.client_id, document];
        database.clone().execute(sql, params).await.unwrap();
    }
    let database = Database::open(url, 1, SCHEMA, MIGRATIONS).await.unwrap();
    let sql = "SELECT client_id FROM clients WHERE has_admin_url = 1 ORDER BY client_id";
    let found = database.clone().fetch_all(sql, params![]).await.unwrap();
    let found: Vec<_> = found.iter().map(|row| row.text("client_id").unwrap()).collect();
    assert_eq!(found, ["a", "c"]);
}

#[tokio::test]
async fn clients_from_before_are_found_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    stored_before(&format!("sqlite:{}", folder.path().join("registry.db").display())).await;
}

#[tokio::test]
async fn clients_from_before_are_found_in_postgres() {
    stored_before(&latchkey_test_support::postgres().await).await;
}

async fn a_client_is_told_at_its_admin_url(s: Setting) {
    let told = Told::start().await;
    create(&s, "red", "a", &told.url("/200/admin/?tenant=1")).await;
    create(&s, "red", "b", &told.url("/204")).await;
    let relative = Client {
        admin_url: "/admin".to_owned(),
        root_url: format!("http://localhost:{}/200/", told.address.port()),
        ..client("red", "c")
    };
    s.create(NewClient { client: Some(relative), secret: String::new() }).await.unwrap();
    let (service, _running) = allowed(&s).await;
    for client_id in ["a", "b", "c"] {
        assert!(push(&service, client_id).await, "{client_id}");
    }
    let heard = |path: &str| ["POST", path, "text/plain", "signed"].map(str::to_owned);
    let expected = [
        heard("/200/admin/k_push_not_before?tenant=1"),
        heard("/204/k_push_not_before"),
        heard("/200/admin/k_push_not_before"),
    ];
    assert_eq!(told.heard(), expected);
    assert!(!push(&service, "orders").await, "it has no admin URL");
    let nobody = PushNotBeforeRequest {
        realm_id: id_of("red"),
        id: "nobody".to_owned(),
        ..PushNotBeforeRequest::default()
    };
    assert_eq!(why(answer(service.push_not_before(Request::new(nobody)).await)), "CLIENT_NOT_FOUND");
}

async fn who_answers_otherwise_or_not_at_all_was_not_told(s: Setting) {
    let told = Told::start().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut urls: Vec<_> = ["/201", "/302", "/400", "/500", "/silent"].map(|path| told.url(path)).into();
    urls.extend([format!("http://{gone}"), "nonsense".to_owned(), "file:///etc/passwd".to_owned()]);
    let (service, _running) = allowed(&s).await;
    for (index, url) in urls.iter().enumerate() {
        create(&s, "red", &format!("c{index}"), url).await;
        assert!(!push(&service, &format!("c{index}")).await, "{url}");
    }
    assert_eq!(told.heard().len(), 5, "nobody follows a redirect");
    let saml = Client { admin_url: told.url("/200"), protocol: "saml".to_owned(), ..client("red", "saml") };
    s.create(NewClient { client: Some(saml), secret: String::new() }).await.unwrap();
    assert!(!push(&service, "saml").await, "its protocol has no such action");
    assert_eq!(told.heard().len(), 5);
    create(&s, "red", "endless", &told.url("/endless")).await;
    assert!(push(&service, "endless").await, "what it says beside the status is not read");
}

async fn attack_an_admin_url_at_a_private_address(s: Setting) {
    let told = Told::start().await;
    let port = told.address.port();
    for (index, url) in [
        told.url("/200"),
        format!("http://localhost:{port}/200"),
        format!("http://2130706433:{port}/200"),
        format!("http://[::ffff:127.0.0.1]:{port}/200"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        create(&s, "red", &format!("c{index}"), url).await;
        assert!(!push(&s.service, &format!("c{index}")).await, "{url}");
    }
    assert!(told.heard().is_empty());
}

contract!(
    clients_that_have_an_admin_url_are_listed,
    a_long_list_comes_in_pages,
    a_client_is_told_at_its_admin_url,
    who_answers_otherwise_or_not_at_all_was_not_told,
    attack_an_admin_url_at_a_private_address,
);
