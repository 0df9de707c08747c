//! Following a change log over the network.

use futures::StreamExt as _;
use latchkey_api::{
    ChangeStream, DynTokenIssuer,
    common::v1::{
        CatchUpRequest, CatchUpResponse, Change, HeadRequest, HeadResponse, WatchRequest, WatchResponse,
    },
    issuer::v1::{
        token_issuer_server::{TokenIssuer, TokenIssuerServer},
        *,
    },
    pipeline::PipelineService,
    remote::{RemoteTokenIssuer, Target},
    revision::NoChangeLog,
    server,
};
use std::sync::Arc;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Has a change log without end.
struct Endless;

macro_rules! unimplemented_methods {
    ($($name:ident($request:ty) -> $response:ty;)*) => {
        #[tonic::async_trait]
        impl TokenIssuer for Endless {
            type WatchStream = ChangeStream;

            async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<ChangeStream>, Status> {
                let from = request.into_inner().from_revision;
                let changes = futures::stream::iter(from + 1..).map(|revision| {
                    Ok(WatchResponse { change: Some(Change { revision, ..Change::default() }) })
                });
                Ok(Response::new(Box::pin(changes)))
            }

            $(async fn $name(&self, _: Request<$request>) -> Result<Response<$response>, Status> {
                Err(Status::unimplemented(stringify!($name)))
            })*
        }
    };
}

unimplemented_methods! {
    issue(IssueRequest) -> IssueResponse;
    verify(VerifyRequest) -> VerifyResponse;
    sign_not_before(SignNotBeforeRequest) -> SignNotBeforeResponse;
    head(HeadRequest) -> HeadResponse;
    public_keys(PublicKeysRequest) -> PublicKeysResponse;
    provision_realm(ProvisionRealmRequest) -> ProvisionRealmResponse;
    drop_realm(DropRealmRequest) -> DropRealmResponse;
    list_keys(ListKeysRequest) -> ListKeysResponse;
    create_key_provider(CreateKeyProviderRequest) -> CreateKeyProviderResponse;
    list_key_providers(ListKeyProvidersRequest) -> ListKeyProvidersResponse;
    update_key_provider(UpdateKeyProviderRequest) -> UpdateKeyProviderResponse;
    delete_key_provider(DeleteKeyProviderRequest) -> DeleteKeyProviderResponse;
    catch_up(CatchUpRequest) -> CatchUpResponse;
}

#[tokio::test]
async fn a_follower_resumes_where_it_was() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let pipeline =
        PipelineService::new(Arc::new(NoChangeLog), CancellationToken::new()).token_issuer(Arc::new(Endless));
    let router = server::builder().add_service(pipeline).add_service(TokenIssuerServer::new(Endless));
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));

    let issuer: Arc<DynTokenIssuer> =
        Arc::new(RemoteTokenIssuer::connect(Target::new(uri.parse().unwrap(), None)).unwrap());
    let request = Request::new(WatchRequest { from_revision: 41 });
    let changes = issuer.watch(request).await.unwrap().into_inner().take(10_000);
    let revisions: Vec<u64> = changes.map(|answer| answer.unwrap().change.unwrap().revision).collect().await;
    assert_eq!(revisions, (42..10_042).collect::<Vec<_>>());
}
