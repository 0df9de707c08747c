//! Realm roles as a claim.

use super::target::Target;
use super::{ClaimMapper, Claims, MapperConfig, Source, Turn};

#[derive(Debug)]
struct RealmRoles {
    target: Target,
    prefix: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(RealmRoles {
        target: Target::read(config)?,
        prefix: config.get("usermodel.realmRoleMapping.rolePrefix").unwrap_or_default().to_owned(),
    }))
}

impl ClaimMapper for RealmRoles {
    fn turn(&self) -> Turn {
        Turn::Role
    }

    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        self.target.write_roles(&self.prefix, None, source.roles.realm.iter(), claims);
    }
}
