//! Fetching keys over HTTP: within limits of size and time, from allowed addresses, without redirects.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use latchkey_platform::json::Object;
use latchkey_platform::network::Network;
use reqwest::{Certificate, Client, StatusCode, header, redirect};
use serde::Deserialize;
use url::{Host, Url};

use super::Location;
use super::address::{AddressPolicy, AddressRefused, CheckedResolver};
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

/// Fetches keys.
pub(crate) struct Fetcher {
    policy: Arc<AddressPolicy>,
    roots: Vec<Certificate>,
    /// Made when it is first needed: most servers fetch nothing.
    client: OnceLock<Option<Client>>,
}

impl Fetcher {
    /// `allowed` networks are fetched from although they are not public; `roots` are trusted beside the system's.
    pub(crate) fn new(allowed: Vec<Network>, roots: Vec<Certificate>) -> Self {
        Self { policy: Arc::new(AddressPolicy::new(allowed)), roots, client: OnceLock::new() }
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
        // An address that stands in the URL itself is not asked of the resolver.
        let address = match url.host().ok_or(Fault::Unreachable)? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        if address.is_some_and(|address| !self.policy.permits(address)) {
            return Err(Fault::Address);
        }
        let client = self.client.get_or_init(|| self.new_client()).as_ref().ok_or(Fault::Unreachable)?;
        let request = client.get(url.clone()).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| fault(&error))?;
        if response.status() != StatusCode::OK {
            return Err(Fault::Status(response.status()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            if document.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(Fault::TooLong);
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }

    fn new_client(&self) -> Option<Client> {
        let built = Client::builder()
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .dns_resolver(Arc::new(CheckedResolver(Arc::clone(&self.policy))))
            .timeout(TIMEOUT)
            .tls_certs_merge(self.roots.iter().cloned())
            .build();
        built.inspect_err(|error| tracing::error!(error = %error, "keys cannot be fetched by URL")).ok()
    }
}

/// The cause, without the URL.
fn fault(error: &reqwest::Error) -> Fault {
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    if causes.any(|cause| cause.is::<AddressRefused>()) {
        Fault::Address
    } else if error.is_timeout() {
        Fault::Timeout
    } else {
        Fault::Unreachable
    }
}
