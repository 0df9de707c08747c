//! The dry run: whether an assertion would authenticate a client, and step by step why (not). It claims nothing, gives nothing, and
//! shows nothing of the token but its header and the claims that are compared.

use latchkey_api::registry::v1::*;
use serde_json::Value;

use crate::authentication::assertion::UnverifiedAssertion;
use crate::authentication::{FromOutside, Mapped, OutsideDenial};
use crate::error::Error;
use crate::service::RegistryService;
use crate::trusted_issuer::{KeySource, TrustedIssuer};

/// The steps that were taken; the first that fails is the last.
#[derive(Default)]
struct Report(TestAssertionResponse);

impl Report {
    fn passed(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, true, detail.into());
    }

    fn failed(mut self, name: &str, detail: impl Into<String>) -> TestAssertionResponse {
        self.add(name, false, detail.into());
        self.0
    }

    fn add(&mut self, name: &str, passed: bool, detail: String) {
        self.0.checks.push(AssertionCheck { name: name.to_owned(), passed, detail });
    }
}

impl RegistryService {
    pub(crate) async fn test_assertion(
        &self,
        request: TestAssertionRequest,
    ) -> Result<TestAssertionResponse, Error> {
        let TestAssertionRequest { realm_id, alias, assertion, assertion_audiences } = &request;
        let provider = self.identity_provider(realm_id, alias).await?;
        let issuer = TrustedIssuer::of(&provider);
        let mut report = Report::default();

        let Some(assertion) = UnverifiedAssertion::parse(assertion.trim()) else {
            return Ok(report.failed(
                "format",
                "this is not a JWT: three base64url parts, of which two are JSON objects",
            ));
        };
        report.passed("format", "it is a JWT");
        if !issuer.issued(&assertion) {
            let detail = format!(
                "`iss` is {} and `sub` is {}; the provider's issuer is {}",
                shown(assertion.issuer()),
                shown(assertion.subject()),
                shown(Some(&issuer.lookup)),
            );
            return Ok(report.failed("issuer", detail));
        }
        report.passed("issuer", format!("the provider's issuer is {}", shown(Some(&issuer.lookup))));
        let Some(terms) = &issuer.client_assertions else {
            return Ok(report.failed("provider", why_not_for_clients(&provider)));
        };
        report.passed("provider", "its assertions authenticate clients");

        let keys = match self.keys_of(realm_id, &issuer, &assertion).await {
            Ok(keys) => keys,
            Err(fault) => return Ok(report.failed("keys", fault.to_string())),
        };
        let claims = assertion.all_claims();
        let outside =
            FromOutside { issuer: &issuer, keys: keys.as_slice(), assertion: &assertion, claims: &claims };
        if outside.keys.is_empty() {
            return Ok(report.failed("keys", why_no_keys(&issuer)));
        }
        report.passed("keys", format!("known keys: {}", outside.keys.len()));
        let algorithm = shown(assertion.header.alg.as_deref());
        match outside.verify() {
            Err(OutsideDenial::Algorithm) => {
                return Ok(report.failed("algorithm", format!("`alg` is {algorithm}; it must be asymmetric")));
            }
            Err(OutsideDenial::NoKey) => {
                let kid = shown(assertion.header.kid.as_deref());
                return Ok(
                    report.failed("signature", format!("no key has the `kid` {kid} and is for {algorithm}"))
                );
            }
            Err(_) => return Ok(report.failed("signature", "it was not signed by a key of the issuer")),
            Ok(()) => report.passed("signature", format!("it was signed with {algorithm}")),
        }

        let subject = shown(assertion.subject());
        match self.mapped_client(realm_id, &issuer, &claims).await? {
            Mapped::To(client) if client.client.enabled => {
                report.0.client_id.clone_from(&client.client.client_id);
                report.passed(
                    "client",
                    format!("the subject {subject} is client `{}`", client.client.client_id),
                );
            }
            Mapped::To(client) => {
                return Ok(
                    report.failed("client", format!("client `{}` is disabled", client.client.client_id))
                );
            }
            Mapped::ToNone => {
                let detail =
                    format!("no client of this provider asks for the subject {subject} with these claims");
                return Ok(report.failed("client", detail));
            }
            Mapped::ToSeveral => {
                let detail = format!("several clients describe the subject {subject} equally closely");
                return Ok(report.failed("client", detail));
            }
        }

        let wanted = terms.audiences(assertion_audiences).join(" or ");
        if let Err(denial) = assertion.check_audience(terms.audiences(assertion_audiences)) {
            let found = Value::from(assertion.audiences());
            return Ok(report
                .failed("audience", format!("{}: `aud` is {found}, and must be {wanted}", denial.detail)));
        }
        report.passed("audience", format!("it is for {wanted}"));
        if let Err(denial) = outside.check_lifetime(terms, self.clock.now_ms().div_euclid(1000)) {
            let detail = format!(
                "{}: at most {} s after `iat`, with {} s of clock skew",
                denial.detail, terms.max_age_s, terms.clock_skew_s
            );
            return Ok(report.failed("lifetime", detail));
        }
        report.passed(
            "lifetime",
            if terms.reuse { "it may be used until then" } else { "it may be used once" },
        );
        report.0.accepted = true;
        Ok(report.0)
    }
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "missing".to_owned(), |text| format!("`{text}`"))
}

fn why_not_for_clients(provider: &IdentityProvider) -> String {
    let is_set =
        |name: &str| provider.config.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let needed = ["supportsClientAssertions", "validateSignature"];
    if !provider.enabled {
        "it is disabled".to_owned()
    } else if let Some(missing) = needed.into_iter().find(|name| !is_set(name)) {
        format!("its setting `{missing}` is not true")
    } else {
        format!("providers of kind `{}` do not authenticate clients", provider.provider_id)
    }
}

fn why_no_keys(issuer: &TrustedIssuer) -> &'static str {
    match issuer.keys {
        KeySource::Unknown => {
            "its settings name no keys: `jwksUrl` with `useJwksUrl`, or `publicKeySignatureVerifier`"
        }
        KeySource::Fixed(_) => "`publicKeySignatureVerifier` holds no key that can be read",
        KeySource::Remote(_) => "the key server publishes no key that can be read",
    }
}
