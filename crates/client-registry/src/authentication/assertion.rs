//! A JWT by which a client authenticates, or that is a grant (RFC 7523): reading one, and what it must say. The words of the refusals
//! are Keycloak's.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::{AssertionId, AuthenticateRequest, Client};
use latchkey_platform::json::Object;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value};

use super::Denial;
use crate::public_key::{self, PublicKey, Unverified};

/// The `client_assertion_type` of a JWT (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The same of a SPIFFE JWT-SVID, as Keycloak names it.
const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
/// The attribute that allows one algorithm alone.
pub(super) const ALGORITHM: &str = "token.endpoint.auth.signing.alg";
/// For how long what a client signs itself is taken.
const OF_CLIENTS: Window = Window { clock_skew_s: 15, max_age_s: 60 };

/// An assertion that has been taken apart; nothing of it is proven.
pub(crate) struct UnverifiedAssertion<'a> {
    /// What the signature is over.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    pub(crate) header: Header,
    payload: Vec<u8>,
    claims: Claims,
}

/// The header, as far as it matters.
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: Option<String>,
    pub(crate) kid: Option<String>,
    /// Extensions that must be understood (RFC 7515 section 4.1.11).
    crit: Option<IgnoredAny>,
}

/// For how long an assertion is taken, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// How far the issuer's clock may be from ours.
    pub(crate) clock_skew_s: i64,
    /// After it was issued.
    pub(crate) max_age_s: i64,
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

/// An assertion that somebody other than the client has signed.
pub(super) fn of_another_issuer(presented: &AuthenticateRequest) -> Option<UnverifiedAssertion<'_>> {
    let known = presented
        .client_assertion_type
        .as_deref()
        .is_some_and(|kind| [JWT_BEARER, JWT_SPIFFE].contains(&kind));
    let assertion = presented.client_assertion.as_deref().filter(|_| known)?;
    UnverifiedAssertion::parse(assertion).filter(|assertion| assertion.claims.iss != assertion.claims.sub)
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

    /// Takes a compact JWS apart; `None` where it is no JWT, or has extensions that must be understood: none is.
    pub(crate) fn parse(assertion: &'a str) -> Option<Self> {
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
        let payload = decode(claims)?;
        let Object(header): Object<Header> = serde_json::from_slice(&decode(header)?).ok()?;
        let Object(claims): Object<Claims> = serde_json::from_slice(&payload).ok()?;
        if header.crit.is_some() {
            return None;
        }
        Some(Self { signed, signature: decode(signature)?, header, claims, payload })
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.iss.as_deref()
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.claims.sub.as_deref()
    }

    pub(crate) fn audiences(&self) -> &[String] {
        self.claims.aud.as_ref().map(Audience::as_slice).unwrap_or_default()
    }

    /// When it expires, seconds since the epoch.
    pub(crate) fn expires_at_s(&self) -> Option<i64> {
        self.claims.exp.as_ref().map(seconds)
    }

    /// All that it claims.
    pub(crate) fn all_claims(&self) -> Map<String, Value> {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }

    /// Verifies the signature with one of the keys.
    pub(crate) fn verify(&self, keys: &[PublicKey], algorithm: &str) -> Result<(), Unverified> {
        let kid = self.header.kid.as_deref();
        public_key::verify(keys, (kid, algorithm), self.signed.as_bytes(), &self.signature)
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
        self.check_audience(audiences)?;
        let ttl_s = self.check_lifetime(OF_CLIENTS, now_s)?;
        Ok(AssertionId { id: format!("{}:{}", client.id, self.jti()?), ttl_s })
    }

    /// RFC 7523 section 3, item 3.
    pub(crate) fn check_audience(&self, ours: &[String]) -> Result<(), Denial> {
        let aud = self.audiences();
        if !aud.iter().any(|audience| ours.contains(audience)) {
            return Err(fault("Invalid token audience"));
        }
        if aud.len() > 1 {
            return Err(fault("Multiple audiences not allowed"));
        }
        Ok(())
    }

    /// RFC 7523 section 3, items 4 to 6. Answers for how many seconds it would be taken again.
    pub(crate) fn check_lifetime(&self, window: Window, now_s: i64) -> Result<i64, Denial> {
        let Window { clock_skew_s, max_age_s } = window;
        let Claims { exp, nbf, iat, .. } = &self.claims;
        let Some(exp) = exp.as_ref().map(seconds) else { return Err(fault("Token exp claim is required")) };
        let nbf = nbf.as_ref().map_or(i64::MIN, seconds);
        if exp.saturating_add(clock_skew_s) <= now_s || nbf.saturating_sub(clock_skew_s) > now_s {
            return Err(fault("Token is not active"));
        }
        let until = match iat.as_ref().map(seconds) {
            None if exp.saturating_sub(max_age_s) > now_s => {
                let detail = "Token expiration is too far in the future and iat claim not present in token";
                return Err(fault(detail));
            }
            None => exp.saturating_add(clock_skew_s),
            Some(iat) if iat.saturating_sub(clock_skew_s) > now_s => {
                return Err(fault("Token was issued in the future"));
            }
            Some(_) if exp <= now_s => return Err(fault("Token is not active")),
            Some(iat) if iat.saturating_add(max_age_s) < now_s => {
                return Err(fault("Token was issued too far in the past to be used now"));
            }
            Some(iat) => exp.min(iat.saturating_add(max_age_s)),
        };
        // To the end of the last second in which it would be taken.
        Ok(until - now_s + 1)
    }

    /// RFC 7523 section 3, item 7: what it is known by when it comes again.
    pub(crate) fn jti(&self) -> Result<&str, Denial> {
        self.claims.jti.as_deref().ok_or_else(|| fault("Token jti claim is required"))
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
    use serde_json::json;

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
    fn header_and_claims_are_objects() {
        let parse = |header: Value, claims: Value| {
            let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
            UnverifiedAssertion::parse(&format!("{}.{}.AA", part(&header), part(&claims))).is_some()
        };
        assert!(parse(json!({}), json!({})));
        assert!(!parse(json!(["RS256", null, null]), json!({})));
        assert!(!parse(json!({}), json!(["i", "s", "us", NOW, null, NOW, "j"])));
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
