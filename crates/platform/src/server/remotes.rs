//! Forwarders to the services that run elsewhere.

use std::sync::Arc;

use latchkey_api::remote::{
    self, RemoteAudit, RemoteClientRegistry, RemoteRoleMapping, RemoteSessions, RemoteTokenIssuer, Target,
};
use latchkey_api::{DynAudit, DynClientRegistry, DynRoleMapping, DynSessions, DynTokenIssuer};

use super::Error;
use crate::config::{Grpc, Services};
use crate::tls::MutualTls;

/// Makes forwarders, all with the identity of this program.
pub struct Remotes {
    services: Services,
    tls: Option<MutualTls>,
}

impl Remotes {
    /// Forwarders to `services` with the identity that `grpc` names.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(services: Services, grpc: &Grpc) -> Result<Self, Error> {
        let tls = grpc.tls.as_ref().map(MutualTls::load).transpose()?;
        Ok(Self { services, tls })
    }

    /// client-registry.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn registry(&self) -> Result<Arc<DynClientRegistry>, Error> {
        Ok(Arc::new(RemoteClientRegistry::connect(self.target(&self.services.client_registry)?)?))
    }

    /// role-mapping.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn roles(&self) -> Result<Arc<DynRoleMapping>, Error> {
        Ok(Arc::new(RemoteRoleMapping::connect(self.target(&self.services.role_mapping)?)?))
    }

    /// token-issuer.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn issuer(&self) -> Result<Arc<DynTokenIssuer>, Error> {
        Ok(Arc::new(RemoteTokenIssuer::connect(self.target(&self.services.token_issuer)?)?))
    }

    /// session.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn sessions(&self) -> Result<Arc<DynSessions>, Error> {
        Ok(Arc::new(RemoteSessions::connect(self.target(&self.services.session)?)?))
    }

    /// audit.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn audit(&self) -> Result<Arc<DynAudit>, Error> {
        Ok(Arc::new(RemoteAudit::connect(self.target(&self.services.audit)?)?))
    }

    fn target(&self, uri: &str) -> Result<Target, Error> {
        let uri = uri.parse().map_err(|_| Error::Address(uri.to_owned()))?;
        Ok(Target::new(uri, self.tls.as_ref().map(MutualTls::client)))
    }
}

impl From<remote::Error> for Error {
    fn from(error: remote::Error) -> Self {
        Self::Remote(error)
    }
}
