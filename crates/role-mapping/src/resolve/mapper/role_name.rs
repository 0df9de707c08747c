//! Another name for a role that the token carries, in the same container or in another: `reader` to `lector`, `mover` to
//! `api.moved`, `api.view` to `realm-view`.

use super::super::roles::{RoleName, ShapedRoles};
use super::{ClaimMapper, Claims, MapperConfig, Source, Turn};

#[derive(Debug)]
struct NewRoleName {
    role: RoleName,
    new: RoleName,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(NewRoleName {
        role: RoleName::parse(config.text("role")?),
        new: RoleName::parse(config.text("new.role.name")?),
    }))
}

impl ClaimMapper for NewRoleName {
    fn turn(&self) -> Turn {
        Turn::RoleName
    }

    fn shape_roles(&self, roles: &mut ShapedRoles) {
        if roles.remove(&self.role) {
            roles.add(&self.new);
        }
    }

    fn map(&self, _source: &Source<'_>, _claims: &mut Claims<'_>) {}
}
