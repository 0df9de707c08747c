//! The certificate that a client presents by TLS (RFC 8705): on the connection itself, or told by a proxy where TLS ends. What it
//! proves of a client, client-registry decides; here it is only found, and found out whether its chain leads to an authority.

mod forwarded;
pub(crate) mod handshake;
mod header;

use crate::config::Config;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::HeaderMap;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::Bytes;
use forwarded::Forwarded;
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
    forwarded: Option<Forwarded>,
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
        let forwarded = match settings.header.as_ref().map(name).transpose()? {
            Some(_) if config.trusted_proxies.is_empty() => return Err(Error::NoProxies),
            Some(certificate) => Some(Forwarded::new(certificate, chain)),
            None if chain.is_some() => return Err(Error::ChainAlone),
            None => None,
        };
        Ok(Self { authorities, forwarded })
    }

    /// Whether a trusted proxy's word counts. Then the certificate of its own connection is the proxy's, not a client's.
    pub(crate) fn are_forwarded(&self) -> bool {
        self.forwarded.is_some()
    }

    /// The certificate that a proxy tells of; `None` where it tells of none, or of what is none.
    pub(crate) fn forwarded(&self, headers: &HeaderMap, now_ms: i64) -> Option<Arc<ClientCertificate>> {
        let judge = |chain: &[CertificateDer<'_>]| self.judge(chain, now_ms);
        self.forwarded.as_ref()?.certificate(headers, now_ms, judge)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClientCertificates as Settings, TlsFiles};
    use axum::http::HeaderValue;
    use base64::prelude::BASE64_STANDARD;
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
        date_time_ymd,
    };
    use std::{fs, net::IpAddr};
    use tempfile::TempDir;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn ca() -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Clients");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    struct Chain {
        folder: TempDir,
        intermediate: CertificateDer<'static>,
        client: CertificateDer<'static>,
        expired: CertificateDer<'static>,
        server: CertificateDer<'static>,
    }

    /// A root in a file, an authority below it, and what that has signed.
    fn chain() -> Chain {
        let root = Issuer::new(ca(), KeyPair::generate().unwrap());
        let pem = ca().self_signed(root.key()).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let intermediate = ca().signed_by(&key, &root).unwrap().der().clone();
        let below = Issuer::new(ca(), key);
        let sign = |change: fn(&mut CertificateParams)| {
            let mut params = CertificateParams::default();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            change(&mut params);
            params.signed_by(&KeyPair::generate().unwrap(), &below).unwrap().der().clone()
        };
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), pem).unwrap();
        Chain {
            folder,
            intermediate,
            client: sign(|_| {}),
            expired: sign(|params| params.not_after = date_time_ymd(2020, 1, 1)),
            server: sign(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
        }
    }

    fn config(client_certificates: Settings) -> Config {
        let proxy: IpAddr = [192, 0, 2, 1].into();
        Config {
            client_certificates,
            trusted_proxies: [proxy.to_string().parse().unwrap()].into_iter().collect(),
            ..Config::default()
        }
    }

    fn received(chain: &Chain) -> ClientCertificates {
        let settings = Settings {
            ask: false,
            ca_file: Some(chain.folder.path().join("ca.pem")),
            header: Some("Client-Cert".to_owned()),
            chain_header: Some("Client-Cert-Chain".to_owned()),
        };
        ClientCertificates::load(&config(settings)).unwrap()
    }

    fn is_trusted(certificates: &ClientCertificates, chain: &[&CertificateDer<'static>]) -> bool {
        let chain: Vec<_> = chain.iter().map(|certificate| (*certificate).clone()).collect();
        certificates.judge(&chain, NOW_MS).unwrap().is_trusted
    }

    #[test]
    fn a_chain_is_trusted_that_leads_to_an_authority() {
        let chain = chain();
        let Chain { intermediate, client, expired, server, .. } = &chain;
        let certificates = received(&chain);
        assert!(is_trusted(&certificates, &[client, intermediate]));
        assert!(!is_trusted(&certificates, &[client]), "a link is missing");
        assert!(!is_trusted(&certificates, &[expired, intermediate]));
        assert!(!is_trusted(&certificates, &[server, intermediate]), "it is for servers");
        assert!(!is_trusted(&certificates, &[intermediate]), "an authority is no client");
        assert!(!is_trusted(&ClientCertificates::default(), &[client, intermediate]), "nobody is trusted");
        assert_eq!(certificates.judge(&[], NOW_MS), None);
        assert_eq!(certificates.judge(&[CertificateDer::from(vec![0x30, 0])], NOW_MS), None);
    }

    fn header(certificates: &[&CertificateDer<'_>]) -> HeaderValue {
        let items: Vec<String> =
            certificates.iter().map(|der| format!(":{}:", BASE64_STANDARD.encode(der))).collect();
        items.join(", ").parse().unwrap()
    }

    #[test]
    fn a_proxys_word_is_judged_like_a_handshake() {
        let chain = chain();
        let certificates = received(&chain);
        let told = |headers: &HeaderMap| {
            certificates.forwarded(headers, NOW_MS).map(|certificate| certificate.is_trusted)
        };
        let mut headers = HeaderMap::new();
        assert_eq!(told(&headers), None);
        headers.insert("client-cert", header(&[&chain.client]));
        assert_eq!(told(&headers), Some(false), "a link is missing");
        headers.insert("client-cert-chain", header(&[&chain.intermediate]));
        assert_eq!(told(&headers), Some(true));
        assert_eq!(told(&headers), Some(true), "and once more");
        headers.append("client-cert-chain", HeaderValue::from_static("garbage"));
        assert_eq!(told(&headers), Some(true), "what others add there does no harm");
        headers.insert("client-cert-chain", header(&[&chain.client; header::MAX_CERTIFICATES]));
        headers.append("client-cert-chain", header(&[&chain.intermediate]));
        assert_eq!(told(&headers), Some(false), "only so many are read");
        headers.append("client-cert", header(&[&chain.client]));
        assert_eq!(told(&headers), None, "one of them is not the proxy's");
    }

    #[test]
    fn settings_that_do_not_fit_are_told_at_the_start() {
        let chain = chain();
        let no_ca = chain.folder.path().join("none.pem");
        fs::write(&no_ca, "").unwrap();
        let missing = chain.folder.path().join("missing.pem");
        let named = |header: &str| Some(header.to_owned());
        for (settings, expected) in [
            (Settings { ask: true, ..Settings::default() }, "client_certificates.ask needs tls.certificate"),
            (Settings { ca_file: Some(missing), ..Settings::default() }, "cannot read"),
            (Settings { ca_file: Some(no_ca), ..Settings::default() }, "has no certificate of an authority"),
            (Settings { header: named("Client Cert"), ..Settings::default() }, "is not the name of a header"),
            (
                Settings { chain_header: named("X"), ..Settings::default() },
                "needs client_certificates.header",
            ),
        ] {
            let error = ClientCertificates::load(&config(settings)).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let alone = Config {
            trusted_proxies: Default::default(),
            ..config(Settings { header: named("X"), ..Settings::default() })
        };
        assert!(matches!(ClientCertificates::load(&alone), Err(Error::NoProxies)));
        let files = TlsFiles { certificate: "a".into(), key: "b".into() };
        let asked = Config { tls: Some(files), ..config(Settings { ask: true, ..Settings::default() }) };
        assert!(ClientCertificates::load(&asked).is_ok());
    }
}
