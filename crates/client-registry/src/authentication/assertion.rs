//! A JWT by which a client authenticates (RFC 7523): reading one, and what it must say. The words of the refusals are Keycloak's.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::{AssertionId, AuthenticateRequest, Client};
use serde::Deserialize;
use serde_json::Number;

use super::Denial;

/// The `client_assertion_type` of a JWT (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The attribute that allows one algorithm alone.
pub(super) const ALGORITHM: &str = "token.endpoint.auth.signing.alg";
/// How far the client's clock may be from ours.
const CLOCK_SKEW_S: i64 = 15;
/// How long after it was issued an assertion is taken.
const LIFETIME_S: i64 = 60;

/// An assertion that has been taken apart; nothing of it is proven.
pub(super) struct UnverifiedAssertion<'a> {
    /// What the signature is over.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    pub(super) header: Header,
    claims: Claims,
}

/// The header, as far as it matters.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: Option<String>,
    pub(super) kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<Number>,
    nbf: Option<Number>,
    iat: Option<Number>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Several(audiences) => audiences,
        }
    }
}

/// A refusal because of the assertion.
pub(super) fn fault(detail: impl Into<String>) -> Denial {
    Denial { reason: Reason::InvalidAssertion, detail: detail.into() }
}

/// The client that an assertion alone names, as its subject and issuer.
pub(super) fn named_client(presented: &AuthenticateRequest) -> Option<String> {
    if presented.client_assertion_type.as_deref() != Some(JWT_BEARER) {
        return None;
    }
    let claims = UnverifiedAssertion::parse(presented.client_assertion.as_deref()?)?.claims;
    if claims.iss == claims.sub { claims.sub } else { None }
}

impl<'a> UnverifiedAssertion<'a> {
    /// The assertion that is presented for a client. `malformed` is the refusal of one that is no JWT.
    pub(super) fn read(
        presented: &'a AuthenticateRequest,
        malformed: impl FnOnce(&str) -> Denial,
    ) -> Result<Self, Denial> {
        match presented.client_assertion_type.as_deref() {
            None => return Err(Reason::AssertionTypeMissing.into()),
            Some(JWT_BEARER) => {}
            Some(other) => {
                let detail = format!(
                    "Parameter client_assertion_type has value '{other}' but expected is '{JWT_BEARER}'"
                );
                return Err(fault(detail));
            }
        }
        let Some(assertion) = presented.client_assertion.as_deref() else {
            return Err(fault("client_assertion parameter missing"));
        };
        Self::parse(assertion).ok_or_else(|| malformed("java.lang.IllegalArgumentException: Parsing error"))
    }

    fn parse(assertion: &'a str) -> Option<Self> {
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            signed,
            signature: decode(signature)?,
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
        })
    }

    /// The algorithm, if it is one that the client may use; `known` says which there are.
    pub(super) fn algorithm(&self, client: &Client, known: impl Fn(&str) -> bool) -> Result<&str, Denial> {
        let algorithm = self.header.alg.as_deref().unwrap_or_default();
        let only = client.attributes.get(ALGORITHM).filter(|only| !only.is_empty());
        if !known(algorithm) || only.is_some_and(|only| only != algorithm) {
            return Err(fault("Invalid signature algorithm"));
        }
        Ok(algorithm)
    }

    /// RFC 7523 section 3, items 1 and 2: it is by the client, about the client.
    pub(super) fn check_client(
        &self,
        client: &Client,
        presented: &AuthenticateRequest,
    ) -> Result<(), Denial> {
        let Claims { iss, sub, .. } = &self.claims;
        if iss != sub {
            return Err(Reason::ClientNotFound.into());
        }
        let Some(sub) = sub else { return Err(fault("Token sub claim is required")) };
        if presented.client_id.as_ref().is_some_and(|client_id| client_id != sub) || *sub != client.client_id
        {
            return Err(fault("client_id parameter does not match sub claim"));
        }
        Ok(())
    }

    /// RFC 7523 section 3, items 3 to 7: it is for us, now, and once.
    pub(super) fn check_use(
        &self,
        client: &Client,
        audiences: &[String],
        now_s: i64,
    ) -> Result<AssertionId, Denial> {
        let Claims { aud, exp, nbf, iat, jti, .. } = &self.claims;
        let aud = aud.as_ref().map(Audience::as_slice).unwrap_or_default();
        if !aud.iter().any(|audience| audiences.contains(audience)) {
            return Err(fault("Invalid token audience"));
        }
        if aud.len() > 1 {
            return Err(fault("Multiple audiences not allowed"));
        }

        let Some(exp) = exp.as_ref().map(seconds) else { return Err(fault("Token exp claim is required")) };
        let nbf = nbf.as_ref().map_or(i64::MIN, seconds);
        if exp.saturating_add(CLOCK_SKEW_S) <= now_s || nbf.saturating_sub(CLOCK_SKEW_S) > now_s {
            return Err(fault("Token is not active"));
        }
        let until = match iat.as_ref().map(seconds) {
            None if exp.saturating_sub(LIFETIME_S) > now_s => {
                let detail = "Token expiration is too far in the future and iat claim not present in token";
                return Err(fault(detail));
            }
            None => exp.saturating_add(CLOCK_SKEW_S),
            Some(iat) if iat.saturating_sub(CLOCK_SKEW_S) > now_s => {
                return Err(fault("Token was issued in the future"));
            }
            Some(_) if exp <= now_s => return Err(fault("Token is not active")),
            Some(iat) if iat.saturating_add(LIFETIME_S) < now_s => {
                return Err(fault("Token was issued too far in the past to be used now"));
            }
            Some(iat) => exp.min(iat.saturating_add(LIFETIME_S)),
        };

        let Some(jti) = jti else { return Err(fault("Token jti claim is required")) };
        // To the end of the last second in which it would be taken.
        Ok(AssertionId { id: format!("{}:{jti}", client.id), ttl_s: until - now_s + 1 })
    }
}

/// RFC 7519 section 2: a NumericDate may have a fraction.
fn seconds(number: &Number) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction of a second does not matter, and the cast saturates"
    )]
    let truncated = |seconds: f64| seconds as i64;
    number.as_i64().or_else(|| number.as_f64().map(truncated)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: i64 = 1_700_000_000;

    fn checked(changes: Value) -> Result<AssertionId, String> {
        let mut claims = json!({ "aud": "us", "exp": NOW + 50, "iat": NOW, "jti": "j" });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let jwt = format!("{}.{}.AA", part(&json!({ "alg": "RS256" })), part(&claims));
        let client = Client { id: "uuid".to_owned(), ..Client::default() };
        let audiences = ["us".to_owned(), "us/token".to_owned()];
        let assertion = UnverifiedAssertion::parse(&jwt).unwrap();
        assertion.check_use(&client, &audiences, NOW).map_err(|denial| denial.detail)
    }

    #[test]
    fn what_an_assertion_must_say() {
        for (changes, fault) in [
            (json!({ "aud": "them" }), "Invalid token audience"),
            (json!({ "aud": null }), "Invalid token audience"),
            (json!({ "aud": ["us", "them"] }), "Multiple audiences not allowed"),
            (json!({ "exp": null }), "Token exp claim is required"),
            (json!({ "exp": NOW - 16 }), "Token is not active"),
            (json!({ "exp": NOW }), "Token is not active"),
            (json!({ "nbf": NOW + 16 }), "Token is not active"),
            (json!({ "iat": NOW + 16 }), "Token was issued in the future"),
            (json!({ "iat": NOW - 61 }), "Token was issued too far in the past to be used now"),
            (
                json!({ "iat": null, "exp": NOW + 61 }),
                "Token expiration is too far in the future and iat claim not present in token",
            ),
            (json!({ "jti": null }), "Token jti claim is required"),
        ] {
            assert_eq!(checked(changes.clone()), Err(fault.to_owned()), "{changes}");
        }
    }

    #[test]
    fn an_assertion_is_claimed_for_as_long_as_it_would_be_taken() {
        for (changes, ttl_s) in [
            (json!({}), 51),
            (json!({ "aud": ["us/token"] }), 51),
            (json!({ "exp": NOW + 86_400 }), 61),
            (json!({ "iat": NOW + 15, "exp": NOW + 86_400 }), 76),
            (json!({ "iat": NOW - 60 }), 1),
            (json!({ "iat": null }), 66),
            (json!({ "exp": f64::from(1_700_000_020) + 0.5 }), 21),
        ] {
            let id = "uuid:j".to_owned();
            assert_eq!(checked(changes.clone()), Ok(AssertionId { id, ttl_s }), "{changes}");
        }
    }

    #[test]
    fn numbers_without_measure_do_no_harm() {
        for changes in [json!({ "exp": i64::MAX }), json!({ "exp": 1e300, "nbf": -1e300 })] {
            assert!(checked(changes).is_ok());
        }
        assert!(checked(json!({ "iat": i64::MIN, "nbf": i64::MIN })).is_err());
        assert!(checked(json!({ "iat": null, "exp": u64::MAX })).is_err());
    }
}
