//! What a registration may not ask for, whoever asks: Keycloak's policies for authenticated registrations, as they are in a new realm.
//! Without them a registration could put any claim or audience into its tokens.

use super::{error::Error, request::RegistrationRequest};
use crate::{admin::representation::ClientRepresentation, limits::is_limit};
use latchkey_api::{
    registry::v1::Client,
    roles::v1::{ClientMapping, ClientScope, ListRealmClientScopesRequest, ProtocolMapper},
};
use std::collections::BTreeMap;
use tonic::Request;

/// The protocol mappers that a client may bring: they show what is known of an account, and nothing else.
const ALLOWED_MAPPERS: &[&str] = &[
    "oidc-address-mapper",
    "oidc-full-name-mapper",
    "oidc-sha256-pairwise-sub-mapper",
    "oidc-usermodel-attribute-mapper",
    "oidc-usermodel-property-mapper",
    "saml-role-list-mapper",
    "saml-user-attribute-mapper",
    "saml-user-property-mapper",
];

/// Names no client scope: every OpenID Connect client may ask for it.
const OPENID: &str = "openid";

impl RegistrationRequest {
    /// Checks what a representation asks for; what the client has already (`client` and its `current` mapping) it may keep.
    pub(super) async fn check_policies(
        &self,
        representation: &ClientRepresentation,
        client: Option<&Client>,
        current: Option<&ClientMapping>,
    ) -> Result<(), Error> {
        let current_attributes = client.map(|client| &client.attributes);
        if !given_limits(representation).all(|(name, value)| holds(current_attributes, name, value)) {
            return Err(Error::Policy { policy: "Limits", details: "Not permitted to set limits" });
        }
        let mappers = representation.mapper_messages(String::new).unwrap_or_default();
        if !mappers.iter().all(|mapper| may_have_mapper(mapper, current)) {
            return Err(Error::Policy {
                policy: "Allowed Protocol Mapper Types",
                details: "ProtocolMapper type not allowed",
            });
        }
        let Some((default, optional)) = representation.scope_lists() else { return Ok(()) };
        let request = ListRealmClientScopesRequest { realm_id: self.realm.id.clone() };
        let realm = self.services().roles.list_realm_client_scopes(Request::new(request)).await?.into_inner();
        let (held_default, held_optional) = match current {
            Some(current) => {
                (current.default_client_scopes.as_slice(), current.optional_client_scopes.as_slice())
            }
            None => (&[][..], &[][..]),
        };
        if !are_allowed(&default, &realm.default_scopes, held_default)
            || !are_allowed(&optional, &realm.optional_scopes, held_optional)
        {
            return Err(Error::Policy {
                policy: "Allowed Client Scopes",
                details: "Not permitted to use specified clientScope",
            });
        }
        Ok(())
    }
}

/// The limits that a representation gives; an empty value takes one away.
fn given_limits(representation: &ClientRepresentation) -> impl Iterator<Item = (&str, &str)> {
    let given = representation.attributes.iter().flatten().filter(|(name, _)| is_limit(name));
    given.map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or_default()))
}

fn holds(attributes: Option<&BTreeMap<String, String>>, name: &str, value: &str) -> bool {
    attributes.and_then(|attributes| attributes.get(name)).map_or("", String::as_str) == value
}

fn may_have_mapper(mapper: &ProtocolMapper, current: Option<&ClientMapping>) -> bool {
    let is_held = |held: &ProtocolMapper| {
        (&held.name, &held.protocol_mapper, &held.config)
            == (&mapper.name, &mapper.protocol_mapper, &mapper.config)
    };
    ALLOWED_MAPPERS.contains(&mapper.protocol_mapper.as_str())
        || current.is_some_and(|current| current.protocol_mappers.iter().any(is_held))
}

fn are_allowed(asked: &[String], realm: &[ClientScope], held: &[String]) -> bool {
    let is_offered = |name: &String| realm.iter().any(|scope| scope.name == *name);
    asked.iter().all(|name| name == OPENID || held.contains(name) || is_offered(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapper_that_invents_claims_is_refused_unless_the_client_has_it() {
        let mapper = |kind: &str, value: &str| ProtocolMapper {
            name: "m".to_owned(),
            protocol_mapper: kind.to_owned(),
            config: [("claim.value".to_owned(), value.to_owned())].into(),
            ..ProtocolMapper::default()
        };
        let hardcoded = mapper("oidc-hardcoded-claim-mapper", "admin");
        let current = ClientMapping { protocol_mappers: vec![hardcoded.clone()], ..ClientMapping::default() };
        assert!(may_have_mapper(&mapper("oidc-full-name-mapper", ""), None));
        assert!(!may_have_mapper(&hardcoded, None));
        assert!(may_have_mapper(&hardcoded, Some(&current)));
        assert!(!may_have_mapper(&mapper("oidc-hardcoded-claim-mapper", "root"), Some(&current)));
    }

    #[test]
    fn scopes_are_those_of_the_realms_lists_or_the_clients_own() {
        let realm = [ClientScope { name: "email".to_owned(), ..ClientScope::default() }];
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(are_allowed(&names(&["openid", "email"]), &realm, &[]));
        assert!(!are_allowed(&names(&["email", "billing"]), &realm, &[]));
        assert!(are_allowed(&names(&["billing"]), &realm, &names(&["billing"])));
    }
}
