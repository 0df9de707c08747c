//! Finished resolutions in memory, complete but for the session notes.

use std::hash::{BuildHasher as _, Hash, Hasher as _, RandomState};
use std::sync::Arc;

use latchkey_api::roles::v1::ResolveRequest;
use latchkey_platform::cache::Bounded;
use latchkey_platform::epoch::{Epoch, Epochs};

use crate::resolve::Answer;

/// A resolution, with what it was drawn from.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The question, without its notes.
    asked: ResolveRequest,
    epochs: [Epoch; 3],
    pub(crate) account: Account,
    pub(crate) answer: Answer,
}

/// The account of a resolution, as the answer tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) not_before_s: i64,
}

impl Finished {
    pub(crate) fn new(asked: &ResolveRequest, epochs: [Epoch; 3], account: Account, answer: Answer) -> Self {
        let asked = ResolveRequest { notes: Default::default(), ..asked.clone() };
        Self { asked, epochs, account, answer }
    }

    fn weight(&self) -> usize {
        let answer = &self.answer;
        let claims = [&answer.access_token, &answer.id_token, &answer.userinfo, &answer.introspection];
        let claims: usize =
            claims.into_iter().flatten().map(|set| set.json.len() + 100 * set.late.len()).sum();
        let texts = [&self.asked.realm_id, &self.asked.client_uuid, &answer.scope, &answer.granted_scope];
        size_of::<Self>() + claims + texts.map(String::len).iter().sum::<usize>() + 120 * answer.roles.len()
    }
}

/// The cache.
pub(crate) struct Resolutions {
    kept: Bounded<u64, Arc<Finished>>,
    epochs: Arc<Epochs>,
    hasher: RandomState,
}

impl Resolutions {
    /// A cache that takes up to about `bytes`.
    pub(crate) fn new(epochs: Arc<Epochs>, bytes: u64) -> Self {
        Self { kept: Bounded::new(bytes), epochs, hasher: RandomState::new() }
    }

    /// The answer to the same question, if nothing it was drawn from has changed.
    pub(crate) fn get(&self, asked: &ResolveRequest) -> Option<Arc<Finished>> {
        let finished = self.kept.get(&self.key(asked))?;
        let current = finished.epochs.iter().all(|epoch| self.epochs.is_current(*epoch));
        (current && same(&finished.asked, asked)).then_some(finished)
    }

    pub(crate) fn keep(&self, finished: Arc<Finished>) {
        let weight = finished.weight();
        self.kept.insert(self.key(&finished.asked), finished, weight);
    }

    /// The hash is keyed, so that nobody can choose scopes that push another's answers out; [`same`] makes it exact.
    fn key(&self, asked: &ResolveRequest) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        asked.realm_id.hash(&mut hasher);
        asked.client_uuid.hash(&mut hasher);
        account(asked).hash(&mut hasher);
        asked.scope.hash(&mut hasher);
        asked.granted_scope.hash(&mut hasher);
        flags(asked).hash(&mut hasher);
        asked.audience.hash(&mut hasher);
        hasher.finish()
    }
}

fn same(kept: &ResolveRequest, asked: &ResolveRequest) -> bool {
    kept.realm_id == asked.realm_id
        && kept.client_uuid == asked.client_uuid
        && kept.account == asked.account
        && kept.scope == asked.scope
        && kept.granted_scope == asked.granted_scope
        && flags(kept) == flags(asked)
        && kept.audience == asked.audience
        && kept.web_origins == asked.web_origins
        && kept.sector_identifier == asked.sector_identifier
}

fn account(asked: &ResolveRequest) -> Option<&str> {
    match &asked.account {
        Some(latchkey_api::roles::v1::resolve_request::Account::UserId(id)) => Some(id),
        _ => None,
    }
}

fn flags(asked: &ResolveRequest) -> [bool; 7] {
    [
        asked.access_token,
        asked.lightweight,
        asked.id_token,
        asked.userinfo,
        asked.introspection,
        asked.roles,
        asked.session,
    ]
}
