//! Client roles as a claim: of one client, or of each under its own name (`${client_id}` in the claim's name).

use super::target::Target;
use super::{ClaimMapper, Claims, MapperConfig, Source, Turn};

#[derive(Debug)]
struct ClientRoles {
    target: Target,
    client_id: Option<String>,
    prefix: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(ClientRoles {
        target: Target::read(config)?,
        client_id: config.text("usermodel.clientRoleMapping.clientId").map(str::to_owned),
        prefix: config.get("usermodel.clientRoleMapping.rolePrefix").unwrap_or_default().to_owned(),
    }))
}

impl ClaimMapper for ClientRoles {
    fn turn(&self) -> Turn {
        Turn::Role
    }

    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        for (client_id, roles) in &source.roles.clients {
            if self.client_id.as_ref().is_none_or(|only| only == client_id) {
                self.target.write_roles(&self.prefix, Some(client_id), roles.iter(), claims);
            }
        }
    }
}
