//! A service to call: [`Sessions`] with answers that its test chooses.

use futures::future::BoxFuture;
use latchkey_api::session::v1::{sessions_server::Sessions, *};
use std::sync::Arc;
use tonic::{Request, Response, Status};

type Answer<Q, A> = Arc<dyn Fn(Q) -> BoxFuture<'static, Result<A, Status>> + Send + Sync>;

/// Answers `Open` (not idempotent, pipelined), `Check` (idempotent, pipelined) and `ClaimOnce` and `End` (unary, the second one
/// idempotent) as told.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) open: Answer<OpenRequest, OpenResponse>,
    pub(crate) check: Answer<CheckRequest, CheckResponse>,
    pub(crate) end: Answer<EndRequest, Response<EndResponse>>,
}

/// Everything succeeds at once. `Check` answers with the session that was asked for.
impl Default for Scripted {
    fn default() -> Self {
        Self {
            open: Arc::new(|_| Box::pin(async { Ok(OpenResponse::default()) })),
            check: Arc::new(|request| Box::pin(async move { Ok(alive(request.session_id)) })),
            end: Arc::new(|_| Box::pin(async { Ok(Response::new(EndResponse::default())) })),
        }
    }
}

/// The answer for a living session.
pub(crate) fn alive(id: String) -> CheckResponse {
    CheckResponse {
        session_active: true,
        revoked: false,
        session: Some(Session { id, ..Session::default() }),
    }
}

#[tonic::async_trait]
impl Sessions for Scripted {
    async fn open(&self, request: Request<OpenRequest>) -> Result<Response<OpenResponse>, Status> {
        (self.open)(request.into_inner()).await.map(Response::new)
    }

    async fn rotate(&self, _: Request<RotateRequest>) -> Result<Response<RotateResponse>, Status> {
        Err(Status::unimplemented("rotate"))
    }

    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        (self.check)(request.into_inner()).await.map(Response::new)
    }

    async fn end(&self, request: Request<EndRequest>) -> Result<Response<EndResponse>, Status> {
        (self.end)(request.into_inner()).await
    }

    async fn end_all(&self, _: Request<EndAllRequest>) -> Result<Response<EndAllResponse>, Status> {
        Err(Status::unimplemented("end_all"))
    }

    async fn list_sessions(
        &self,
        _: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        Err(Status::unimplemented("list_sessions"))
    }

    async fn count_sessions(
        &self,
        _: Request<CountSessionsRequest>,
    ) -> Result<Response<CountSessionsResponse>, Status> {
        Err(Status::unimplemented("count_sessions"))
    }

    async fn revoke_token(
        &self,
        _: Request<RevokeTokenRequest>,
    ) -> Result<Response<RevokeTokenResponse>, Status> {
        Err(Status::unimplemented("revoke_token"))
    }

    async fn claim_once(&self, _: Request<ClaimOnceRequest>) -> Result<Response<ClaimOnceResponse>, Status> {
        Err(Status::unimplemented("claim_once"))
    }
}
