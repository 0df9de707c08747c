//! Fetching keys over HTTP, within limits of size and time.

use std::sync::Arc;
use std::time::Duration;

use latchkey_platform::json::Object;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde::Deserialize;
use url::Url;

use super::Location;
use crate::outbound::{self, Outbound};
use crate::public_key::PublicKey;

/// For all of it, a discovery included. Callers wait five seconds.
const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_DOCUMENT_BYTES: usize = 256 << 10;
/// Keys of one set that are kept.
const MAX_KEYS: usize = 100;

/// Why there are no keys. The words are for the administrator and the log: they show nothing of what was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the address of the key server is private, and not among `allowed_key_server_networks`")]
    Address,
    #[error("the key server could not be reached")]
    Unreachable,
    #[error("the key server took too long")]
    Timeout,
    #[error("the key server answered with status {0}")]
    Status(StatusCode),
    #[error("the key server answered with too long a document")]
    TooLong,
    #[error("the key server answered with something that is no key set")]
    NoKeySet,
    #[error("the discovery document is not one, or of another issuer")]
    NoDiscovery,
}

/// What of a discovery document matters (OpenID Connect Discovery 1.0 section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl From<outbound::Fault> for Fault {
    fn from(fault: outbound::Fault) -> Self {
        match fault {
            outbound::Fault::Address => Self::Address,
            outbound::Fault::Unreachable => Self::Unreachable,
            outbound::Fault::Timeout => Self::Timeout,
        }
    }
}

/// Fetches keys.
pub(crate) struct Fetcher {
    outbound: Arc<Outbound>,
}

impl Fetcher {
    pub(crate) fn new(outbound: Arc<Outbound>) -> Self {
        Self { outbound }
    }

    /// The keys at a location.
    pub(crate) async fn keys(&self, location: &Location) -> Result<Vec<PublicKey>, Fault> {
        tokio::time::timeout(TIMEOUT, self.keys_without_limit(location)).await.unwrap_or(Err(Fault::Timeout))
    }

    async fn keys_without_limit(&self, location: &Location) -> Result<Vec<PublicKey>, Fault> {
        let document = match location {
            Location::KeySet(url) => self.document(url).await?,
            Location::Discovery { url, issuer } => {
                let Object(discovered): Object<Discovery> =
                    serde_json::from_slice(&self.document(url).await?).map_err(|_| Fault::NoDiscovery)?;
                // Section 4.3: else the configuration of one issuer could stand for another.
                if discovered.issuer != *issuer {
                    return Err(Fault::NoDiscovery);
                }
                let Some(Location::KeySet(url)) = Location::key_set(&discovered.jwks_uri) else {
                    return Err(Fault::NoDiscovery);
                };
                self.document(&url).await?
            }
        };
        let mut keys = PublicKey::of_key_set(&document).ok_or(Fault::NoKeySet)?;
        keys.truncate(MAX_KEYS);
        Ok(keys)
    }

    async fn document(&self, url: &Url) -> Result<Vec<u8>, Fault> {
        let accept = |request: RequestBuilder| request.header(header::ACCEPT, "application/json");
        let mut response = self.outbound.send(Method::GET, url, TIMEOUT, accept).await?;
        if response.status() != StatusCode::OK {
            return Err(Fault::Status(response.status()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| outbound::Fault::of(&error))? {
            if document.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(Fault::TooLong);
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}
