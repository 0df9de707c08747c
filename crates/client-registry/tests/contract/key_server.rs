//! A server that publishes keys.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

#[derive(Default)]
struct Published {
    /// By path: the status, and the document or, with a redirect, where to.
    documents: HashMap<String, (u16, String)>,
    asked: usize,
}

/// A server on this machine. It ends with the test.
pub(crate) struct KeyServer {
    address: SocketAddr,
    published: Arc<Mutex<Published>>,
}

impl KeyServer {
    pub(crate) async fn start() -> Self {
        let published = Arc::new(Mutex::new(Published::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&published));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, published }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// By name, so that it has to be resolved.
    pub(crate) fn named_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }

    pub(crate) fn publish(&self, path: &str, status: u16, document: impl ToString) {
        let document = document.to_string();
        self.published.lock().unwrap().documents.insert(path.to_owned(), (status, document));
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.published.lock().unwrap().asked
    }
}

async fn answer(State(published): State<Arc<Mutex<Published>>>, uri: Uri) -> Response {
    let mut published = published.lock().unwrap();
    published.asked += 1;
    match published.documents.get(uri.path()) {
        Some((status, to)) if (300..400).contains(status) => {
            (StatusCode::from_u16(*status).unwrap(), [(header::LOCATION, to.clone())]).into_response()
        }
        Some((status, document)) => {
            (StatusCode::from_u16(*status).unwrap(), document.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A server that answers each request over TLS with one document. It ends with the test.
pub(crate) struct TlsKeyServer {
    port: u16,
    /// What vouches for it.
    pub(crate) certificate: String,
}

impl TlsKeyServer {
    pub(crate) async fn start(document: impl ToString) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&pair).unwrap();
        let key = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let document = document.to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
            document.len()
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not trust the certificate goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, certificate: certificate.pem() }
    }

    pub(crate) fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/keys", self.port)
    }
}
