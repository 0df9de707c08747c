//! The service: its parts, and the contract it implements. The rules stand in the modules of their nouns.

use std::sync::Arc;

use latchkey_api::ChangeStream;
use latchkey_api::common::v1::{HeadRequest, HeadResponse, WatchRequest};
use latchkey_api::registry::v1::client_registry_server::ClientRegistry;
use latchkey_api::registry::v1::*;
use latchkey_api::revision::set_revision;
use latchkey_platform::changelog::ChangeLog;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use latchkey_platform::vault::Vault;
use tonic::{Request, Response, Status};

use crate::cache::known_clients::KnownClients;
use crate::cache::known_issuers::KnownIssuers;
use crate::cache::known_realms::KnownRealms;
use crate::changes::Writer;
use crate::outbound::Outbound;
use crate::outside_authenticator::OutsideAuthenticators;
use crate::remote_keys::RemoteKeys;
use crate::secret_uses::SecretUses;

/// client-registry.
pub struct RegistryService {
    pub(crate) database: Database,
    pub(crate) writer: Writer,
    pub(crate) vault: Vault,
    pub(crate) realms: KnownRealms,
    pub(crate) clients: KnownClients,
    pub(crate) issuers: KnownIssuers,
    pub(crate) remote_keys: RemoteKeys,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) authenticators: OutsideAuthenticators,
    pub(crate) secret_uses: Arc<SecretUses>,
    pub(crate) shortest_key_rotation_s: i64,
    pub(crate) clock: SharedClock,
}

impl RegistryService {
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

/// Answers a write, with the revision that it reached.
fn written<T>(answer: T, revision: u64) -> Response<T> {
    let mut response = Response::new(answer);
    set_revision(&mut response, revision);
    response
}

#[tonic::async_trait]
impl ClientRegistry for RegistryService {
    type WatchStream = ChangeStream;

    async fn get_realm(
        &self,
        request: Request<GetRealmRequest>,
    ) -> Result<Response<GetRealmResponse>, Status> {
        Ok(Response::new(self.get_realm(request.into_inner()).await?))
    }

    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        Ok(Response::new(self.authenticate(request.into_inner()).await?))
    }

    async fn find_client(
        &self,
        request: Request<FindClientRequest>,
    ) -> Result<Response<FindClientResponse>, Status> {
        Ok(Response::new(self.find_client(request.into_inner()).await?))
    }

    async fn create_realm(
        &self,
        request: Request<CreateRealmRequest>,
    ) -> Result<Response<CreateRealmResponse>, Status> {
        let (answer, revision) = self.create_realm(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn list_realms(
        &self,
        _request: Request<ListRealmsRequest>,
    ) -> Result<Response<ListRealmsResponse>, Status> {
        Ok(Response::new(self.list_realms().await?))
    }

    async fn update_realm(
        &self,
        request: Request<UpdateRealmRequest>,
    ) -> Result<Response<UpdateRealmResponse>, Status> {
        let (answer, revision) = self.update_realm(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_realm(
        &self,
        request: Request<DeleteRealmRequest>,
    ) -> Result<Response<DeleteRealmResponse>, Status> {
        let revision = self.delete_realm(request.into_inner()).await?;
        Ok(written(DeleteRealmResponse { revision }, revision))
    }

    async fn create_client(
        &self,
        request: Request<CreateClientRequest>,
    ) -> Result<Response<CreateClientResponse>, Status> {
        let (answer, revision) = self.create_client(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn get_client(
        &self,
        request: Request<GetClientRequest>,
    ) -> Result<Response<GetClientResponse>, Status> {
        Ok(Response::new(self.get_client(request.into_inner()).await?))
    }

    async fn list_clients(
        &self,
        request: Request<ListClientsRequest>,
    ) -> Result<Response<ListClientsResponse>, Status> {
        Ok(Response::new(self.list_clients(request.into_inner()).await?))
    }

    async fn update_client(
        &self,
        request: Request<UpdateClientRequest>,
    ) -> Result<Response<UpdateClientResponse>, Status> {
        let (answer, revision) = self.update_client(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_client(
        &self,
        request: Request<DeleteClientRequest>,
    ) -> Result<Response<DeleteClientResponse>, Status> {
        let revision = self.delete_client(request.into_inner()).await?;
        Ok(written(DeleteClientResponse { revision }, revision))
    }

    async fn list_admin_urls(
        &self,
        request: Request<ListAdminUrlsRequest>,
    ) -> Result<Response<ListAdminUrlsResponse>, Status> {
        Ok(Response::new(self.list_admin_urls(request.into_inner()).await?))
    }

    async fn push_not_before(
        &self,
        request: Request<PushNotBeforeRequest>,
    ) -> Result<Response<PushNotBeforeResponse>, Status> {
        Ok(Response::new(self.push_not_before(request.into_inner()).await?))
    }

    async fn get_client_secret(
        &self,
        request: Request<GetClientSecretRequest>,
    ) -> Result<Response<GetClientSecretResponse>, Status> {
        Ok(Response::new(self.get_client_secret(request.into_inner()).await?))
    }

    async fn list_client_secrets(
        &self,
        request: Request<ListClientSecretsRequest>,
    ) -> Result<Response<ListClientSecretsResponse>, Status> {
        Ok(Response::new(self.list_client_secrets(request.into_inner()).await?))
    }

    async fn delete_client_secrets(
        &self,
        request: Request<DeleteClientSecretsRequest>,
    ) -> Result<Response<DeleteClientSecretsResponse>, Status> {
        let (answer, revision) = self.delete_client_secrets(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn set_client_secret(
        &self,
        request: Request<SetClientSecretRequest>,
    ) -> Result<Response<SetClientSecretResponse>, Status> {
        let (answer, revision) = self.set_client_secret(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn create_initial_access(
        &self,
        request: Request<CreateInitialAccessRequest>,
    ) -> Result<Response<CreateInitialAccessResponse>, Status> {
        let (answer, revision) = self.create_initial_access(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn get_initial_access(
        &self,
        request: Request<GetInitialAccessRequest>,
    ) -> Result<Response<GetInitialAccessResponse>, Status> {
        Ok(Response::new(self.get_initial_access(request.into_inner()).await?))
    }

    async fn list_initial_access(
        &self,
        request: Request<ListInitialAccessRequest>,
    ) -> Result<Response<ListInitialAccessResponse>, Status> {
        Ok(Response::new(self.list_initial_access(request.into_inner()).await?))
    }

    async fn delete_initial_access(
        &self,
        request: Request<DeleteInitialAccessRequest>,
    ) -> Result<Response<DeleteInitialAccessResponse>, Status> {
        let revision = self.delete_initial_access(request.into_inner()).await?;
        Ok(written(DeleteInitialAccessResponse { revision }, revision))
    }

    async fn check_registration_token(
        &self,
        request: Request<CheckRegistrationTokenRequest>,
    ) -> Result<Response<CheckRegistrationTokenResponse>, Status> {
        Ok(Response::new(self.check_registration_token(request.into_inner()).await?))
    }

    async fn set_registration_token(
        &self,
        request: Request<SetRegistrationTokenRequest>,
    ) -> Result<Response<SetRegistrationTokenResponse>, Status> {
        let revision = self.set_registration_token(request.into_inner()).await?;
        Ok(written(SetRegistrationTokenResponse { revision }, revision))
    }

    async fn generate_client_key(
        &self,
        request: Request<GenerateClientKeyRequest>,
    ) -> Result<Response<GenerateClientKeyResponse>, Status> {
        let (answer, revision) = self.generate_client_key(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn upload_client_key(
        &self,
        request: Request<UploadClientKeyRequest>,
    ) -> Result<Response<UploadClientKeyResponse>, Status> {
        let (answer, revision) = self.upload_client_key(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn create_identity_provider(
        &self,
        request: Request<CreateIdentityProviderRequest>,
    ) -> Result<Response<CreateIdentityProviderResponse>, Status> {
        let (answer, revision) = self.create_identity_provider(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn get_identity_provider(
        &self,
        request: Request<GetIdentityProviderRequest>,
    ) -> Result<Response<GetIdentityProviderResponse>, Status> {
        Ok(Response::new(self.get_identity_provider(request.into_inner()).await?))
    }

    async fn list_identity_providers(
        &self,
        request: Request<ListIdentityProvidersRequest>,
    ) -> Result<Response<ListIdentityProvidersResponse>, Status> {
        Ok(Response::new(self.list_identity_providers(request.into_inner()).await?))
    }

    async fn update_identity_provider(
        &self,
        request: Request<UpdateIdentityProviderRequest>,
    ) -> Result<Response<UpdateIdentityProviderResponse>, Status> {
        let (answer, revision) = self.update_identity_provider(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_identity_provider(
        &self,
        request: Request<DeleteIdentityProviderRequest>,
    ) -> Result<Response<DeleteIdentityProviderResponse>, Status> {
        let revision = self.delete_identity_provider(request.into_inner()).await?;
        Ok(written(DeleteIdentityProviderResponse { revision }, revision))
    }

    async fn verify_grant_assertion(
        &self,
        request: Request<VerifyGrantAssertionRequest>,
    ) -> Result<Response<VerifyGrantAssertionResponse>, Status> {
        Ok(Response::new(self.verify_grant_assertion(request.into_inner()).await?))
    }

    async fn test_assertion(
        &self,
        request: Request<TestAssertionRequest>,
    ) -> Result<Response<TestAssertionResponse>, Status> {
        Ok(Response::new(self.test_assertion(request.into_inner()).await?))
    }

    async fn head(&self, _request: Request<HeadRequest>) -> Result<Response<HeadResponse>, Status> {
        Ok(Response::new(HeadResponse { revision: self.writer.changes.head() }))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<ChangeStream>, Status> {
        Ok(Response::new(self.writer.changes.watch(request.into_inner().from_revision)))
    }
}
