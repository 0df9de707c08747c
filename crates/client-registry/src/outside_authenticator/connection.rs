//! The connection to an outside authenticator.

use std::path::Path;
use std::time::Duration;

use latchkey_api::authenticator::v1::client_authenticator_client::ClientAuthenticatorClient;
use reqwest::Certificate as ReadCertificate;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};

use super::settings::AuthenticatorSettings;

/// A silent peer is noticed after this. Not by HTTP/2 pings: common servers take those of a stranger for an attack.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Far above what an answer takes (bytes).
const MAX_ANSWER: usize = 16 << 10;

pub(super) type Client = ClientAuthenticatorClient<Channel>;

/// Where it is, with the certificates of both sides.
pub(super) struct Connection(Endpoint);

impl Connection {
    /// Reads the files of settings that have no mistakes.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub(super) fn prepare(settings: &AuthenticatorSettings) -> Result<Self, String> {
        let uri: Uri = settings.url.parse().map_err(|_| "url cannot be read".to_owned())?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let endpoint = Endpoint::from(uri)
            .connect_timeout(Duration::from_millis(settings.timeout_ms))
            .tcp_nodelay(true)
            .tcp_keepalive(Some(TCP_KEEP_ALIVE));
        let Some(authority) = &settings.ca_file else { return Ok(Self(endpoint)) };
        let mut tls = ClientTlsConfig::new().domain_name(host).ca_certificate(authorities(authority)?);
        if let (Some(certificate), Some(key)) = (&settings.cert_file, &settings.key_file) {
            tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
        }
        let endpoint = endpoint
            .tls_config(tls)
            .map_err(|_| "the certificates cannot be used: is each file what its setting says?".to_owned())?;
        Ok(Self(endpoint))
    }

    /// Connects when it is first used. Needs a tokio runtime.
    pub(super) fn client(&self) -> Client {
        Client::new(self.0.connect_lazy()).max_decoding_message_size(MAX_ANSWER)
    }
}

fn authorities(file: &Path) -> Result<Certificate, String> {
    let pem = read(file)?;
    match ReadCertificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(Certificate::from_pem(pem)),
        _ => Err(format!("{} holds no certificate", file.display())),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}
