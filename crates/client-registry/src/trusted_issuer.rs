//! What an identity provider's configuration says about the assertions that it issues. The names of the settings are Keycloak's.

use std::collections::BTreeMap;

use latchkey_api::registry::v1::IdentityProvider;

use crate::public_key::PublicKey;
use crate::remote_keys::Location;

/// Kinds of identity providers that Keycloak has and that only sign people in: stored for tools that read them back.
const ONLY_STORED: &[&str] = &[
    "bitbucket",
    "facebook",
    "github",
    "gitlab",
    "google",
    "instagram",
    "linkedin-openid-connect",
    "microsoft",
    "oauth2",
    "openshift-v4",
    "paypal",
    "saml",
    "stackoverflow",
    "twitter",
];
/// The issuer of a Kubernetes cluster that is not told otherwise.
const KUBERNETES_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// How old an assertion may be, where nothing is said: Keycloak's values, in seconds.
const MAX_AGE_S: i64 = 300;
const KUBERNETES_MAX_AGE_S: i64 = 3600;
/// However much is configured: an assertion is not good for longer than a day, nor a clock off by more than five minutes.
const MAX_AGE_BOUND_S: i64 = 86_400;
const CLOCK_SKEW_BOUND_S: i64 = 300;

/// An outside issuer.
pub(crate) struct TrustedIssuer {
    /// The identity provider's uuid.
    pub(crate) id: String,
    pub(crate) alias: String,
    pub(crate) kind: Kind,
    /// What an assertion's `iss` must be or, for SPIFFE, the trust domain that its `sub` must be of. Empty where there is none.
    pub(crate) lookup: String,
    pub(crate) keys: KeySource,
    /// What assertions that authenticate clients are held to; `None` where none are taken.
    pub(crate) client_assertions: Option<Terms>,
    /// What assertions that are grants are held to; `None` where none are taken.
    pub(crate) grants: Option<Terms>,
}

/// The kinds that differ in what is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// OpenID Connect.
    Oidc,
    /// A cluster's projected service-account tokens.
    Kubernetes,
    /// JWT-SVIDs of a trust domain.
    Spiffe,
    /// Only for grants.
    Grants,
    /// Signs people in, which is not done here.
    OnlyStored,
}

/// What an assertion is held to.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) clock_skew_s: i64,
    /// Seconds after its `iat`.
    pub(crate) max_age_s: i64,
    /// Whether the same one may come again.
    pub(crate) reuse: bool,
    /// The only algorithm, if one is set.
    pub(crate) algorithm: Option<String>,
    /// What its `aud` may be instead of our own addresses; empty for those.
    pub(crate) audiences: Vec<String>,
    /// Whether tokens must not outlive it.
    pub(crate) limits_tokens: bool,
}

/// Where the issuer's public keys are.
pub(crate) enum KeySource {
    /// Nothing is said: no assertion can be verified.
    Unknown,
    /// In the configuration.
    Fixed(Vec<PublicKey>),
    /// At an address.
    Remote(Location),
}

impl TrustedIssuer {
    /// Reads a stored one. What cannot be read is not trusted.
    pub(crate) fn of(provider: &IdentityProvider) -> Self {
        let config = Settings(&provider.config);
        let kind = kind(&provider.provider_id).unwrap_or(Kind::OnlyStored);
        let trusted = provider.enabled;
        Self {
            id: provider.id.clone(),
            alias: provider.alias.clone(),
            kind,
            lookup: lookup(kind, config),
            keys: keys(kind, config),
            client_assertions: (trusted && takes_client_assertions(kind, config))
                .then(|| client_terms(kind, config)),
            grants: (trusted && takes_grants(kind, config)).then(|| grant_terms(kind, config)),
        }
    }

    /// As [`Self::of`], for one that is about to be stored.
    ///
    /// # Errors
    /// What an administrator got wrong, in Keycloak's words.
    pub(crate) fn checked(provider: &IdentityProvider) -> Result<Self, String> {
        let Some(kind) = kind(&provider.provider_id) else {
            let id = if provider.provider_id.is_empty() { "null" } else { &provider.provider_id };
            return Err(format!("Invalid identity provider id [{id}]"));
        };
        let config = Settings(&provider.config);
        for (setting, name) in [
            ("jwksUrl", "jwks_url"),
            ("bundleEndpoint", "bundleEndpoint"),
            ("metadataDescriptorUrl", "metadataDescriptorUrl"),
        ] {
            if config.text(setting).is_some_and(|url| Location::key_set(url).is_none()) {
                return Err(format!("The url [{name}] is malformed"));
            }
        }
        let needs_issuer = takes_client_assertions(kind, config) || takes_grants(kind, config);
        if needs_issuer && lookup(kind, config).is_empty() {
            return Err("Issuer is required".to_owned());
        }
        Ok(Self::of(provider))
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let keys = match &self.keys {
            KeySource::Fixed(keys) => keys.iter().map(PublicKey::weight).sum(),
            KeySource::Unknown | KeySource::Remote(_) => 200,
        };
        size_of::<Self>() + self.id.len() + self.alias.len() + self.lookup.len() + keys
    }
}

#[derive(Clone, Copy)]
struct Settings<'a>(&'a BTreeMap<String, String>);

impl<'a> Settings<'a> {
    fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn is_set(self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A number of seconds within bounds; what is no number counts as not given.
    fn seconds(self, name: &str, default: i64, bound: i64) -> i64 {
        let given = self.text(name).and_then(|value| value.parse().ok()).filter(|seconds| *seconds > 0);
        given.unwrap_or(default).min(bound)
    }

    /// Audiences beside our own: a list with spaces between, and the id that the issuer knows us by if that is allowed.
    fn audiences(self) -> Vec<String> {
        let listed = self.text("clientAssertionAudience").into_iter().flat_map(str::split_whitespace);
        let own = self.text("clientId").filter(|_| self.is_set("allowClientIdAsAudience"));
        listed.chain(own).map(str::to_owned).collect()
    }
}

fn kind(provider_id: &str) -> Option<Kind> {
    Some(match provider_id {
        "oidc" | "keycloak-oidc" => Kind::Oidc,
        "kubernetes" => Kind::Kubernetes,
        "spiffe" => Kind::Spiffe,
        "jwt-authorization-grant" => Kind::Grants,
        other if ONLY_STORED.contains(&other) => Kind::OnlyStored,
        _ => return None,
    })
}

fn lookup(kind: Kind, config: Settings<'_>) -> String {
    let issuer = config.text("issuer");
    match kind {
        Kind::Oidc | Kind::Grants => issuer.unwrap_or_default().to_owned(),
        Kind::Kubernetes => issuer.unwrap_or(KUBERNETES_ISSUER).to_owned(),
        Kind::Spiffe => {
            let domain = config.text("trustDomain").or(issuer).unwrap_or_default();
            domain.trim_end_matches('/').to_owned()
        }
        Kind::OnlyStored => String::new(),
    }
}

fn keys(kind: Kind, config: Settings<'_>) -> KeySource {
    let remote = |location: Option<Location>| location.map_or(KeySource::Unknown, KeySource::Remote);
    let discovery = || {
        let issuer = lookup(kind, config);
        match config.text("metadataDescriptorUrl") {
            Some(url) => remote(Location::discovery(url, &issuer)),
            None => remote(Location::discovery_of(&issuer)),
        }
    };
    match kind {
        Kind::OnlyStored => KeySource::Unknown,
        Kind::Spiffe => remote(config.text("bundleEndpoint").and_then(Location::key_set)),
        Kind::Kubernetes => {
            config.text("jwksUrl").map_or_else(discovery, |url| remote(Location::key_set(url)))
        }
        Kind::Oidc | Kind::Grants if config.is_set("useJwksUrl") => {
            config.text("jwksUrl").map_or_else(discovery, |url| remote(Location::key_set(url)))
        }
        Kind::Oidc | Kind::Grants => match config.text("publicKeySignatureVerifier") {
            Some(text) => {
                KeySource::Fixed(PublicKey::of_text(text, config.text("publicKeySignatureVerifierKeyId")))
            }
            None => KeySource::Unknown,
        },
    }
}

/// Keycloak takes client assertions only of an issuer whose signatures are to be validated.
fn takes_client_assertions(kind: Kind, config: Settings<'_>) -> bool {
    match kind {
        Kind::Oidc => config.is_set("supportsClientAssertions") && config.is_set("validateSignature"),
        Kind::Kubernetes | Kind::Spiffe => true,
        Kind::Grants | Kind::OnlyStored => false,
    }
}

fn takes_grants(kind: Kind, config: Settings<'_>) -> bool {
    match kind {
        Kind::Oidc => config.is_set("jwtAuthorizationGrantEnabled"),
        Kind::Grants => true,
        Kind::Kubernetes | Kind::Spiffe | Kind::OnlyStored => false,
    }
}

fn client_terms(kind: Kind, config: Settings<'_>) -> Terms {
    let max_age_s = if kind == Kind::Kubernetes { KUBERNETES_MAX_AGE_S } else { MAX_AGE_S };
    Terms {
        clock_skew_s: config.seconds("allowedClockSkew", 0, CLOCK_SKEW_BOUND_S),
        max_age_s: config.seconds("federatedClientAssertionMaxExpiration", max_age_s, MAX_AGE_BOUND_S),
        // A cluster's tokens and SVIDs are made to be shown again until they expire; the latter have no `jti`.
        reuse: kind != Kind::Oidc || config.is_set("supportsClientAssertionReuse"),
        algorithm: None,
        audiences: config.audiences(),
        limits_tokens: false,
    }
}

fn grant_terms(kind: Kind, config: Settings<'_>) -> Terms {
    let skew =
        if kind == Kind::Grants { "jwtAuthorizationGrantAllowedClockSkew" } else { "allowedClockSkew" };
    Terms {
        clock_skew_s: config.seconds(skew, 0, CLOCK_SKEW_BOUND_S),
        max_age_s: config.seconds(
            "jwtAuthorizationGrantMaxAllowedAssertionExpiration",
            MAX_AGE_S,
            MAX_AGE_BOUND_S,
        ),
        reuse: config.is_set("jwtAuthorizationGrantAssertionReuseAllowed"),
        algorithm: config.text("jwtAuthorizationGrantAssertionSignatureAlg").map(str::to_owned),
        audiences: config.audiences(),
        limits_tokens: config.is_set("jwtAuthorizationGrantLimitAccessTokenExp"),
    }
}
