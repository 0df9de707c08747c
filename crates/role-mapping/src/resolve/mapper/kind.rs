//! The kinds of protocol mappers, by Keycloak's provider ids.

use super::*;

/// Kinds that are stored but have nothing to do here: what they show does not exist for service accounts (groups,
/// organizations, a browser's nonce and claims parameter), or another protocol reads them.
const INERT: [&str; 8] = [
    "oidc-amr-mapper",
    "oidc-claims-param-token-mapper",
    "oidc-claims-param-value-idtoken-mapper",
    "oidc-group-membership-mapper",
    "oidc-nonce-backwards-compatible-mapper",
    "oidc-organization-group-membership-mapper",
    "oidc-organization-membership-mapper",
    "oidc-session-state-mapper",
];
/// SAML's are kept for the client scopes of a realm that other tools read back.
const SAML: &str = "saml-";

/// Whether mappers of a provider can be made.
pub fn is_known(provider: &str) -> bool {
    INERT.contains(&provider)
        || provider.starts_with(SAML)
        || find(provider, &MapperConfig::default()).is_some()
}

pub(super) fn read(provider: &str, config: &MapperConfig<'_>) -> Box<dyn ClaimMapper> {
    find(provider, config).unwrap_or(Box::new(inert::Inert))
}

fn find(provider: &str, config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    let read: fn(&MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> = match provider {
        "oidc-acr-mapper" => acr::read,
        "oidc-address-mapper" => address::read,
        "oidc-allowed-origins-mapper" => allowed_origins::read,
        "oidc-audience-mapper" => audience::read,
        "oidc-audience-resolve-mapper" => audience_resolve::read,
        "oidc-full-name-mapper" => full_name::read,
        "oidc-hardcoded-claim-mapper" => hardcoded_claim::read,
        "oidc-hardcoded-role-mapper" => hardcoded_role::read,
        "oidc-role-name-mapper" => role_name::read,
        "oidc-sha256-pairwise-sub-mapper" => pairwise_sub::read,
        "oidc-sub-mapper" => sub::read,
        "oidc-usermodel-attribute-mapper" => user_attribute::read,
        "oidc-usermodel-client-role-mapper" => client_role::read,
        "oidc-usermodel-property-mapper" => user_property::read,
        "oidc-usermodel-realm-role-mapper" => realm_role::read,
        "oidc-usersessionmodel-note-mapper" => session_note::read,
        _ => return None,
    };
    Some(read(config).unwrap_or(Box::new(inert::Inert)))
}
