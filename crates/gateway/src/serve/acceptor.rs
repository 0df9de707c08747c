//! TLS: the server's own identity, and whether clients are asked for theirs.

use super::Error;
use crate::{client_certificate::handshake::AnyCertificate, config::TlsFiles};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{path::PathBuf, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// Reads the files.
pub(super) fn acceptor(files: &TlsFiles, ask_clients: bool) -> Result<TlsAcceptor, Error> {
    let TlsFiles { certificate, key } = files;
    let unreadable = |path: &PathBuf| {
        let path = path.clone();
        move |source| Error::TlsFile { path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let any_certificate = Arc::new(AnyCertificate::new(&provider));
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let tls =
        if ask_clients { tls.with_client_cert_verifier(any_certificate) } else { tls.with_no_client_auth() };
    let mut tls = tls.with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::{
        ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion,
        client::ResolvesClientCert,
        crypto::CryptoProvider,
        pki_types::{PrivatePkcs8KeyDer, ServerName},
        sign::CertifiedKey,
        version::{TLS12, TLS13},
    };
    use std::fs;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;

    /// Presents a certificate with a key, fitting or not.
    #[derive(Debug)]
    struct Presents(Arc<CertifiedKey>);

    impl ResolvesClientCert for Presents {
        fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }

        fn has_certs(&self) -> bool {
            true
        }
    }

    fn provider() -> Arc<CryptoProvider> {
        Arc::new(rustls::crypto::aws_lc_rs::default_provider())
    }

    fn self_signed(key: &KeyPair) -> rcgen::Certificate {
        CertificateParams::new(["server.example".to_owned()]).unwrap().self_signed(key).unwrap()
    }

    fn identity(certificate: &rcgen::Certificate, key: &KeyPair) -> Arc<CertifiedKey> {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let key = provider().key_provider.load_private_key(key).unwrap();
        Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key))
    }

    struct Server {
        acceptor: TlsAcceptor,
        roots: RootCertStore,
    }

    fn server(ask_clients: bool) -> Server {
        let key = KeyPair::generate().unwrap();
        let certificate = self_signed(&key);
        let folder = TempDir::new().unwrap();
        let files = TlsFiles { certificate: folder.path().join("crt"), key: folder.path().join("key") };
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        Server { acceptor: acceptor(&files, ask_clients).unwrap(), roots }
    }

    /// The certificates that the server has seen once the handshake is over; `None` if it has refused.
    async fn seen(
        server: &Server,
        version: &'static SupportedProtocolVersion,
        presented: Option<Arc<CertifiedKey>>,
    ) -> Option<Vec<CertificateDer<'static>>> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(server.roots.clone());
        let config = match presented {
            Some(identity) => config.with_client_cert_resolver(Arc::new(Presents(identity))),
            None => config.with_no_client_auth(),
        };
        let (near, far) = tokio::io::duplex(1 << 16);
        let name = ServerName::try_from("server.example").unwrap();
        let client = async {
            let mut stream = TlsConnector::from(Arc::new(config)).connect(name, near).await?;
            stream.write_all(b"x").await?;
            stream.read_u8().await
        };
        let accepted = async {
            let mut stream = server.acceptor.accept(far).await.ok()?;
            stream.read_u8().await.unwrap();
            stream.write_all(b"y").await.unwrap();
            Some(stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec())
        };
        let (told, seen) = tokio::join!(client, accepted);
        assert_eq!(told.is_ok(), seen.is_some());
        seen
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_vouches_for_is_seen() {
        let server = server(true);
        let key = KeyPair::generate().unwrap();
        let certificate = self_signed(&key);
        for version in [&TLS12, &TLS13] {
            let presented = identity(&certificate, &key);
            assert_eq!(seen(&server, version, Some(presented)).await, Some(vec![certificate.der().clone()]));
            assert_eq!(seen(&server, version, None).await, Some(Vec::new()), "it is not asked for in vain");
        }
    }

    #[tokio::test]
    async fn attack_a_certificate_is_shown_without_its_key() {
        let server = server(true);
        let (key, another) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let stolen = identity(&self_signed(&key), &another);
        for version in [&TLS12, &TLS13] {
            assert_eq!(seen(&server, version, Some(Arc::clone(&stolen))).await, None);
        }
    }

    #[tokio::test]
    async fn a_server_that_does_not_ask_sees_none() {
        let server = server(false);
        let key = KeyPair::generate().unwrap();
        let presented = identity(&self_signed(&key), &key);
        for version in [&TLS12, &TLS13] {
            assert_eq!(seen(&server, version, Some(Arc::clone(&presented))).await, Some(Vec::new()));
        }
    }
}
