//! Mutual TLS between services, and certificates for development.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::config::Tls;

/// The names of the services: a certificate each.
pub const SERVICES: [&str; 6] =
    ["client-registry", "role-mapping", "token-issuer", "session", "audit", "gateway"];

/// What can go wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
}

/// The identity of a service, and the authority that it believes.
#[derive(Clone)]
pub struct MutualTls {
    authority: Certificate,
    identity: Identity,
}

impl MutualTls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn load(files: &Tls) -> Result<Self, Error> {
        Ok(Self {
            authority: Certificate::from_pem(read(&files.ca_file)?),
            identity: Identity::from_pem(read(&files.cert_file)?, read(&files.key_file)?),
        })
    }

    /// For a server: clients without a certificate of the authority are refused.
    #[must_use]
    pub fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new().identity(self.identity.clone()).client_ca_root(self.authority.clone())
    }

    /// For a client.
    #[must_use]
    pub fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().identity(self.identity.clone()).ca_certificate(self.authority.clone())
    }
}

/// The files of a service's identity in a folder that [`make_certificates`] filled.
#[must_use]
pub fn files(folder: &Path, service: &str) -> Tls {
    Tls {
        ca_file: folder.join("ca.crt"),
        cert_file: folder.join(format!("{service}.crt")),
        key_file: folder.join(format!("{service}.key")),
    }
}

/// Makes a certificate authority and a certificate for each name in `folder`, for development: `ca.crt`, `<name>.crt`,
/// `<name>.key`. What is complete already stays. The authority's key is not kept.
///
/// # Errors
/// [`Error`].
pub fn make_certificates<N: AsRef<str>>(folder: &Path, names: &[N]) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(());
    }
    let key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Latchkey development CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = authority.self_signed(&key)?;
    write(&folder.join("ca.crt"), &certificate.pem(), 0o644)?;
    let issuer = Issuer::new(authority, key);
    for name in names.iter().map(AsRef::as_ref) {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([name, "localhost", "127.0.0.1"].map(str::to_owned))?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        write(&folder.join(format!("{name}.key")), &key.serialize_pem(), 0o600)?;
        write(&folder.join(format!("{name}.crt")), &params.signed_by(&key, &issuer)?.pem(), 0o644)?;
    }
    write(&complete, "", 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .map_err(at(path))?;
    file.write_all(text.as_bytes()).map_err(at(path))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}
