//! Time.

use latchkey_api::issuer::v1::token_issuer_server::TokenIssuer as _;
use latchkey_api::issuer::v1::verify_response::{Fault, Outcome};
use latchkey_api::issuer::v1::*;
use tonic::Request;

use crate::setting::*;

async fn a_token_ends_with_its_lifetime(s: Setting) {
    let token = s.issue("red", "RS256").await;
    s.clock.advance_s(299);
    s.verified("red", &token).await;
    s.clock.advance_s(1);
    assert_eq!(s.fault("red", &token).await, Some(Fault::NotActive));
    let request = VerifyRequest { realm_id: "red".to_owned(), token, allow_expired: true };
    let outcome = answer(s.service.verify(Request::new(request)).await).unwrap().outcome;
    assert!(matches!(outcome, Some(Outcome::Verified(token)) if token.expired));
}

async fn a_token_does_not_begin_early(s: Setting) {
    let claims = format!(r#"{{"nbf":{}}}"#, NOW_MS / 1000 + 60);
    let token = TokenToSign { claims: claims.into(), ..access_token("RS256") };
    let request =
        IssueRequest { realm_id: "red".to_owned(), access_token: Some(token), ..IssueRequest::default() };
    let token = answer(s.service.issue(Request::new(request)).await).unwrap().access_token;
    assert_eq!(s.fault("red", &token).await, Some(Fault::NotActive));
    s.clock.advance_s(60);
    s.verified("red", &token).await;
}

contract!(a_token_ends_with_its_lifetime, a_token_does_not_begin_early);
