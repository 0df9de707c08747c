//! An assertion that an outside issuer signs about the client: a workload that its platform vouches for needs no secret of ours. The
//! realm trusts the issuer (an identity provider), and the client says which of its subjects it is. Keycloak calls it `federated-jwt`.

use latchkey_api::registry::v1::{AssertionId, Client, refusal::Reason};
use serde_json::{Map, Value};

use super::assertion::{UnverifiedAssertion, Window, fault};
use super::subject_mapping::SubjectMapping;
use super::{Attempt, Authenticator, Denial, Proof};
use crate::public_key::{PublicKey, Unverified, is_asymmetric};
use crate::trusted_issuer::{Kind, Terms, TrustedIssuer};

/// Its `client_authenticator_type`.
pub(super) const TYPE: &str = "federated-jwt";

/// Which subject of which issuer the client is; `None` where nothing says so.
pub(super) struct FederatedJwt(Option<SubjectMapping>);

/// An assertion of an outside issuer that the realm knows, with what it is to be verified by. Nothing of it is proven.
pub(crate) struct FromOutside<'a> {
    pub(crate) issuer: &'a TrustedIssuer,
    pub(crate) keys: &'a [PublicKey],
    pub(crate) assertion: &'a UnverifiedAssertion<'a>,
    pub(crate) claims: &'a Map<String, Value>,
}

/// Why an assertion of an outside issuer is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutsideDenial {
    /// The issuer's assertions authenticate no clients.
    NotForClients,
    /// It is not of this issuer.
    AnotherIssuer,
    Algorithm,
    NoKey,
    Signature,
}

impl FederatedJwt {
    pub(super) fn of(client: &Client) -> Self {
        Self(SubjectMapping::of(client))
    }
}

impl Authenticator for FederatedJwt {
    /// Who it is not, learns no more than that: which part of an identity is wrong is for the dry run to tell an administrator.
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        let (Some(mapping), Some(outside)) = (&self.0, attempt.with.outside) else {
            return Err(Reason::ClientNotFound.into());
        };
        let terms = outside.terms().map_err(|_| Reason::ClientNotFound)?;
        outside.verify().map_err(|_| Reason::ClientNotFound)?;
        let mapped =
            mapping.identity_provider == outside.issuer.alias && mapping.fit(outside.claims).is_some();
        if !mapped {
            return Err(Reason::ClientNotFound.into());
        }
        let assertion = outside.check_use(
            terms,
            &attempt.presented.assertion_audiences,
            attempt.now_ms.div_euclid(1000),
        )?;
        Ok(Proof { method: TYPE.into(), assertion })
    }

    fn takes_outside_assertions(&self) -> bool {
        true
    }

    fn weight(&self) -> usize {
        self.0.as_ref().map_or(0, SubjectMapping::weight)
    }
}

impl FromOutside<'_> {
    /// What the issuer's assertions are held to where they authenticate clients.
    pub(crate) fn terms(&self) -> Result<&Terms, OutsideDenial> {
        self.issuer.client_assertions.as_ref().ok_or(OutsideDenial::NotForClients)
    }

    /// Whether the issuer has signed it.
    pub(crate) fn verify(&self) -> Result<(), OutsideDenial> {
        if !self.issuer.issued(self.assertion) {
            return Err(OutsideDenial::AnotherIssuer);
        }
        let algorithm = self.assertion.header.alg.as_deref().unwrap_or_default();
        if !is_asymmetric(algorithm) {
            return Err(OutsideDenial::Algorithm);
        }
        self.assertion.verify(self.keys, algorithm).map_err(|unverified| match unverified {
            Unverified::NoKey => OutsideDenial::NoKey,
            Unverified::Failed => OutsideDenial::Signature,
        })
    }

    /// It is for us, now, and once. Keycloak takes the realm's issuer alone for an audience, unless others are set.
    pub(crate) fn check_use(
        &self,
        terms: &Terms,
        ours: &[String],
        now_s: i64,
    ) -> Result<Option<AssertionId>, Denial> {
        self.assertion.check_audience(terms.audiences(ours))?;
        self.check_lifetime(terms, now_s)
    }

    /// It is good now and, unless the issuer's may come again, known by an id.
    pub(crate) fn check_lifetime(&self, terms: &Terms, now_s: i64) -> Result<Option<AssertionId>, Denial> {
        let ttl_s = self.assertion.check_lifetime(terms.window(), now_s)?;
        if terms.reuse {
            return Ok(None);
        }
        Ok(Some(AssertionId { id: format!("{}:{}", self.issuer.id, self.assertion.jti()?), ttl_s }))
    }
}

impl TrustedIssuer {
    /// Whether an assertion claims to be of this issuer.
    pub(crate) fn issued(&self, assertion: &UnverifiedAssertion<'_>) -> bool {
        if self.lookup.is_empty() {
            return false;
        }
        match self.kind {
            Kind::Spiffe => assertion.subject().is_some_and(|subject| {
                subject.strip_prefix(&self.lookup).is_some_and(|path| path.starts_with('/'))
            }),
            _ => assertion.issuer() == Some(&self.lookup),
        }
    }
}

impl Terms {
    /// The audiences that an assertion may name: those that are set, else the first of our own, the realm's issuer.
    pub(crate) fn audiences<'a>(&'a self, ours: &'a [String]) -> &'a [String] {
        if self.audiences.is_empty() { ours.get(..1).unwrap_or_default() } else { &self.audiences }
    }

    pub(crate) fn window(&self) -> Window {
        Window { clock_skew_s: self.clock_skew_s, max_age_s: self.max_age_s }
    }
}

impl From<OutsideDenial> for Denial {
    fn from(denial: OutsideDenial) -> Self {
        match denial {
            OutsideDenial::Algorithm => fault("Invalid signature algorithm"),
            _ => fault("Invalid signature"),
        }
    }
}
