//! What the generated `Debug` of a message shows in place of a secret.

use std::fmt;

/// Stands for a secret that is there.
pub(crate) struct Redacted;

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// `None` for an empty value: whether a secret was given is worth knowing and gives nothing away.
pub(crate) fn unless_empty(empty: bool) -> Option<Redacted> {
    (!empty).then_some(Redacted)
}
