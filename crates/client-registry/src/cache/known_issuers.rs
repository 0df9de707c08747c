//! Outside issuers in memory, with their keys where those are configured, and which clients their subjects may be.

use std::sync::Arc;

use latchkey_platform::cache::Names;
use latchkey_platform::database::Database;
use latchkey_platform::epoch::Epochs;

use super::dated::{Known, KnownOrAbsent};
use super::read_from::Of;
use crate::authentication::SubjectMapping;
use crate::authentication::assertion::UnverifiedAssertion;
use crate::error::Error;
use crate::store::{federated_subjects, identity_providers, is_storable};
use crate::trusted_issuer::TrustedIssuer;

/// A client that a subject may be.
pub(crate) struct Candidate {
    pub(crate) client_id: String,
    pub(crate) mapping: SubjectMapping,
}

impl Candidate {
    fn weight(&self) -> usize {
        self.client_id.len() + self.mapping.weight()
    }
}

/// The cache.
pub(crate) struct KnownIssuers {
    database: Database,
    issuers: KnownOrAbsent<Names<2>, Vec<TrustedIssuer>>,
    subjects: KnownOrAbsent<Names<3>, Vec<Candidate>>,
}

impl KnownIssuers {
    /// A cache that takes up to about `bytes`.
    pub(crate) fn new(database: Database, epochs: &Arc<Epochs>, bytes: u64) -> Self {
        let issuers =
            KnownOrAbsent::new(epochs, bytes / 2, |key: &Names<2>, issuers: &Vec<TrustedIssuer>| {
                key.weight() + issuers.iter().map(TrustedIssuer::weight).sum::<usize>()
            });
        let subjects =
            KnownOrAbsent::new(epochs, bytes / 2, |key: &Names<3>, candidates: &Vec<Candidate>| {
                key.weight() + candidates.iter().map(Candidate::weight).sum::<usize>()
            });
        Self { database, issuers, subjects }
    }

    /// The identity providers that an assertion names as its issuer.
    pub(crate) async fn of_assertion(
        &self,
        realm_id: &str,
        assertion: &UnverifiedAssertion<'_>,
    ) -> Result<Option<Known<Vec<TrustedIssuer>>>, Error> {
        if let Some(issuer) = assertion.issuer()
            && let Some(found) = self.of_issuer(realm_id, issuer).await?
        {
            return Ok(Some(found));
        }
        // A JWT-SVID need not name its issuer: its subject is below the trust domain.
        match assertion.subject().and_then(trust_domain) {
            Some(domain) => self.of_issuer(realm_id, domain).await,
            None => Ok(None),
        }
    }

    async fn of_issuer(
        &self,
        realm_id: &str,
        issuer: &str,
    ) -> Result<Option<Known<Vec<TrustedIssuer>>>, Error> {
        if !is_storable(issuer) || issuer.is_empty() {
            return Ok(None);
        }
        let load = || async {
            let found = identity_providers::of_issuer(&mut self.database.clone(), realm_id, issuer).await?;
            let trusted: Vec<TrustedIssuer> = found.iter().map(TrustedIssuer::of).collect();
            Ok((!trusted.is_empty()).then_some(trusted))
        };
        self.issuers.get(&[realm_id, issuer], [Of::IdentityProviders(realm_id); 2], load).await
    }

    /// The clients that a subject of an identity provider may be.
    pub(crate) async fn candidates(
        &self,
        realm_id: &str,
        alias: &str,
        subject: &str,
    ) -> Result<Option<Known<Vec<Candidate>>>, Error> {
        if !is_storable(subject) || subject.is_empty() {
            return Ok(None);
        }
        let load = || async {
            let clients =
                federated_subjects::clients_of(&mut self.database.clone(), realm_id, alias, subject).await?;
            let candidates: Vec<Candidate> = clients
                .into_iter()
                .filter_map(|client| {
                    Some(Candidate { mapping: SubjectMapping::of(&client)?, client_id: client.client_id })
                })
                .collect();
            Ok((!candidates.is_empty()).then_some(candidates))
        };
        let key = [realm_id, alias, subject];
        self.subjects.get(&key, [Of::FederatedSubjects(realm_id); 2], load).await
    }
}

/// `spiffe://example.org/workload` is of `spiffe://example.org`.
fn trust_domain(subject: &str) -> Option<&str> {
    const SCHEME: &str = "spiffe://";
    let path = subject.strip_prefix(SCHEME)?;
    let end = path.find('/')?;
    Some(&subject[..SCHEME.len() + end])
}
