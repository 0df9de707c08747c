//! An outside authenticator: a client is who presents, as its secret, the API key whose SHA-256 its attribute holds.
//! `authenticator ADDRESS CA CERTIFICATE KEY`: where it listens, who vouches for its callers, and its own identity (files, PEM).

use std::{env, error::Error, fs};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use latchkey_api::authenticator::v1::{
    AuthenticateRequest, AuthenticateResponse, Authenticated, Denied,
    authenticate_response::Outcome,
    client_authenticator_server::{ClientAuthenticator, ClientAuthenticatorServer},
};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// A client attribute: the SHA-256 of its API key, in hexadecimal.
const ATTRIBUTE: &str = "authenticator.api-key-sha256";

struct ApiKeys;

#[tonic::async_trait]
impl ClientAuthenticator for ApiKeys {
    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        let outcome = match check(request.get_ref()) {
            Ok(()) => Outcome::Authenticated(Authenticated {}),
            Err(reason) => Outcome::Denied(Denied { reason: reason.to_owned() }),
        };
        Ok(Response::new(AuthenticateResponse { outcome: Some(outcome) }))
    }
}

fn check(asked: &AuthenticateRequest) -> Result<(), &'static str> {
    let key = asked.client_secret.as_deref().ok_or("no API key was presented")?;
    let known = asked.attributes.get(ATTRIBUTE).ok_or("the client has no API key")?;
    let digest = digest(&SHA256, key.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    verify_slices_are_equal(digest.as_bytes(), known.as_bytes())
        .map_err(|_| "the API key is not the client's")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Result<[String; 4], _> = env::args().skip(1).collect::<Vec<_>>().try_into();
    let [address, ca, certificate, key] =
        arguments.map_err(|_| "usage: authenticator ADDRESS CA CERTIFICATE KEY")?;
    let identity = Identity::from_pem(fs::read(certificate)?, fs::read(key)?);
    // Who calls without a certificate of this authority is not answered: nobody else may try keys here.
    let tls = ServerTlsConfig::new().identity(identity).client_ca_root(Certificate::from_pem(fs::read(ca)?));
    let service = ClientAuthenticatorServer::new(ApiKeys);
    Ok(Server::builder().tls_config(tls)?.add_service(service).serve(address.parse()?).await?)
}
