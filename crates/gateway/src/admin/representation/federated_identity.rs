//! FederatedIdentityRepresentation: a user's account at an identity provider.

use super::{Representation, lenient};
use latchkey_api::roles::v1::FederatedIdentity;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A link as a body gives it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FederatedIdentityRepresentation {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) identity_provider: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    user_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    user_name: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Representation for FederatedIdentityRepresentation {
    const NAME: &'static str = "FederatedIdentityRepresentation";

    fn more(&self) -> &Map<String, Value> {
        &self.more
    }
}

impl FederatedIdentityRepresentation {
    /// The message; the identity provider is the one of the path, whatever the body names.
    pub(crate) fn message(self, identity_provider: String) -> FederatedIdentity {
        FederatedIdentity {
            identity_provider,
            external_user_id: self.user_id.unwrap_or_default(),
            external_username: self.user_name.unwrap_or_default(),
        }
    }
}

/// As Keycloak shows it.
pub(crate) fn show_federated_identity(identity: &FederatedIdentity) -> Value {
    let members = [
        ("identityProvider", &identity.identity_provider),
        ("userId", &identity.external_user_id),
        ("userName", &identity.external_username),
    ];
    let present = members.into_iter().filter(|(_, value)| !value.is_empty());
    present.map(|(name, value)| (name.to_owned(), Value::from(value.as_str()))).collect::<Map<_, _>>().into()
}
