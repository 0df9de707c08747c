//! Whether an assertion of an outside issuer is a grant to a client (RFC 7523 section 2.1). The order and the words are Keycloak's,
//! but an assertion counts as used only once its signature is verified.

use latchkey_api::registry::v1::verify_grant_assertion_response::Outcome;
use latchkey_api::registry::v1::*;

use crate::authentication::FromOutside;
use crate::authentication::assertion::UnverifiedAssertion;
use crate::error::Error;
use crate::issuer_keys::Keys;
use crate::public_key::is_asymmetric;
use crate::service::RegistryService;

/// A client attribute: the client may be given such grants.
const ENABLED: &str = "oauth2.jwt.authorization.grant.enabled";
/// A client attribute: the aliases of the identity providers that may, with `##` between.
const IDENTITY_PROVIDERS: &str = "oauth2.jwt.authorization.grant.idp";

impl RegistryService {
    pub(crate) async fn verify_grant_assertion(
        &self,
        request: VerifyGrantAssertionRequest,
    ) -> Result<VerifyGrantAssertionResponse, Error> {
        let outcome = match self.granted(&request).await? {
            Ok(verified) => Outcome::Verified(verified),
            Err(fault) => Outcome::Fault(fault),
        };
        Ok(VerifyGrantAssertionResponse { outcome: Some(outcome) })
    }

    async fn granted(
        &self,
        request: &VerifyGrantAssertionRequest,
    ) -> Result<Result<VerifiedGrant, String>, Error> {
        let VerifyGrantAssertionRequest { realm_id, client_id, assertion, audiences } = request;
        let refuse = |fault: &str| Ok(Err(fault.to_owned()));
        let Some(assertion) = UnverifiedAssertion::parse(assertion) else {
            return refuse("The provided assertion is not a valid JWT");
        };
        let known = self.clients.find(realm_id, client_id).await?.ok_or(Error::ClientNotFound)?;
        let client = &known.client;
        if client.public_client {
            return refuse("Public client not allowed to use authorization grant");
        }
        if client.attributes.get(ENABLED).is_none_or(|value| value != "true") {
            return refuse("JWT Authorization Grant is not supported for the requested client");
        }
        if assertion.issuer().is_none() {
            return refuse("Missing claim: iss");
        }
        let Some(subject) = assertion.subject() else { return refuse("Missing claim: sub") };

        let issuers = self.issuers.of_assertion(realm_id, &assertion).await?;
        let mut issuers = issuers.iter().flat_map(|issuers| issuers.iter());
        let trusted = issuers.find_map(|issuer| Some((issuer, issuer.grants.as_ref()?)));
        let Some((issuer, terms)) = trusted.filter(|(issuer, _)| issuer.issued(&assertion)) else {
            return refuse("No Identity Provider for provided issuer");
        };
        let allowed = client.attributes.get(IDENTITY_PROVIDERS).map(String::as_str).unwrap_or_default();
        if !allowed.split("##").any(|alias| alias == issuer.alias) {
            return refuse("Identity Provider is not allowed for the client");
        }

        let keys = self.keys_of(realm_id, issuer, &assertion).await;
        let outside = FromOutside {
            issuer,
            // Why they cannot be had is in the log.
            keys: keys.as_ref().map(Keys::as_slice).unwrap_or_default(),
            assertion: &assertion,
            claims: &assertion.all_claims(),
        };
        let used_once = match outside.check_lifetime(terms, self.clock.now_ms().div_euclid(1000)) {
            Ok(used_once) => used_once,
            Err(denial) => return Ok(Err(denial.detail)),
        };
        let algorithm = assertion.header.alg.as_deref().unwrap_or_default();
        if terms.algorithm.as_deref().is_some_and(|only| only != algorithm) || algorithm.is_empty() {
            return refuse("Invalid signature algorithm");
        }
        let audiences = if terms.audiences.is_empty() { audiences } else { &terms.audiences };
        if let Err(denial) = assertion.check_audience(audiences) {
            return Ok(Err(denial.detail));
        }
        if !is_asymmetric(algorithm) || outside.verify().is_err() {
            return refuse("Invalid signature");
        }
        Ok(Ok(VerifiedGrant {
            identity_provider: issuer.alias.clone(),
            subject: subject.to_owned(),
            used_once,
            limit_s: if terms.limits_tokens { assertion.expires_at_s().unwrap_or_default() } else { 0 },
        }))
    }
}
