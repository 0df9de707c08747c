//! The service: its parts, and the contract it implements. The rules stand in the modules of their nouns.

use std::sync::Arc;

use latchkey_api::common::v1::{CatchUpRequest, CatchUpResponse, HeadRequest, HeadResponse, WatchRequest};
use latchkey_api::revision::set_revision;
use latchkey_api::roles::v1::role_mapping_server::RoleMapping;
use latchkey_api::roles::v1::*;
use latchkey_api::{ChangeStream, DynClientRegistry};
use latchkey_platform::changelog::ChangeLog;
use latchkey_platform::clock::SharedClock;
use latchkey_platform::database::Database;
use latchkey_platform::follower::Follower;
use tonic::{Request, Response, Status};

use crate::cache::facts::FactCaches;
use crate::cache::resolutions::Resolutions;
use crate::changes::Writer;
use crate::error::Error;
use crate::follow::UPSTREAM;
use crate::passwords::Passwords;

/// How this service is called where its own change log is to be waited for.
const SELF: &str = "role-mapping";

/// role-mapping.
pub struct RoleMappingService {
    pub(crate) database: Database,
    pub(crate) writer: Writer,
    pub(crate) facts: FactCaches,
    pub(crate) resolutions: Resolutions,
    pub(crate) passwords: Passwords,
    pub(crate) registry: Arc<DynClientRegistry>,
    pub(crate) follower: Follower,
    pub(crate) clock: SharedClock,
}

impl RoleMappingService {
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
impl RoleMapping for RoleMappingService {
    type WatchStream = ChangeStream;

    async fn resolve(&self, request: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        Ok(Response::new(self.resolve(request.into_inner()).await?))
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

    async fn prepare_client(
        &self,
        request: Request<PrepareClientRequest>,
    ) -> Result<Response<PrepareClientResponse>, Status> {
        let (answer, revision) = self.prepare_client(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn list_client_mappings(
        &self,
        request: Request<ListClientMappingsRequest>,
    ) -> Result<Response<ListClientMappingsResponse>, Status> {
        Ok(Response::new(self.list_client_mappings(request.into_inner()).await?))
    }

    async fn update_client_mapping(
        &self,
        request: Request<UpdateClientMappingRequest>,
    ) -> Result<Response<UpdateClientMappingResponse>, Status> {
        let (answer, revision) = self.update_client_mapping(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn drop_client(
        &self,
        request: Request<DropClientRequest>,
    ) -> Result<Response<DropClientResponse>, Status> {
        let revision = self.drop_client(request.into_inner()).await?;
        Ok(written(DropClientResponse {}, revision))
    }

    async fn get_service_account(
        &self,
        request: Request<GetServiceAccountRequest>,
    ) -> Result<Response<GetServiceAccountResponse>, Status> {
        let (answer, revision) = self.get_service_account(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_service_account(
        &self,
        request: Request<DeleteServiceAccountRequest>,
    ) -> Result<Response<DeleteServiceAccountResponse>, Status> {
        let revision = self.delete_service_account(request.into_inner()).await?;
        Ok(written(DeleteServiceAccountResponse {}, revision))
    }

    async fn create_role(
        &self,
        request: Request<CreateRoleRequest>,
    ) -> Result<Response<CreateRoleResponse>, Status> {
        let (answer, revision) = self.create_role(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn get_role(&self, request: Request<GetRoleRequest>) -> Result<Response<GetRoleResponse>, Status> {
        Ok(Response::new(self.get_role(request.into_inner()).await?))
    }

    async fn list_roles(
        &self,
        request: Request<ListRolesRequest>,
    ) -> Result<Response<ListRolesResponse>, Status> {
        Ok(Response::new(self.list_roles(request.into_inner()).await?))
    }

    async fn update_role(
        &self,
        request: Request<UpdateRoleRequest>,
    ) -> Result<Response<UpdateRoleResponse>, Status> {
        let (answer, revision) = self.update_role(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_role(
        &self,
        request: Request<DeleteRoleRequest>,
    ) -> Result<Response<DeleteRoleResponse>, Status> {
        let revision = self.delete_role(request.into_inner()).await?;
        Ok(written(DeleteRoleResponse {}, revision))
    }

    async fn change_composites(
        &self,
        request: Request<ChangeCompositesRequest>,
    ) -> Result<Response<ChangeCompositesResponse>, Status> {
        let revision = self.change_composites(request.into_inner()).await?;
        Ok(written(ChangeCompositesResponse {}, revision))
    }

    async fn list_composites(
        &self,
        request: Request<ListCompositesRequest>,
    ) -> Result<Response<ListCompositesResponse>, Status> {
        Ok(Response::new(self.list_composites(request.into_inner()).await?))
    }

    async fn list_role_users(
        &self,
        request: Request<ListRoleUsersRequest>,
    ) -> Result<Response<ListRoleUsersResponse>, Status> {
        Ok(Response::new(self.list_role_users(request.into_inner()).await?))
    }

    async fn create_client_scope(
        &self,
        request: Request<CreateClientScopeRequest>,
    ) -> Result<Response<CreateClientScopeResponse>, Status> {
        let (answer, revision) = self.create_client_scope(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn get_client_scope(
        &self,
        request: Request<GetClientScopeRequest>,
    ) -> Result<Response<GetClientScopeResponse>, Status> {
        Ok(Response::new(self.get_client_scope(request.into_inner()).await?))
    }

    async fn list_client_scopes(
        &self,
        request: Request<ListClientScopesRequest>,
    ) -> Result<Response<ListClientScopesResponse>, Status> {
        Ok(Response::new(self.list_client_scopes(request.into_inner()).await?))
    }

    async fn update_client_scope(
        &self,
        request: Request<UpdateClientScopeRequest>,
    ) -> Result<Response<UpdateClientScopeResponse>, Status> {
        let (answer, revision) = self.update_client_scope(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_client_scope(
        &self,
        request: Request<DeleteClientScopeRequest>,
    ) -> Result<Response<DeleteClientScopeResponse>, Status> {
        let revision = self.delete_client_scope(request.into_inner()).await?;
        Ok(written(DeleteClientScopeResponse {}, revision))
    }

    async fn assign_client_scope(
        &self,
        request: Request<AssignClientScopeRequest>,
    ) -> Result<Response<AssignClientScopeResponse>, Status> {
        let revision = self.assign_client_scope(request.into_inner()).await?;
        Ok(written(AssignClientScopeResponse {}, revision))
    }

    async fn list_realm_client_scopes(
        &self,
        request: Request<ListRealmClientScopesRequest>,
    ) -> Result<Response<ListRealmClientScopesResponse>, Status> {
        Ok(Response::new(self.list_realm_client_scopes(request.into_inner()).await?))
    }

    async fn create_protocol_mappers(
        &self,
        request: Request<CreateProtocolMappersRequest>,
    ) -> Result<Response<CreateProtocolMappersResponse>, Status> {
        let (answer, revision) = self.create_protocol_mappers(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn list_protocol_mappers(
        &self,
        request: Request<ListProtocolMappersRequest>,
    ) -> Result<Response<ListProtocolMappersResponse>, Status> {
        Ok(Response::new(self.list_protocol_mappers(request.into_inner()).await?))
    }

    async fn update_protocol_mapper(
        &self,
        request: Request<UpdateProtocolMapperRequest>,
    ) -> Result<Response<UpdateProtocolMapperResponse>, Status> {
        let revision = self.update_protocol_mapper(request.into_inner()).await?;
        Ok(written(UpdateProtocolMapperResponse {}, revision))
    }

    async fn delete_protocol_mapper(
        &self,
        request: Request<DeleteProtocolMapperRequest>,
    ) -> Result<Response<DeleteProtocolMapperResponse>, Status> {
        let revision = self.delete_protocol_mapper(request.into_inner()).await?;
        Ok(written(DeleteProtocolMapperResponse {}, revision))
    }

    async fn change_role_mappings(
        &self,
        request: Request<ChangeRoleMappingsRequest>,
    ) -> Result<Response<ChangeRoleMappingsResponse>, Status> {
        let revision = self.change_role_mappings(request.into_inner()).await?;
        Ok(written(ChangeRoleMappingsResponse {}, revision))
    }

    async fn list_role_mappings(
        &self,
        request: Request<ListRoleMappingsRequest>,
    ) -> Result<Response<ListRoleMappingsResponse>, Status> {
        Ok(Response::new(self.list_role_mappings(request.into_inner()).await?))
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<CreateUserResponse>, Status> {
        let (answer, revision) = self.create_user(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        Ok(Response::new(self.get_user(request.into_inner()).await?))
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        Ok(Response::new(self.list_users(request.into_inner()).await?))
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        let (answer, revision) = self.update_user(request.into_inner()).await?;
        Ok(written(answer, revision))
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<DeleteUserResponse>, Status> {
        let revision = self.delete_user(request.into_inner()).await?;
        Ok(written(DeleteUserResponse {}, revision))
    }

    async fn set_password(
        &self,
        request: Request<SetPasswordRequest>,
    ) -> Result<Response<SetPasswordResponse>, Status> {
        let revision = self.set_password(request.into_inner()).await?;
        Ok(written(SetPasswordResponse {}, revision))
    }

    async fn verify_password(
        &self,
        request: Request<VerifyPasswordRequest>,
    ) -> Result<Response<VerifyPasswordResponse>, Status> {
        Ok(Response::new(self.verify_password(request.into_inner()).await?))
    }

    async fn link_federated_identity(
        &self,
        request: Request<LinkFederatedIdentityRequest>,
    ) -> Result<Response<LinkFederatedIdentityResponse>, Status> {
        let revision = self.link_federated_identity(request.into_inner()).await?;
        Ok(written(LinkFederatedIdentityResponse {}, revision))
    }

    async fn unlink_federated_identity(
        &self,
        request: Request<UnlinkFederatedIdentityRequest>,
    ) -> Result<Response<UnlinkFederatedIdentityResponse>, Status> {
        let revision = self.unlink_federated_identity(request.into_inner()).await?;
        Ok(written(UnlinkFederatedIdentityResponse {}, revision))
    }

    async fn list_federated_identities(
        &self,
        request: Request<ListFederatedIdentitiesRequest>,
    ) -> Result<Response<ListFederatedIdentitiesResponse>, Status> {
        Ok(Response::new(self.list_federated_identities(request.into_inner()).await?))
    }

    async fn find_federated_user(
        &self,
        request: Request<FindFederatedUserRequest>,
    ) -> Result<Response<FindFederatedUserResponse>, Status> {
        Ok(Response::new(self.find_federated_user(request.into_inner()).await?))
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
