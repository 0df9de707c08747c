//! Certificates of the scenarios' own.

use std::fs;
use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use reqwest::Certificate;
use tempfile::TempDir;

/// Signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// Whom a certificate is for.
#[derive(Clone, Default)]
pub(crate) struct Subject {
    pub(crate) organization: &'static str,
    pub(crate) common_name: &'static str,
    pub(crate) alternatives: Vec<SanType>,
    /// Whether its time is over.
    pub(crate) expired: bool,
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) der: Vec<u8>,
    key: String,
    /// SubjectPublicKeyInfo, PEM.
    pub(crate) public_key: String,
}

/// An identity in files, which go with it.
pub(crate) struct IdentityFiles(TempDir);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for a client.
    pub(crate) fn client(&self, subject: &Subject) -> Identity {
        self.sign(subject.params())
    }

    /// A certificate for the server under test.
    pub(crate) fn server(&self) -> Identity {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::of(&certificate, &key)
    }

    /// Itself in a file for a server.
    pub(crate) fn write(&self) -> IdentityFiles {
        let files = IdentityFiles(TempDir::with_prefix("latchkey-e2e-tls-").unwrap());
        fs::write(files.certificate(), &self.pem).unwrap();
        files
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_pem(self.pem.as_bytes()).unwrap()
    }
}

impl Subject {
    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, self.organization);
        params.distinguished_name.push(DnType::CommonName, self.common_name);
        params.subject_alt_names = self.alternatives.clone();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if self.expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 2, 1));
        }
        params
    }
}

impl Identity {
    /// One that nobody else has signed.
    pub(crate) fn self_signed(subject: &Subject) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::of(&subject.params().self_signed(&key).unwrap(), &key)
    }

    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            certificate: certificate.pem(),
            der: certificate.der().to_vec(),
            key: key.serialize_pem(),
            public_key: key.public_key_pem(),
        }
    }

    /// Its SHA-256, as RFC 8705 section 3.1 writes it.
    pub(crate) fn thumbprint(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.der))
    }

    /// The value of the header `Client-Cert`, RFC 9440 section 2.2.
    pub(crate) fn client_cert(&self) -> String {
        format!(":{}:", BASE64_STANDARD.encode(&self.der))
    }

    /// What an HTTP client presents.
    pub(crate) fn presented(&self) -> reqwest::Identity {
        reqwest::Identity::from_pem(format!("{}{}", self.key, self.certificate).as_bytes()).unwrap()
    }

    /// In files for a server.
    pub(crate) fn write(&self) -> IdentityFiles {
        let files = IdentityFiles(TempDir::with_prefix("latchkey-e2e-tls-").unwrap());
        fs::write(files.certificate(), &self.certificate).unwrap();
        fs::write(files.key(), &self.key).unwrap();
        files
    }
}

impl IdentityFiles {
    pub(crate) fn certificate(&self) -> String {
        self.path("tls.crt")
    }

    pub(crate) fn key(&self) -> String {
        self.path("tls.key")
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        path.display().to_string()
    }
}
