//! Which of Keycloak's two forms of an answer a realm gives.

use latchkey_api::registry::v1::Realm;

/// Whether the realm asks for the classic service-account answer (attribute `compatibility=classic`): always with refresh token,
/// session and id token, `token_type` `bearer`, and a content type with a charset.
pub(crate) fn is_classic(realm: &Realm) -> bool {
    realm.attributes.get("compatibility").is_some_and(|value| value == "classic")
}
