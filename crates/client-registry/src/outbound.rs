//! Calls to addresses that administrators set: of key servers, and of clients. They go to allowed addresses alone, follow no redirect,
//! and end in time.

mod address;

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use latchkey_platform::network::Network;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, redirect};
use url::{Host, Url};

use address::{AddressPolicy, AddressRefused, CheckedResolver};

/// Why nothing was answered. The words show nothing of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the address is private, and not among `allowed_key_server_networks`")]
    Address,
    #[error("the server could not be reached")]
    Unreachable,
    #[error("the server took too long")]
    Timeout,
}

impl Fault {
    /// The cause, without the URL.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
        if causes.any(|cause| cause.is::<AddressRefused>()) {
            Self::Address
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Unreachable
        }
    }
}

/// Calls others.
pub(crate) struct Outbound {
    policy: Arc<AddressPolicy>,
    roots: Vec<Certificate>,
    /// Made when it is first needed: most servers call nobody.
    client: OnceLock<Option<Client>>,
}

impl Outbound {
    /// `allowed` networks are called although they are not public; `roots` are trusted beside the system's.
    pub(crate) fn new(allowed: Vec<Network>, roots: Vec<Certificate>) -> Self {
        Self { policy: Arc::new(AddressPolicy::new(allowed)), roots, client: OnceLock::new() }
    }

    /// Sends a request, which `complete` gives what it needs beside its address. The time is for the answer's body too, which the
    /// caller reads as far as it wants.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        timeout: Duration,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, Fault> {
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
        let request = complete(client.request(method, url.clone())).timeout(timeout);
        request.send().await.map_err(|error| Fault::of(&error))
    }

    fn new_client(&self) -> Option<Client> {
        let built = Client::builder()
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .dns_resolver(Arc::new(CheckedResolver(Arc::clone(&self.policy))))
            .tls_certs_merge(self.roots.iter().cloned())
            .build();
        built.inspect_err(|error| tracing::error!(error = %error, "nothing outside can be called")).ok()
    }
}

/// An http or https address without a password in it: it is shown to administrators.
pub(crate) fn http_url(url: &str) -> Option<Url> {
    let url = Url::parse(url.trim()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then_some(url)
}
