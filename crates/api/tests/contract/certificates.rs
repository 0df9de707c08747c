//! Certificates of a test, for both sides.

use bytes::Bytes;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

/// Certificates of a test: an authority, and a certificate for `sessions` that serves for both sides.
pub(crate) struct Certificates {
    pub(crate) authority: Bytes,
    pub(crate) certificate: Bytes,
    pub(crate) key: Bytes,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_certificate = authority.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(vec!["sessions".to_owned()]).unwrap();
        let certificate = leaf.signed_by(&key, &issuer).unwrap();
        Self {
            authority: authority_certificate.pem().into(),
            certificate: certificate.pem().into(),
            key: key.serialize_pem().into(),
        }
    }

    pub(crate) fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.authority))
            .identity(Identity::from_pem(&self.certificate, &self.key))
    }

    pub(crate) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .client_ca_root(Certificate::from_pem(&self.authority))
            .identity(Identity::from_pem(&self.certificate, &self.key))
    }
}
