//! A note of the session, or of the request where there is no session: clientHost, clientAddress, client_id, AUTH_TIME.

use super::target::Target;
use super::{ClaimMapper, Claims, MapperConfig, Source};

#[derive(Debug)]
struct SessionNote {
    target: Target,
    note: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    let note = config.text("user.session.note")?.to_owned();
    Some(Box::new(SessionNote { target: Target::read(config)?, note }))
}

impl ClaimMapper for SessionNote {
    fn map(&self, _source: &Source<'_>, claims: &mut Claims<'_>) {
        self.target.write_note(&self.note, claims);
    }
}
