//! The contract of `Sessions`, over a store.

use crate::{
    Error,
    family::{Family, Refusal, Reuse},
    record::Record,
    session_id::SessionId,
    store::{Lifespan, MAX_LISTED, Rotation, Store, Whose},
};
use latchkey_api::session::v1::{
    CheckRequest, CheckResponse, ClaimOnceRequest, ClaimOnceResponse, CountSessionsRequest,
    CountSessionsResponse, EndAllRequest, EndAllResponse, EndRequest, EndResponse, ListSessionsRequest,
    ListSessionsResponse, OpenRequest, OpenResponse, RevokeTokenRequest, RevokeTokenResponse, RotateRequest,
    RotateResponse, Rotated, Session, SessionKind, rotate_response, sessions_server::Sessions,
};
use latchkey_platform::clock::SharedClock;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The session service.
pub struct SessionService {
    store: Arc<dyn Store>,
    clock: SharedClock,
}

impl SessionService {
    /// The service over a store.
    pub fn new(store: Arc<dyn Store>, clock: SharedClock) -> Self {
        metrics::describe_counter!(
            "latchkey_refresh_token_replays_total",
            "Refresh tokens that were used too often, and ended their session."
        );
        Self { store, clock }
    }

    /// Whether the store answers now: for readiness.
    ///
    /// # Errors
    /// Why it doesn't.
    pub async fn ready(&self) -> Result<(), Error> {
        self.store.ping().await
    }
}

#[tonic::async_trait]
impl Sessions for SessionService {
    async fn open(&self, request: Request<OpenRequest>) -> Result<Response<OpenResponse>, Status> {
        let ask = request.into_inner();
        let now_ms = self.clock.now_ms();
        let kind = match ask.kind() {
            SessionKind::Unspecified => return Err(Error::Invalid("a session is online or offline").into()),
            kind => kind,
        };
        given(&ask.realm_id, "realm_id")?;
        given(&ask.client_uuid, "client_uuid")?;
        let lifespan = lifespan(ask.idle_s, ask.max_s);
        let id = SessionId::generate(now_ms)?;
        let session_id = id.to_string();
        let record = Record {
            id,
            expires_ms: lifespan.expires_ms(now_ms, now_ms),
            family: Family::new(&ask.refresh_jti),
            session: Session {
                id: session_id.clone(),
                realm_id: ask.realm_id.clone(),
                kind: kind.into(),
                client_uuid: ask.client_uuid,
                client_id: ask.client_id,
                user_id: ask.user_id,
                username: ask.username,
                ip_address: ask.ip_address,
                started_ms: now_ms,
                last_access_ms: now_ms,
            },
        };
        let ends = Ends::of(&record, &lifespan, now_ms);
        self.store.open(&ask.realm_id, record, now_ms).await?;
        Ok(Response::new(OpenResponse {
            session_id,
            refresh_expires_in_s: ends.refresh_s,
            session_expires_in_s: ends.session_s,
            started_ms: now_ms,
        }))
    }

    async fn rotate(&self, request: Request<RotateRequest>) -> Result<Response<RotateResponse>, Status> {
        let ask = request.into_inner();
        let now_ms = self.clock.now_ms();
        given(&ask.realm_id, "realm_id")?;
        given(&ask.refresh_jti, "refresh_jti")?;
        given(&ask.next_refresh_jti, "next_refresh_jti")?;
        let lifespan = lifespan(ask.idle_s, ask.max_s);
        let outcome = match SessionId::parse(&ask.session_id) {
            None => Err(Refusal::SessionNotActive),
            Some(id) => {
                let rotation = Rotation {
                    reuse: reuse(&ask),
                    client_uuid: ask.client_uuid,
                    user_id: ask.user_id,
                    jti: ask.refresh_jti,
                    next_jti: ask.next_refresh_jti,
                    lifespan,
                };
                self.store.rotate(&ask.realm_id, id, rotation, now_ms).await?
            }
        };
        let outcome = match outcome {
            Ok(record) => {
                let ends = Ends::of(&record, &lifespan, now_ms);
                rotate_response::Outcome::Rotated(Rotated {
                    kind: record.kind().into(),
                    refresh_expires_in_s: ends.refresh_s,
                    session_expires_in_s: ends.session_s,
                    user_id: record.session.user_id.clone(),
                    ip_address: record.session.ip_address.clone(),
                    started_ms: record.session.started_ms,
                })
            }
            Err(refusal) => {
                if matches!(refusal, Refusal::ReuseExceeded | Refusal::Stale) {
                    metrics::counter!("latchkey_refresh_token_replays_total").increment(1);
                    tracing::info!(
                        realm.id = ask.realm_id,
                        session.id = ask.session_id,
                        "a replayed refresh token ended its session"
                    );
                }
                use rotate_response::Refusal as Answer;
                let answer = match refusal {
                    Refusal::SessionNotActive => Answer::SessionNotActive,
                    Refusal::ReuseExceeded => Answer::ReuseExceeded,
                    Refusal::FamilyEnded => Answer::FamilyEnded,
                    Refusal::Stale => Answer::Stale,
                };
                rotate_response::Outcome::Refusal(answer.into())
            }
        };
        Ok(Response::new(RotateResponse { outcome: Some(outcome) }))
    }

    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let ask = request.into_inner();
        let (names_session, id) = (!ask.session_id.is_empty(), SessionId::parse(&ask.session_id));
        let jti = Some(ask.jti.as_str()).filter(|jti| !jti.is_empty());
        let found = self.store.check(&ask.realm_id, id, jti, self.clock.now_ms()).await?;
        let of_client = |record: &Arc<Record>| {
            ask.client_uuid.is_empty() || record.session.client_uuid == ask.client_uuid
        };
        let session = found.record.filter(of_client).map(|record| record.session.clone());
        Ok(Response::new(CheckResponse {
            session_active: !names_session || session.is_some(),
            revoked: found.revoked,
            session,
        }))
    }

    async fn end(&self, request: Request<EndRequest>) -> Result<Response<EndResponse>, Status> {
        let ask = request.into_inner();
        let ended = match SessionId::parse(&ask.session_id) {
            None => None,
            Some(id) => self.store.end(&ask.realm_id, id, self.clock.now_ms()).await?,
        };
        let kind = ended.unwrap_or(SessionKind::Unspecified);
        Ok(Response::new(EndResponse { existed: ended.is_some(), kind: kind.into() }))
    }

    async fn end_all(&self, request: Request<EndAllRequest>) -> Result<Response<EndAllResponse>, Status> {
        let ask = request.into_inner();
        given(&ask.realm_id, "realm_id")?;
        let whose = whose(ask.user_id, ask.client_uuid)?;
        let ended = self.store.end_all(&ask.realm_id, &whose, ask.online_only, self.clock.now_ms()).await?;
        Ok(Response::new(EndAllResponse { ended }))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let ask = request.into_inner();
        let kind = match ask.kind() {
            SessionKind::Unspecified => SessionKind::Online,
            kind => kind,
        };
        let max = ask.max.unwrap_or(MAX_LISTED).min(MAX_LISTED);
        let whose = whose(ask.user_id, ask.client_uuid)?;
        let sessions =
            self.store.list(&ask.realm_id, &whose, kind, ask.first, max, self.clock.now_ms()).await?;
        Ok(Response::new(ListSessionsResponse { sessions }))
    }

    async fn count_sessions(
        &self,
        request: Request<CountSessionsRequest>,
    ) -> Result<Response<CountSessionsResponse>, Status> {
        let ask = request.into_inner();
        let client = Some(ask.client_uuid.as_str()).filter(|client| !client.is_empty());
        let clients = self.store.count(&ask.realm_id, client, self.clock.now_ms()).await?;
        Ok(Response::new(CountSessionsResponse { clients }))
    }

    async fn revoke_token(
        &self,
        request: Request<RevokeTokenRequest>,
    ) -> Result<Response<RevokeTokenResponse>, Status> {
        let ask = request.into_inner();
        given(&ask.jti, "jti")?;
        let now_ms = self.clock.now_ms();
        let expires_ms = ask.expires_at_s.saturating_mul(1_000);
        if expires_ms > now_ms {
            self.store.revoke(&ask.realm_id, &ask.jti, expires_ms, now_ms).await?;
        }
        Ok(Response::new(RevokeTokenResponse {}))
    }

    async fn claim_once(
        &self,
        request: Request<ClaimOnceRequest>,
    ) -> Result<Response<ClaimOnceResponse>, Status> {
        let ask = request.into_inner();
        given(&ask.id, "id")?;
        let ttl_ms = ask.ttl_s.saturating_mul(1_000);
        let first =
            self.store.claim(&ask.realm_id, &ask.purpose, &ask.id, ttl_ms, self.clock.now_ms()).await?;
        Ok(Response::new(ClaimOnceResponse { first }))
    }
}

/// Seconds until the end of a refresh token and of its session, as the contract tells them: 0 for never.
struct Ends {
    refresh_s: i64,
    session_s: i64,
}

impl Ends {
    fn of(record: &Record, lifespan: &Lifespan, now_ms: i64) -> Self {
        let maximum = lifespan.maximum(record.id.started_ms());
        // Keycloak's offline tokens carry no `exp` unless offline sessions have a maximum.
        let is_offline = record.kind() == SessionKind::Offline;
        let is_bound = maximum.is_some() || (lifespan.idle_ms.is_some() && !is_offline);
        Self {
            refresh_s: if is_bound { (record.expires_ms - now_ms) / 1_000 } else { 0 },
            session_s: maximum.map_or(0, |maximum| (maximum - now_ms) / 1_000),
        }
    }
}

fn lifespan(idle_s: i64, max_s: i64) -> Lifespan {
    let bound = |seconds: i64| (seconds > 0).then(|| seconds.saturating_mul(1_000));
    Lifespan { idle_ms: bound(idle_s), max_ms: bound(max_s) }
}

fn reuse(ask: &RotateRequest) -> Reuse {
    if !ask.revoke_on_use {
        return Reuse::Free;
    }
    Reuse::Limited { max_reuse: u32::try_from(ask.max_reuse).unwrap_or(0) }
}

fn whose(user_id: String, client_uuid: String) -> Result<Whose, Error> {
    match (user_id.is_empty(), client_uuid.is_empty()) {
        (true, true) => Ok(Whose::Realm),
        (false, true) => Ok(Whose::User(user_id)),
        (true, false) => Ok(Whose::Client(client_uuid)),
        (false, false) => Err(Error::Invalid("a user or a client, not both")),
    }
}

fn given(value: &str, field: &'static str) -> Result<(), Error> {
    if value.is_empty() { Err(Error::Invalid(field)) } else { Ok(()) }
}
