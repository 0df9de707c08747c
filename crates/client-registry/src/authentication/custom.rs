//! A way of an operator's own: an outside authenticator (`latchkey.authenticator.v1`) decides. A client names it by its type, and
//! its realm must allow it; where it is and how it is spoken to are the operator's settings alone.

use std::collections::BTreeMap;

use latchkey_api::authenticator::v1 as outside;
use latchkey_api::registry::v1::{AuthenticateRequest, Client, Realm, refusal::Reason};

use super::{Attempt, Authenticator, Denial, Proof};
use crate::cache::known_realms::KnownRealm;
use crate::error::Error;
use crate::outside_authenticator::{Verdict, Vouched};
use crate::service::RegistryService;

/// What its `client_authenticator_type` begins with; the authenticator's name follows.
const PREFIX: &str = "custom:";
/// The realm attribute with the names of the authenticators that its clients may have, with commas between.
const ALLOWED: &str = "latchkey.client-authenticators";
/// What the names of the client attributes begin with that an authenticator sees.
const SHOWN: &str = "authenticator.";

/// The name of the authenticator that decides.
pub(super) struct Custom(String);

impl Custom {
    /// `None` for what is another type.
    pub(super) fn of(client_authenticator_type: &str) -> Option<Self> {
        client_authenticator_type.strip_prefix(PREFIX).map(|name| Self(name.to_owned()))
    }
}

impl Authenticator for Custom {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Proof, Denial> {
        if attempt.with.vouched.is_none() {
            return Err(Reason::InvalidCredentials.into());
        }
        Ok(Proof { method: attempt.client.client_authenticator_type.clone().into(), assertion: None })
    }

    /// An assertion may name the client that issued it (RFC 7521 section 4.2): to prove it is for the outside authenticator.
    fn takes_assertions(&self) -> bool {
        true
    }

    fn outside_authenticator(&self) -> Option<&str> {
        Some(&self.0)
    }

    fn weight(&self) -> usize {
        self.0.len()
    }
}

impl RegistryService {
    /// Asks an outside authenticator about a client. `None` where it denies or nobody is to be asked.
    ///
    /// # Errors
    /// [`Error::AuthenticatorAway`].
    pub(super) async fn ask_outside(
        &self,
        name: &str,
        realm: &KnownRealm,
        client: &Client,
        presented: &AuthenticateRequest,
    ) -> Result<Option<Vouched>, Error> {
        if !client.enabled || client.bearer_only {
            return Ok(None);
        }
        let (realm_id, client_id) = (&realm.realm.id, &client.client_id);
        if !allows(&realm.realm, name) {
            tracing::info!(realm.id = realm_id, client.id = client_id, authenticator = ?name,
                "a client is refused: the realm attribute {ALLOWED} does not name its authenticator");
            return Ok(None);
        }
        let Some(authenticator) = self.authenticators.get(name) else {
            tracing::warn!(realm.id = realm_id, client.id = client_id, authenticator = ?name,
                "a client is refused: no setting says where its authenticator is");
            return Ok(None);
        };
        match authenticator.ask(realm_id, question(&realm.realm, client, presented)).await {
            Ok(Verdict::Vouched(vouched)) => Ok(Some(vouched)),
            Ok(Verdict::Denied { reason }) => {
                tracing::info!(
                    realm.id = realm_id,
                    client.id = client_id,
                    authenticator = name,
                    ?reason,
                    "an authenticator denies a client"
                );
                Ok(None)
            }
            Err(away) => {
                tracing::debug!(realm.id = realm_id, client.id = client_id, authenticator = name, cause = %away,
                    "a client cannot be authenticated now");
                Err(Error::AuthenticatorAway)
            }
        }
    }
}

fn allows(realm: &Realm, name: &str) -> bool {
    realm.attributes.get(ALLOWED).is_some_and(|names| names.split(',').any(|allowed| allowed.trim() == name))
}

fn question(realm: &Realm, client: &Client, presented: &AuthenticateRequest) -> outside::AuthenticateRequest {
    outside::AuthenticateRequest {
        realm: realm.name.clone(),
        client_id: client.client_id.clone(),
        attributes: shown(&client.attributes),
        client_secret: presented.client_secret.clone(),
        client_assertion_type: presented.client_assertion_type.clone(),
        client_assertion: presented.client_assertion.clone(),
        assertion_audiences: presented.assertion_audiences.clone(),
        client_certificate: presented.client_certificate.clone(),
        client_certificate_trusted: presented.client_certificate_trusted,
        remote_address: presented.ip_address.clone(),
    }
}

fn shown(attributes: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let from = attributes.range(SHOWN.to_owned()..).take_while(|(name, _)| name.starts_with(SHOWN));
    from.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_realm_allows_what_it_names_and_nothing_else() {
        for (names, expected) in [
            ("keys", true),
            ("other, keys ,third", true),
            ("", false),
            (",", false),
            ("keys2", false),
            ("a keys", false),
            ("KEYS", false),
            ("custom:keys", false),
        ] {
            let realm = Realm { attributes: map(&[(ALLOWED, names)]), ..Realm::default() };
            assert_eq!(allows(&realm, "keys"), expected, "{names}");
        }
        assert!(!allows(&Realm::default(), "keys"));
    }

    #[test]
    fn an_authenticator_sees_its_own_attributes_alone() {
        let attributes = map(&[
            ("a", "1"),
            ("authenticator", "2"),
            ("authenticator.", "3"),
            ("authenticator.key", "4"),
            ("authenticators.key", "5"),
            ("jwt.credential.certificate", "6"),
        ]);
        assert_eq!(shown(&attributes), map(&[("authenticator.", "3"), ("authenticator.key", "4")]));
    }
}
