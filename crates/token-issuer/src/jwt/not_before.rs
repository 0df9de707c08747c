//! The action by which a client is told that tokens from before a time count no more: Keycloak's `PushNotBeforeAction`.
//!
//! It is no token, and nothing takes it for one: it has neither issuer nor subject, names no client that it was issued to (`azp`),
//! and has no `typ` among its claims.

use latchkey_api::issuer::v1::{SignNotBeforeRequest, SignNotBeforeResponse};
use latchkey_platform::random;
use serde::Serialize;

use super::issue::compact;
use crate::error::Error;
use crate::service::IssuerService;

/// For how long (seconds) it is good.
const LIFETIME_S: i64 = 30;

/// The claims, and no others: adapters refuse what they don't know.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PushNotBefore<'a> {
    id: String,
    /// Seconds since the epoch.
    expiration: i64,
    /// The client_id.
    resource: &'a str,
    action: &'static str,
    /// Seconds since the epoch.
    not_before: i64,
}

impl IssuerService {
    pub(crate) async fn sign_not_before(
        &self,
        request: SignNotBeforeRequest,
    ) -> Result<SignNotBeforeResponse, Error> {
        let SignNotBeforeRequest { realm_id, algorithm, client_id, not_before_s } = request;
        let mut dated = self.keys.get(&realm_id).await?;
        if dated.keys.active(&algorithm).is_none() {
            dated = Box::pin(self.with_key_for(&realm_id, &algorithm)).await?;
        }
        let claims = PushNotBefore {
            id: random::uuid(),
            expiration: self.clock.now_s().saturating_add(LIFETIME_S),
            resource: &client_id,
            action: "PUSH_NOT_BEFORE",
            not_before: not_before_s,
        };
        let claims = serde_json::to_vec(&claims).expect("texts and numbers can be written to memory");
        Ok(SignNotBeforeResponse { action: compact(&dated, &algorithm, "JWT", &claims)? })
    }
}
