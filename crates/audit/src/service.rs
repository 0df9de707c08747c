//! The contract of `Audit`.

use crate::{
    Error,
    follow::Followers,
    store::{AdminEventQuery, LoginEventQuery, Store},
};
use latchkey_api::{
    audit::v1::{
        ClearAdminEventsRequest, ClearAdminEventsResponse, ClearLoginEventsRequest, ClearLoginEventsResponse,
        ListAdminEventsRequest, ListAdminEventsResponse, ListLoginEventsRequest, ListLoginEventsResponse,
        RecordLoginEventsRequest, RecordLoginEventsResponse, audit_server::Audit,
    },
    common::v1::{CatchUpRequest, CatchUpResponse},
};
use latchkey_platform::clock::SharedClock;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// The most events of one batch: more than senders put together.
const MAX_BATCH: usize = 5_000;

/// How long a caller waits for a change log to be followed.
const CATCH_UP: Duration = Duration::from_secs(5);

/// The audit service.
pub struct AuditService {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) followers: Followers,
}

#[tonic::async_trait]
impl Audit for AuditService {
    async fn record_login_events(
        &self,
        request: Request<RecordLoginEventsRequest>,
    ) -> Result<Response<RecordLoginEventsResponse>, Status> {
        let events = request.into_inner().events;
        if events.len() > MAX_BATCH {
            return Err(Error::Invalid("too many events in one batch").into());
        }
        if events.iter().any(|event| event.realm_id.is_empty() || event.id.is_empty()) {
            return Err(Error::Invalid("an event needs realm_id and id").into());
        }
        if !events.is_empty() {
            self.store.put_login_events(&events).await?;
        }
        Ok(Response::new(RecordLoginEventsResponse {}))
    }

    async fn list_login_events(
        &self,
        request: Request<ListLoginEventsRequest>,
    ) -> Result<Response<ListLoginEventsResponse>, Status> {
        let ask = request.into_inner();
        let query = LoginEventQuery {
            realm_id: ask.realm_id,
            types: ask.types,
            client_id: ask.client_id,
            user_id: ask.user_id,
            ip_address: ask.ip_address,
            from_ms: ask.from_ms,
            to_ms: ask.to_ms,
            ascending: ask.ascending,
            page: ask.page,
        };
        let events = self.store.login_events(&query, self.clock.now_ms()).await?;
        Ok(Response::new(ListLoginEventsResponse { events }))
    }

    async fn clear_login_events(
        &self,
        request: Request<ClearLoginEventsRequest>,
    ) -> Result<Response<ClearLoginEventsResponse>, Status> {
        self.store.clear_login_events(&request.into_inner().realm_id).await?;
        Ok(Response::new(ClearLoginEventsResponse {}))
    }

    async fn list_admin_events(
        &self,
        request: Request<ListAdminEventsRequest>,
    ) -> Result<Response<ListAdminEventsResponse>, Status> {
        let ask = request.into_inner();
        let query = AdminEventQuery {
            realm_id: ask.realm_id,
            operation_types: ask.operation_types,
            resource_types: ask.resource_types,
            resource_path: ask.resource_path,
            auth_realm_id: ask.auth_realm_id,
            auth_client_id: ask.auth_client_id,
            auth_user_id: ask.auth_user_id,
            auth_ip_address: ask.auth_ip_address,
            from_ms: ask.from_ms,
            to_ms: ask.to_ms,
            ascending: ask.ascending,
            page: ask.page,
        };
        let events = self.store.admin_events(&query).await?;
        Ok(Response::new(ListAdminEventsResponse { events }))
    }

    async fn clear_admin_events(
        &self,
        request: Request<ClearAdminEventsRequest>,
    ) -> Result<Response<ClearAdminEventsResponse>, Status> {
        self.store.clear_admin_events(&request.into_inner().realm_id).await?;
        Ok(Response::new(ClearAdminEventsResponse {}))
    }

    async fn catch_up(&self, request: Request<CatchUpRequest>) -> Result<Response<CatchUpResponse>, Status> {
        let ask = request.into_inner();
        let Some(follower) = self.followers.get(ask.upstream.as_str()) else {
            return Err(Error::Invalid("that service's change log is not followed").into());
        };
        let caught_up = tokio::time::timeout(CATCH_UP, follower.caught_up(ask.revision)).await;
        caught_up.map_err(|_| Error::NotCaughtUp(ask.upstream))?;
        Ok(Response::new(CatchUpResponse {}))
    }
}
