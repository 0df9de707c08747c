//! One token signed by token-issuer.

use crate::Services;
use latchkey_api::issuer::v1::{IssueRequest, TokenToSign};
use tonic::{Request, Status};

/// Has a realm sign a single token.
///
/// # Errors
/// What token-issuer answers.
pub(crate) async fn sign(services: &Services, realm_id: &str, token: TokenToSign) -> Result<String, Status> {
    let request =
        IssueRequest { realm_id: realm_id.to_owned(), access_token: Some(token), ..IssueRequest::default() };
    Ok(services.issuer.issue(Request::new(request)).await?.into_inner().access_token)
}
