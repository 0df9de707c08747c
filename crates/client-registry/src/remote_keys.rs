//! Public keys that are published at an address.

use std::sync::Arc;

use url::Url;

use crate::authentication::assertion::UnverifiedAssertion;
use crate::public_key::PublicKey;
use crate::service::RegistryService;
use crate::trusted_issuer::{KeySource, TrustedIssuer};

/// Where keys are published.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Location {
    /// A key set (RFC 7517 section 5).
    KeySet(Url),
    /// The issuer's configuration (OpenID Connect Discovery 1.0), which says where the key set is.
    Discovery {
        /// Of the configuration.
        url: Url,
        /// What the configuration must say it is of.
        issuer: String,
    },
}

impl Location {
    /// A key set; `None` unless it is at an http or https address.
    pub(crate) fn key_set(url: &str) -> Option<Self> {
        http_url(url).map(Self::KeySet)
    }

    /// The configuration of an issuer at an address of its own.
    pub(crate) fn discovery(url: &str, issuer: &str) -> Option<Self> {
        http_url(url).map(|url| Self::Discovery { url, issuer: issuer.to_owned() })
    }

    /// The configuration of an issuer where it should be.
    pub(crate) fn discovery_of(issuer: &str) -> Option<Self> {
        let base = issuer.trim_end_matches('/');
        Self::discovery(&format!("{base}/.well-known/openid-configuration"), issuer)
    }
}

/// The keys that something is to be verified with.
pub(crate) enum Keys<'a> {
    /// Of the configuration.
    Fixed(&'a [PublicKey]),
    /// Fetched.
    Fetched(Arc<Vec<PublicKey>>),
}

impl Keys<'_> {
    pub(crate) fn as_slice(&self) -> &[PublicKey] {
        match self {
            Self::Fixed(keys) => keys,
            Self::Fetched(keys) => keys,
        }
    }
}

impl RegistryService {
    /// The keys of an issuer by which an assertion of its can be verified; `None` where they cannot be had.
    pub(crate) async fn keys_of<'a>(
        &self,
        _realm_id: &str,
        issuer: &'a TrustedIssuer,
        _assertion: &UnverifiedAssertion<'_>,
    ) -> Option<Keys<'a>> {
        match &issuer.keys {
            KeySource::Unknown => None,
            KeySource::Fixed(keys) => Some(Keys::Fixed(keys)),
            KeySource::Remote(_) => None,
        }
    }
}

fn http_url(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
