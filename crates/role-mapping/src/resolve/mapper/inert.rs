//! A mapper that does nothing: of a kind without meaning here, or without the settings it needs.

use super::{ClaimMapper, Claims, Source};

#[derive(Debug)]
pub(super) struct Inert;

impl ClaimMapper for Inert {
    fn map(&self, _source: &Source<'_>, _claims: &mut Claims<'_>) {}
}
