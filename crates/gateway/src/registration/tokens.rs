//! The two tokens of registration: JWTs that the realm signs for itself (HS512), whose id is all that is kept of them.

use crate::{Services, signing};
use latchkey_api::issuer::v1::TokenToSign;
use serde_json::{Map, Value};
use tonic::Status;

/// `typ` of the token that lets somebody register clients.
pub(crate) const INITIAL_ACCESS_TOKEN: &str = "InitialAccessToken";
/// `typ` of the token by which a registered client reads and changes itself.
pub(crate) const REGISTRATION_ACCESS_TOKEN: &str = "RegistrationAccessToken";

/// A token that is to be signed.
pub(crate) struct NewToken<'a> {
    /// One of the two above.
    pub(crate) token_type: &'static str,
    pub(crate) jti: &'a str,
    /// Seconds; 0 for ever.
    pub(crate) lifetime_s: i64,
    /// The web origins from which it may be used, where the token says.
    pub(crate) allowed_origins: Option<Vec<String>>,
}

impl NewToken<'_> {
    /// The signed token.
    ///
    /// # Errors
    /// Those of `TokenIssuer.Issue`.
    pub(crate) async fn sign(
        self,
        services: &Services,
        realm_id: &str,
        issuer: &str,
    ) -> Result<String, Status> {
        let mut claims = Map::new();
        claims.insert("aud".to_owned(), Value::from(issuer));
        if self.lifetime_s == 0 {
            // Keycloak's way to say that it does not expire.
            claims.insert("exp".to_owned(), Value::from(0));
        }
        if self.token_type == REGISTRATION_ACCESS_TOKEN {
            claims.insert("registration_auth".to_owned(), Value::from("authenticated"));
        }
        if let Some(origins) = self.allowed_origins {
            claims.insert("allowed-origins".to_owned(), Value::from(origins));
        }
        let token = TokenToSign {
            algorithm: "HS512".to_owned(),
            header_type: "JWT".to_owned(),
            token_type: self.token_type.to_owned(),
            jti: self.jti.to_owned(),
            lifetime_s: self.lifetime_s,
            issuer: issuer.to_owned(),
            claims: Value::Object(claims).to_string().into_bytes().into(),
            ..TokenToSign::default()
        };
        signing::sign(services, realm_id, token).await
    }
}
