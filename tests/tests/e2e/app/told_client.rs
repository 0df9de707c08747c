//! A client's server, which is told something at the client's admin URL.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;

/// A client's server. It ends with the test process.
pub(crate) struct ToldClient {
    pub(crate) address: SocketAddr,
    heard: Heard,
}

/// Content type and body of each request.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

impl ToldClient {
    pub(crate) async fn start() -> Self {
        let heard = Heard::default();
        let router = Router::new()
            .route("/app/k_push_not_before", post(hear))
            .route("/broken/k_push_not_before", post(async || StatusCode::INTERNAL_SERVER_ERROR))
            .with_state(Arc::clone(&heard));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, heard }
    }

    /// Its admin URL is `/app`; what is told at `/broken` fails.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was told since it was last asked: content types and bodies.
    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: String) -> StatusCode {
    let content_type = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    heard.lock().unwrap().push((content_type, body));
    StatusCode::NO_CONTENT
}
