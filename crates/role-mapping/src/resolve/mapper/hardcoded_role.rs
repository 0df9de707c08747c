//! A role by configuration, whether or not the account holds it. This is the one way past the intersection, Keycloak's own:
//! it shows in tokens (and adds an audience), but not in the roles that the Admin REST API decides by.

use super::super::roles::{RoleName, ShapedRoles};
use super::{ClaimMapper, Claims, MapperConfig, Source, Turn};

#[derive(Debug)]
struct HardcodedRole {
    role: RoleName,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    Some(Box::new(HardcodedRole { role: RoleName::parse(config.text("role")?) }))
}

impl ClaimMapper for HardcodedRole {
    fn turn(&self) -> Turn {
        Turn::HardcodedRole
    }

    fn shape_roles(&self, roles: &mut ShapedRoles) {
        roles.add(&self.role);
    }

    fn map(&self, _source: &Source<'_>, _claims: &mut Claims<'_>) {}
}
