//! The service: its parts, and the contract it implements. The rules stand in the modules of their nouns.

use std::sync::Arc;

use latchkey_api::common::v1::{CatchUpRequest, CatchUpResponse, HeadRequest, HeadResponse, WatchRequest};
use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer;
use latchkey_api::issuer::v1::*;
use latchkey_api::revision::set_revision;
use latchkey_api::{ChangeStream, DynClientRegistry};
use latchkey_platform::changelog::ChangeLog;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use latchkey_platform::follower::Follower;
use latchkey_platform::vault::Vault;
use tonic::{Request, Response, Status};

use crate::cache::keys::KeyCache;
use crate::cache::verified::VerifiedCache;
use crate::changes::Writer;
use crate::error::Error;
use crate::follow::UPSTREAM;
use crate::key::pool::RsaPool;
use crate::providers::fallback::Turns;

/// How this service is called where its own change log is to be waited for.
const SELF: &str = "token-issuer";

/// token-issuer.
pub struct IssuerService {
    pub(crate) database: Database,
    pub(crate) vault: Vault,
    pub(crate) writer: Writer,
    pub(crate) keys: KeyCache,
    pub(crate) verified: VerifiedCache,
    pub(crate) pool: RsaPool,
    pub(crate) fallbacks: Turns,
    pub(crate) registry: Arc<DynClientRegistry>,
    pub(crate) follower: Follower,
    pub(crate) clock: SharedClock,
}

impl IssuerService {
    /// The change log of this service, by which its server knows how far this replica has come.
    #[must_use]
    pub fn changes(&self) -> &ChangeLog {
        &self.writer.changes
    }

    /// The database, for readiness.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}

/// Answers a write, with the revision that it reached; none where there was nothing to write.
fn written<T>(answer: T, revision: impl Into<Option<u64>>) -> Response<T> {
    let mut response = Response::new(answer);
    if let Some(revision) = revision.into() {
        set_revision(&mut response, revision);
    }
    response
}

#[tonic::async_trait]
impl TokenIssuer for IssuerService {
    type WatchStream = ChangeStream;

    async fn issue(&self, request: Request<IssueRequest>) -> Result<Response<IssueResponse>, Status> {
        Ok(Response::new(self.issue(request.into_inner()).await?))
    }

    async fn verify(&self, request: Request<VerifyRequest>) -> Result<Response<VerifyResponse>, Status> {
        Ok(Response::new(self.verify(request.into_inner()).await?))
    }

    async fn sign_not_before(
        &self,
        request: Request<SignNotBeforeRequest>,
    ) -> Result<Response<SignNotBeforeResponse>, Status> {
        Ok(Response::new(self.sign_not_before(request.into_inner()).await?))
    }

    async fn public_keys(
        &self,
        request: Request<PublicKeysRequest>,
    ) -> Result<Response<PublicKeysResponse>, Status> {
        let dated = self.keys.get(&request.into_inner().realm_id).await?;
        Ok(Response::new(PublicKeysResponse { jwks: dated.keys.jwks.clone() }))
    }

    async fn provision_realm(
        &self,
        request: Request<ProvisionRealmRequest>,
    ) -> Result<Response<ProvisionRealmResponse>, Status> {
        let revision = self.provision_realm(request.into_inner()).await?;
        Ok(written(ProvisionRealmResponse {}, revision))
    }

    async fn drop_realm(
        &self,
        request: Request<DropRealmRequest>,
    ) -> Result<Response<DropRealmResponse>, Status> {
        let revision = self.drop_realm(request.into_inner()).await?;
        Ok(written(DropRealmResponse {}, revision))
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Ok(Response::new(self.list_keys(request.into_inner()).await?))
    }

    async fn create_key_provider(
        &self,
        request: Request<CreateKeyProviderRequest>,
    ) -> Result<Response<CreateKeyProviderResponse>, Status> {
        let (answer, revision) = self.create_key_provider(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn list_key_providers(
        &self,
        request: Request<ListKeyProvidersRequest>,
    ) -> Result<Response<ListKeyProvidersResponse>, Status> {
        Ok(Response::new(self.list_key_providers(request.into_inner()).await?))
    }

    async fn update_key_provider(
        &self,
        request: Request<UpdateKeyProviderRequest>,
    ) -> Result<Response<UpdateKeyProviderResponse>, Status> {
        let (answer, revision) = self.update_key_provider(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_key_provider(
        &self,
        request: Request<DeleteKeyProviderRequest>,
    ) -> Result<Response<DeleteKeyProviderResponse>, Status> {
        let revision = self.delete_key_provider(request.into_inner()).await?;
        Ok(written(DeleteKeyProviderResponse {}, revision))
    }

    async fn catch_up(&self, request: Request<CatchUpRequest>) -> Result<Response<CatchUpResponse>, Status> {
        let CatchUpRequest { upstream, revision } = request.into_inner();
        match upstream.as_str() {
            UPSTREAM => self.follower.caught_up(revision).await,
            SELF => self.writer.changes.wait_applied(revision).await,
            _ => return Err(Error::NotFollowed(upstream).into()),
        }
        Ok(Response::new(CatchUpResponse {}))
    }

    async fn head(&self, _request: Request<HeadRequest>) -> Result<Response<HeadResponse>, Status> {
        Ok(Response::new(HeadResponse { revision: self.writer.changes.head() }))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<ChangeStream>, Status> {
        Ok(Response::new(self.writer.changes.watch(request.into_inner().from_revision)))
    }
}
