//! The certificate that a client presents by TLS (RFC 8705): on the connection itself, or told by a proxy where TLS ends. What it
//! proves of a client, client-registry decides; here it is only found, and found out whether its chain leads to an authority.

pub(crate) mod handshake;
pub mod header;

use crate::config::Config;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, HeaderName};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::Bytes;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, UnixTime, pem::PemObject as _},
    server::{ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// A client's certificate. Whoever sent the request holds its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, DER.
    pub(crate) der: Bytes,
    /// Its SHA-256, base64url: the `x5t#S256` of RFC 8705 section 3.1.
    pub(crate) thumbprint: String,
    /// Whether its chain led to an authority for clients when it was presented.
    pub(crate) is_trusted: bool,
}

/// Why certificates can't be received as the settings ask.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorities can't be read.
    #[error("cannot read {path}")]
    Authorities {
        /// The file that the settings name.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The authorities are none.
    #[error("{path} has no certificate of an authority")]
    NoAuthority {
        /// The file that the settings name.
        path: PathBuf,
    },
    /// A certificate in the file can't be an authority's.
    #[error("client_certificates.ca_file")]
    Authority(#[from] rustls::Error),
    /// They can't be asked for.
    #[error("client_certificates.ask needs tls.certificate and tls.key: without them TLS does not end here")]
    NoTls,
    /// Nobody may send the header.
    #[error("client_certificates.header needs trusted_proxies: nobody else is believed")]
    NoProxies,
    /// Not a header's name.
    #[error("{0:?} is not the name of a header")]
    HeaderName(String),
    /// One without the other.
    #[error("client_certificates.chain_header needs client_certificates.header")]
    ChainAlone,
}

/// How the certificates of clients are found, and who may vouch for them.
#[derive(Clone, Default)]
pub struct ClientCertificates {
    authorities: Option<Arc<dyn ClientCertVerifier>>,
    headers: Option<Headers>,
}

/// Where trusted proxies put what they have been shown.
#[derive(Clone)]
struct Headers {
    certificate: HeaderName,
    chain: Option<HeaderName>,
}

impl ClientCertificates {
    /// As the settings say.
    ///
    /// # Errors
    /// When the file of authorities can't be used, or settings don't fit each other.
    pub fn load(config: &Config) -> Result<Self, Error> {
        let settings = &config.client_certificates;
        if settings.ask && config.tls.is_none() {
            return Err(Error::NoTls);
        }
        let authorities = settings.ca_file.as_ref().map(authorities).transpose()?;
        let name = |text: &String| text.parse().map_err(|_| Error::HeaderName(text.clone()));
        let chain = settings.chain_header.as_ref().map(name).transpose()?;
        let headers = match settings.header.as_ref().map(name).transpose()? {
            Some(_) if config.trusted_proxies.is_empty() => return Err(Error::NoProxies),
            Some(certificate) => Some(Headers { certificate, chain }),
            None if chain.is_some() => return Err(Error::ChainAlone),
            None => None,
        };
        Ok(Self { authorities, headers })
    }

    /// Whether a trusted proxy's word counts. Then the certificate of its own connection is the proxy's, not a client's.
    pub(crate) fn are_forwarded(&self) -> bool {
        self.headers.is_some()
    }

    /// The certificate that a proxy tells of; `None` where it tells of none, or of what is none.
    pub(crate) fn forwarded(&self, headers: &HeaderMap, now_ms: i64) -> Option<Arc<ClientCertificate>> {
        let names = self.headers.as_ref()?;
        let mut chain = header::certificates(only(headers, &names.certificate)?)?;
        // Those only help to find a way to an authority: whoever adds some gains nothing.
        for value in names.chain.iter().flat_map(|name| headers.get_all(name)) {
            chain.extend(header::certificates(value.as_bytes()).unwrap_or_default());
        }
        chain.truncate(header::MAX_CERTIFICATES);
        self.judge(&chain, now_ms)
    }

    /// A certificate with those that came with it, itself first. `None` for what can't be read as one.
    pub(crate) fn judge(&self, chain: &[CertificateDer<'_>], now_ms: i64) -> Option<Arc<ClientCertificate>> {
        let (certificate, others) = chain.split_first()?;
        ParsedCertificate::try_from(certificate).ok()?;
        let now = UnixTime::since_unix_epoch(Duration::from_millis(now_ms.max(0).unsigned_abs()));
        let is_trusted = self.authorities.as_ref().is_some_and(|authorities| {
            let verified = authorities.verify_client_cert(certificate, others, now);
            if let Err(error) = &verified {
                tracing::debug!(%error, "a client's certificate is of no authority that is trusted");
            }
            verified.is_ok()
        });
        let der = Bytes::copy_from_slice(certificate);
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
        Some(Arc::new(ClientCertificate { der, thumbprint, is_trusted }))
    }
}

/// The value of a header that is there once. A second one was put there by somebody else.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.as_bytes();
    values.next().is_none().then_some(value)
}

fn authorities(path: &PathBuf) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| Error::Authorities { path: path.clone(), source })?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| Error::NoAuthority { path: path.clone() })
}
