//! Reads a small body before its request is looked at.
//!
//! What is refused by its headers would else be answered while its body is still on the way. HTTP/1.1 has to close such a
//! connection, and a client that sends its next request on it, as it may, finds it closed.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};

/// Bytes that a stranger may make us read in vain. Longer bodies are read when somebody may send them.
const SMALL: usize = 64 * 1024;

/// The layer.
pub(crate) async fn read_first(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = match length(&parts.headers).filter(|length| (1..=SMALL).contains(length)) {
        // One that breaks off is left incomplete, and whoever reads it finds that out.
        Some(length) => to_bytes(body, length).await.map(Body::from).unwrap_or_default(),
        None => body,
    };
    next.run(Request::from_parts(parts, body)).await
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, http::StatusCode, middleware::from_fn, routing::post};
    use futures::stream;
    use std::{
        convert::Infallible,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
    };
    use tower::Service as _;

    async fn ends_read(announced: Option<usize>) -> bool {
        let read = Arc::new(AtomicBool::new(false));
        let ended = read.clone();
        let chunks = stream::unfold(0, move |chunk| {
            if chunk == 2 {
                ended.store(true, Ordering::Relaxed);
            }
            std::future::ready((chunk < 2).then_some((Ok::<_, Infallible>("{}"), chunk + 1)))
        });
        let refuse = async || StatusCode::FORBIDDEN;
        let mut router: Router = Router::new().route("/", post(refuse)).layer(from_fn(read_first));
        let mut request = Request::post("/");
        if let Some(announced) = announced {
            request = request.header(header::CONTENT_LENGTH, announced);
        }
        let request = request.body(Body::from_stream(chunks)).unwrap();
        assert_eq!(router.call(request).await.unwrap().status(), StatusCode::FORBIDDEN);
        read.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_small_body_is_read_though_its_request_is_refused() {
        assert!(ends_read(Some(4)).await);
        assert!(!ends_read(Some(SMALL + 1)).await);
        assert!(!ends_read(None).await);
    }
}
