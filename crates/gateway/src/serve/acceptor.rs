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
